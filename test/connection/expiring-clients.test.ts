import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { plainPrincipal } from "../../src/security/identity.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { Store } from "../../src/storage/store.ts"
import { allVersions, lasting, payloads, pingreq, publish } from "../support/packets.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { TestBroker } from "../support/test-broker.ts"

/** Everybody comes with a token that is good for so long from then on, but for one. */
async function brokerWithTokens(seconds: number, store: Store = new MemoryStore()): Promise<TestBroker> {
  const broker: TestBroker = await TestBroker.start({
    store,
    authenticator: {
      authenticate: ({ username }) => {
        const endMs = broker.clock.wall() + seconds * 1000
        const expiresAtMs = username === "for-ever" ? Number.POSITIVE_INFINITY : endMs
        return { verdict: "accept", principal: { ...plainPrincipal(username), expiresAtMs } }
      },
    },
  })
  return broker
}

describe("a session ends when the token does", () => {
  test.each(allVersions)("whoever sends nothing, with a keep alive of 0, in version %p", async (version) => {
    const broker = await brokerWithTokens(100)
    const client = await broker.connected("ann", { version, username: "ann", keepAliveSeconds: 0 })
    await broker.passes(99)
    expect([client.state, client.receives()]).toEqual(["open", []])
    await broker.passes(2)
    const goodbye = {
      type: "disconnect",
      reasonCode: ReasonCode.maximumConnectTime,
      properties: { reasonString: "the token has expired" },
    }
    expect(client.receives()).toEqual(version === 5 ? [expect.objectContaining(goodbye)] : [])
    expect(client.state).toBe("ended")
  })

  test("whoever is lively, with a keep alive that is longer or shorter", async () => {
    const broker = await brokerWithTokens(100)
    const clients = [
      await broker.connected("ann", { username: "ann", keepAliveSeconds: 20 }),
      await broker.connected("bob", { username: "bob", keepAliveSeconds: 65_535 }),
    ]
    for (let tens = 0; tens < 9; tens++) {
      await broker.passes(10)
      for (const client of clients) client.sends(pingreq)
      expect(clients.map((client) => client.receives())).toEqual([
        [{ type: "pingresp" }],
        [{ type: "pingresp" }],
      ])
    }
    await broker.passes(11)
    for (const client of clients) {
      expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.maximumConnectTime }])
      expect(client.state).toBe("ended")
    }
  })

  test("whoever comes with the last seconds of one", async () => {
    const broker = await brokerWithTokens(2)
    const client = await broker.connected("ann", { username: "ann" })
    await broker.passes(3)
    expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.maximumConnectTime }])
  })

  test("whoever is not read, for the disk is behind", async () => {
    const store = new DeferredStore()
    const broker = await brokerWithTokens(100, store)
    const client = await broker.connected("ann", { username: "ann", keepAliveSeconds: 100 })
    const lasts = await broker.connected("for-ever", { username: "for-ever", ...lasting })
    lasts.subscribes("t")
    store.hold()
    store.mood = "behind"
    client.sends(publish({ topic: "t", qos: 1, packetId: 1 }))
    await broker.passes(99)
    expect([client.state, client.receives()]).toEqual(["open", []])
    await broker.passes(2)
    expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.maximumConnectTime }])
  })

  test("whoever has fallen silent is still ended for that, when it comes first", async () => {
    const broker = await brokerWithTokens(100)
    const client = await broker.connected("ann", { username: "ann", keepAliveSeconds: 20 })
    await broker.passes(32)
    expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.keepAliveTimeout }])
  })

  test("whoever sends nothing is looked at within a minute after the wall was put forward", async () => {
    const broker = await brokerWithTokens(86_400)
    const client = await broker.connected("ann", { username: "ann", keepAliveSeconds: 0 })
    broker.clock.putForward(86_400_000)
    await broker.passes(61)
    expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.maximumConnectTime }])
  })

  test("and no sooner where it never ends", async () => {
    const broker = await brokerWithTokens(100)
    const client = await broker.connected("ann", { username: "for-ever", keepAliveSeconds: 0 })
    await broker.leaps(1_000_000)
    expect([client.state, client.receives()]).toEqual(["open", []])
  })

  test("its will is published, as when any connection breaks", async () => {
    const broker = await brokerWithTokens(100)
    const witness = await broker.connected("bob", { username: "for-ever", keepAliveSeconds: 0 })
    witness.subscribes("wills/#")
    await broker.connected("ann", { username: "ann", will: { topic: "wills/ann", payload: "gone" } })
    await broker.passes(99)
    expect(witness.receives()).toEqual([])
    await broker.passes(2)
    expect(payloads(witness.receives())).toEqual(["gone"])
  })

  test("what it kept waits for its next token", async () => {
    const broker = await brokerWithTokens(100)
    const ann = await broker.connected("ann", { username: "ann", ...lasting })
    ann.subscribes("t")
    await broker.passes(101)
    ann.receives()
    const bob = await broker.connected("bob", { username: "for-ever" })
    bob.sends(publish({ topic: "t", payload: "meanwhile", qos: 1, packetId: 1 }))
    const back = await broker.connected("ann", { username: "ann", ...lasting })
    expect(payloads(back.receives())).toEqual(["meanwhile"])
  })
})
