import { describe, expect, test } from "bun:test"
import type { Credentials } from "../../../src/security/authentication/credentials.ts"
import {
  CertificateAuthenticator,
  type CertificateIdentity,
} from "../../../src/security/authentication/certificate-authenticator.ts"
import type { ClientCertificate } from "../../../src/security/authentication/credentials.ts"
import { MemoryStore } from "../../../src/storage/memory-store.ts"
import { saveUsers, storedUser } from "../../support/accounts.ts"

const pump: ClientCertificate = {
  commonName: "pump-1",
  alternativeNames: { dns: ["pump.example.org"], email: ["a@example.org", "b@example.org"], uri: [] },
  fingerprint256: "ab".repeat(32),
}

async function shown(
  words: Partial<Credentials>,
  identity: CertificateIdentity | "none" = "common-name",
  knownUsersOnly = false,
) {
  const { accounts } = new MemoryStore()
  await saveUsers(
    accounts,
    storedUser("pump-1", { groups: ["pumps"], passwordHash: undefined }),
    storedUser("pump-2", { enabled: false }),
  )
  const credentials: Credentials = {
    clientId: "c",
    username: undefined,
    password: undefined,
    remoteAddress: "192.0.2.1",
    certificate: pump,
    listener: "tls://127.0.0.1:8883",
    ...words,
  }
  return new CertificateAuthenticator(
    accounts,
    identity === "none" ? undefined : identity,
    knownUsersOnly,
  ).authenticate(credentials)
}

const pass = { verdict: "pass" } as const
const refusal = (why: string) => ({ verdict: "reject", why })

describe("A client certificate", () => {
  test("makes a client the user that it names, with what its account says", async () => {
    expect(await shown({})).toMatchObject({
      verdict: "accept",
      principal: { username: "pump-1", groups: ["pumps"], account: { name: "pump-1" } },
    })
    expect(await shown({ username: "pump-1" })).toMatchObject({ verdict: "accept" })
  })

  test("names the user by what the settings say", async () => {
    const named = async (identity: CertificateIdentity) => {
      const verdict = await shown({}, identity)
      return verdict.verdict === "accept" ? verdict.principal.username : verdict.verdict
    }
    expect(await named("dns")).toBe("pump.example.org")
    expect(await named("fingerprint")).toBe(pump.fingerprint256)
    // Of two nobody could say which is meant.
    expect(await named("email")).toBe("reject")
    expect(await named("uri")).toBe("reject")
  })

  test("says nothing where there is none, or where certificates say nothing about users", async () => {
    expect(await shown({ certificate: undefined })).toEqual(pass)
    expect(await shown({}, "none")).toEqual(pass)
  })

  test("is refused where it does not fit", async () => {
    expect(await shown({ username: "root" })).toMatchObject(
      refusal("the certificate is that of pump-1, and the user name another"),
    )
    expect(await shown({ certificate: { ...pump, commonName: undefined } })).toMatchObject(
      refusal("the certificate names no user by its common-name"),
    )
    expect(await shown({ certificate: { ...pump, commonName: "pump-2" } })).toMatchObject(
      refusal("user pump-2, whom the certificate names, is disabled"),
    )
  })

  test("of somebody who has no account is enough, unless the settings want one", async () => {
    const stranger = { certificate: { ...pump, commonName: "pump-3" } }
    expect(await shown(stranger)).toMatchObject({
      verdict: "accept",
      principal: { username: "pump-3", groups: [], superuser: false, account: undefined },
    })
    expect(await shown(stranger, "common-name", true)).toMatchObject(refusal("there is no user pump-3"))
  })
})
