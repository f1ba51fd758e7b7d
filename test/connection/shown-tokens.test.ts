import { expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { rejected } from "../support/accounts.ts"
import { TestBroker } from "../support/test-broker.ts"
import { forged } from "../support/tokens.ts"

test("a token in place of a user name is not told to whoever hears of refusals; any other name is", async () => {
  const broker = await TestBroker.start({
    authenticator: { authenticate: () => rejected(ReasonCode.badUserNameOrPassword) },
  })
  const names: unknown[] = []
  broker.broker.hook.onEvent("client-refused", ({ username }) => void names.push(username))
  for (const username of [forged({ alg: "ES256" }, { sub: "ann" }, "AAAA"), "ann", "a.b.c", undefined]) {
    await broker.client("a").asks({ username })
  }
  expect(names).toEqual(["(a token)", "ann", "a.b.c", undefined])
})
