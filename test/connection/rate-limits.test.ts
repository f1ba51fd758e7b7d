import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authenticator } from "../../src/security/authentication/authentication.ts"
import { principalOf } from "../../src/security/identity.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { UserLimits } from "../../src/storage/account-store.ts"
import { saveUsers, storedUser } from "../support/accounts.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { disconnect, lasting, payloads, pingreq, publish } from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { TestBroker } from "../support/test-broker.ts"

const noLimits: UserLimits = { connections: undefined, messagesPerSecond: undefined }

function numbered(count: number, from = 0) {
  return Array.from({ length: count }, (_, index) => publish({ payload: String(from + index) }))
}

async function watcherOf(broker: TestBroker): Promise<ScriptedClient> {
  const watcher = await broker.connected("watcher")
  watcher.subscribes("t")
  return watcher
}

describe("A client that publishes more messages a second than it may", () => {
  test.each(["in one chunk", "in many chunks"])("is slowed, and nothing of it is lost: %s", async (how) => {
    const broker = await TestBroker.start({ limits: { messagesPerSecond: 10 } })
    const watcher = await watcherOf(broker)
    const client = await broker.connected("a")
    if (how === "in one chunk") client.sendsTogether(...numbered(35))
    else client.sends(...numbered(35))
    const heard = [payloads(watcher.receives()).length]
    for (let second = 1; second <= 3; second++) {
      await broker.passes(1)
      heard.push(payloads(watcher.receives()).length)
    }
    expect(heard).toEqual([10, 10, 10, 5])
    expect(client.state).toBe("open")
    expect(client.socket.paused).toBe(false)
    expect(broker.counters.heldBack).toBeGreaterThan(0)
  })

  test("is not taken for silent, however long it takes to hear it out", async () => {
    const broker = await TestBroker.start({ limits: { messagesPerSecond: 1 } })
    const watcher = await watcherOf(broker)
    const client = await broker.connected("a", { keepAliveSeconds: 1 })
    client.sendsTogether(...numbered(30), pingreq)
    await broker.passes(29)
    expect(payloads(watcher.receives())).toHaveLength(30)
    await broker.passes(1)
    expect(client.receives()).toEqual([{ type: "pingresp" }])
    await broker.passes(4)
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.keepAliveTimeout }])
  })

  test("is heard out before its farewell", async () => {
    const broker = await TestBroker.start({ limits: { messagesPerSecond: 5 } })
    const watcher = await watcherOf(broker)
    const client = await broker.connected("a", { will: { topic: "t", payload: "will" } })
    client.sendsTogether(...numbered(12), disconnect())
    expect(client.state).toBe("open")
    await broker.passes(2)
    expect(payloads(watcher.receives())).toEqual(numbered(12).map((_, index) => String(index)))
    expect(client.state).not.toBe("open")
  })

  test("is slowed by its own listener's limit, where that has one", async () => {
    const broker = await TestBroker.start({
      limits: { messagesPerSecond: 10 },
      entrance: { messagesPerSecond: 3 },
    })
    const watcher = await watcherOf(broker)
    const client = await broker.connected("a")
    client.sends(...numbered(20))
    expect(payloads(watcher.receives())).toHaveLength(3)
  })

  test("harms nobody else, and is not slowed for what is no message", async () => {
    const broker = await TestBroker.start({ limits: { messagesPerSecond: 2 } })
    const watcher = await watcherOf(broker)
    const [fast, slow] = [await broker.connected("fast"), await broker.connected("slow")]
    fast.sends(...numbered(20))
    slow.sends(...numbered(1))
    slow.sends(...Array.from({ length: 20 }, () => pingreq))
    expect(payloads(watcher.receives())).toHaveLength(3)
    expect(slow.receives()).toHaveLength(20)
  })

  test("is not read on before its time because it has read what it was sent", async () => {
    const broker = await TestBroker.start({
      limits: { messagesPerSecond: 5 },
      output: { highWaterBytes: 1_000 },
    })
    const watcher = await watcherOf(broker)
    const client = await broker.connected("a")
    client.subscribes("t")
    client.stalls()
    client.sends(...numbered(20).map((each) => ({ ...each, payload: new Uint8Array(1_000) })))
    expect(payloads(watcher.receives())).toHaveLength(5)
    client.drains()
    expect(payloads(watcher.receives())).toEqual([])
    await broker.passes(1)
    expect(payloads(watcher.receives())).toHaveLength(5)
  })
})

describe("A user's limits", () => {
  /** Whose account there is, is let in. */
  async function house(limits: Partial<UserLimits>) {
    const store = new MemoryStore()
    const ann = storedUser("ann", { limits: { ...noLimits, ...limits } })
    await saveUsers(store.accounts, ann, storedUser("bob"))
    const authenticator: Authenticator = {
      authenticate: async ({ username = "" }) => {
        const account = await store.accounts.user(username)
        return account === undefined
          ? { verdict: "pass" }
          : { verdict: "accept", principal: principalOf(account) }
      },
    }
    return { broker: await TestBroker.start({ store, authenticator }), accounts: store.accounts, ann }
  }

  test("bind all its connections together, and nobody else", async () => {
    const { broker } = await house({ messagesPerSecond: 10 })
    const watcher = await broker.connected("watcher", { username: "bob" })
    watcher.subscribes("t")
    const one = await broker.connected("one", { username: "ann" })
    const two = await broker.connected("two", { username: "ann" })
    one.sends(...numbered(6))
    two.sends(...numbered(20, 100))
    expect(payloads(watcher.receives())).toHaveLength(10)
    watcher.sends(...numbered(50))
    expect(payloads(watcher.receives())).toHaveLength(50)
    await broker.passes(1)
    expect(payloads(watcher.receives())).toHaveLength(10)
  })

  test("hold from the moment they are set, and no longer than until they are lifted", async () => {
    const { broker, accounts, ann } = await house({})
    const watcher = await broker.connected("watcher", { username: "bob" })
    watcher.subscribes("t")
    const client = await broker.connected("a", { username: "ann" })
    client.sends(...numbered(20))
    expect(payloads(watcher.receives())).toHaveLength(20)
    await saveUsers(accounts, { ...ann, limits: { ...noLimits, messagesPerSecond: 5 } })
    await broker.settle()
    client.sends(...numbered(7))
    expect(payloads(watcher.receives())).toHaveLength(5)
    await broker.passes(1)
    expect(payloads(watcher.receives())).toHaveLength(2)
    await saveUsers(accounts, ann)
    await broker.settle()
    client.sends(...numbered(20))
    expect(payloads(watcher.receives())).toHaveLength(20)
  })

  test("are not escaped by coming back", async () => {
    const { broker } = await house({ messagesPerSecond: 10 })
    const watcher = await broker.connected("watcher", { username: "bob" })
    watcher.subscribes("t")
    for (let time = 0; time < 3; time++) {
      const client = await broker.connected("a", { username: "ann" })
      client.sends(...numbered(10))
      client.cuts()
    }
    expect(payloads(watcher.receives())).toHaveLength(12)
  })

  test("refuse one connection too many, and leave those that are there", async () => {
    const { broker } = await house({ connections: 2 })
    const one = await broker.connected("one", { username: "ann" })
    await broker.connected("two", { username: "ann" })
    const three = broker.client("three")
    expect((await three.asks({ username: "ann" }))?.reasonCode).toBe(ReasonCode.quotaExceeded)
    expect(one.state).toBe("open")
    await broker.connected("watcher", { username: "bob" })
    one.cuts()
    await broker.connected("three", { username: "ann" })
  })

  test("let a client take over its own connection", async () => {
    const { broker } = await house({ connections: 1 })
    const old = await broker.connected("one", { username: "ann" })
    await broker.connected("one", { username: "ann" })
    expect(old.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.sessionTakenOver }])
  })

  test("are not exceeded by many who come at the same time", async () => {
    const store = new DeferredStore()
    await saveUsers(store.accounts, storedUser("ann", { limits: { ...noLimits, connections: 2 } }))
    const account = await store.accounts.user("ann")
    if (account === undefined) throw new Error("there is no ann")
    const authenticator: Authenticator = {
      authenticate: () => ({ verdict: "accept", principal: principalOf(account) }),
    }
    const broker = await TestBroker.start({ store, authenticator })
    store.hold()
    const clients = ["a", "b", "c", "d"].map((id) => broker.client(id))
    const connacks = clients.map((client) => client.asks({ username: "ann", ...lasting }))
    await Promise.all(connacks)
    store.commit()
    await broker.settle()
    expect(broker.counters.clientsConnected).toBe(2)
    for (const client of clients) client.cuts()
    store.letGo()
    await broker.connected("e", { username: "ann" })
    await broker.connected("f", { username: "ann" })
    const one = await broker.client("g").asks({ username: "ann" })
    expect(one?.reasonCode).toBe(ReasonCode.quotaExceeded)
  })
})
