import { describe, expect, test } from "bun:test"
import { acceptedAs, rejected } from "../../support/accounts.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import {
  AuthenticationChain,
  type AuthenticationVerdict,
  type Authenticator,
  type FinalVerdict,
} from "../../../src/security/authentication/authentication.ts"
import type { Credentials } from "../../../src/security/authentication/credentials.ts"

const credentials: Credentials = {
  clientId: "a",
  username: undefined,
  password: undefined,
  remoteAddress: "192.0.2.1",
  certificate: undefined,
  listener: "tcp://127.0.0.1:1883",
}

const accept: FinalVerdict = acceptedAs("ann")
const reject: FinalVerdict = rejected(ReasonCode.banned)
const pass: AuthenticationVerdict = { verdict: "pass" }

const atOnce = (verdict: AuthenticationVerdict): Authenticator => ({ authenticate: () => verdict })
const later = (verdict: AuthenticationVerdict): Authenticator => ({ authenticate: async () => verdict })

describe("a chain of authenticators", () => {
  test("answers at once when all who are asked do", () => {
    const chain = new AuthenticationChain([atOnce(pass), atOnce(accept), later(reject)])
    expect(chain.authenticate(credentials)).toEqual(accept)
  })

  test("refuses whom nobody knows", async () => {
    const refused = {
      verdict: "reject",
      reasonCode: ReasonCode.notAuthorized,
      why: "nobody knows such a client",
    } as const
    expect(new AuthenticationChain([]).authenticate(credentials)).toEqual(refused)
    expect(new AuthenticationChain([atOnce(pass)]).authenticate(credentials)).toEqual(refused)
    await expect(new AuthenticationChain([later(pass)]).authenticate(credentials)).resolves.toEqual(refused)
  })

  test("lets the first verdict stand, however long it takes", async () => {
    expect(await new AuthenticationChain([later(accept), atOnce(reject)]).authenticate(credentials)).toEqual(
      accept,
    )
    expect(await new AuthenticationChain([later(reject), atOnce(accept)]).authenticate(credentials)).toEqual(
      reject,
    )
  })

  test("asks on behind who passes after a while", async () => {
    const chain = new AuthenticationChain([later(pass), atOnce(pass), later(pass), atOnce(accept)])
    expect(await chain.authenticate(credentials)).toEqual(accept)
  })
})
