import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { AccessRules } from "../../src/security/access/access-rules.ts"
import { readBroughtRules } from "../../src/security/access/brought-rules.ts"
import { plainPrincipal } from "../../src/security/identity.ts"
import { lasting, payloads, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

/** Where nobody may do anything, but for root, and for what everybody else brings along. */
async function brokerOf(...lines: readonly string[]): Promise<TestBroker> {
  const broker: TestBroker = await TestBroker.start({
    authorizers: [new AccessRules("deny", () => {}, true)],
    authenticator: {
      authenticate: ({ username }) => {
        if (username === "root") {
          return { verdict: "accept", principal: { ...plainPrincipal("root"), superuser: true } }
        }
        const rules = readBroughtRules(lines, username)
        if ("problem" in rules) throw new Error(rules.problem)
        const expiresAtMs = broker.clock.now() + 100_000
        return { verdict: "accept", principal: { ...plainPrincipal(username), rules, expiresAtMs } }
      },
    },
  })
  return broker
}

describe("a client that brings its rules along", () => {
  test("may do what they say, and nothing else", async () => {
    const broker = await brokerOf("allow publish devices/${clientid}/#", "allow subscribe news")
    const root = await broker.connected("root", { username: "root" })
    root.subscribes("#")
    const client = await broker.connected("d-1", { username: "d" })
    client.subscribes("news")
    client.sends(
      publish({ topic: "devices/d-1/t", payload: "mine", qos: 1, packetId: 1 }),
      publish({ topic: "devices/d-2/t", payload: "another's", qos: 1, packetId: 2 }),
      publish({ topic: "news", payload: "fake", qos: 1, packetId: 3 }),
    )
    expect(client.receives()).toMatchObject([
      { packetId: 1, reasonCode: ReasonCode.success },
      { packetId: 2, reasonCode: ReasonCode.notAuthorized },
      { packetId: 3, reasonCode: ReasonCode.notAuthorized },
    ])
    expect(payloads(root.receives())).toEqual(["mine"])
    root.sends(publish({ topic: "news", payload: "true" }))
    expect(payloads(client.receives())).toEqual(["true"])
  })

  test("leaves a will where they let it publish, now or later, though its token is over by then", async () => {
    for (const willDelayInterval of [0, 30]) {
      const broker = await brokerOf("allow publish wills/${clientid}")
      const root = await broker.connected("root", { username: "root" })
      root.subscribes("#")
      const will = { topic: "wills/d-1", payload: "gone", properties: { willDelayInterval } }
      await broker.connected("d-1", { ...lasting, username: "d", will })
      await broker.passes(101 + willDelayInterval)
      expect(payloads(root.receives())).toEqual(["gone"])
    }
  })

  test("is not let in with a will that they do not allow", async () => {
    const broker = await brokerOf("allow publish wills/${clientid}")
    const client = broker.client("d-1")
    const connack = await client.asks({ username: "d", will: { topic: "wills/d-2" } })
    expect(connack).toMatchObject({ reasonCode: ReasonCode.notAuthorized })
  })
})
