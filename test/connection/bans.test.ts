import { beforeEach, describe, expect, test } from "bun:test"
import type { ClientId } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authenticator } from "../../src/security/authentication/authentication.ts"
import { followStoredBans } from "../../src/security/guard/stored-bans.ts"
import type { StoredBan } from "../../src/storage/account-store.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import { acceptedAs, ban, liftBan } from "../support/accounts.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { connect, lasting, payloads, publish } from "../support/packets.ts"
import { silentLog } from "../support/silent-log.ts"
import { TestBroker } from "../support/test-broker.ts"

const here = "192.0.2.7"

/** Bob's client c, from here. */
const bobs = { username: "bob", remoteAddress: here } as const
const bansOfBob: readonly [StoredBan["kind"], string][] = [
  ["client", "c"],
  ["user", "bob"],
  ["address", "192.0.2.0/24"],
]

describe("Whoever is banned", () => {
  let store: MemoryStore
  let broker: TestBroker
  /** Lets authentication go on, for those who wait for it. */
  let authenticate: (() => void)[] = []
  let isSlow = false

  const authenticator: Authenticator = {
    authenticate: async ({ username }) => {
      if (isSlow) await new Promise<void>((resolve) => authenticate.push(resolve))
      return acceptedAs(username)
    },
  }

  beforeEach(async () => {
    authenticate = []
    isSlow = false
    store = new MemoryStore()
    broker = await TestBroker.start({ store, authenticator })
    await followStoredBans(store, broker.bans, broker.clock, silentLog)
  })

  const banned = async (kind: StoredBan["kind"], value: string, untilMs?: number) => {
    await ban(store.accounts, kind, value, untilMs)
    await broker.settle()
  }

  test.each([
    ["client", "c", 5],
    ["client", "c", 4],
    ["user", "bob", 5],
    ["user", "bob", 4],
  ] as const)("as %s %s is refused at CONNECT, in version %d", async (kind, value, version) => {
    await banned(kind, value)
    const client = broker.client("c", { version, remoteAddress: here })
    const connack = await client.asks({ username: "bob" })
    // A client of 3.1.1 is told 5, not authorized.
    expect(connack?.reasonCode).toBe(version === 5 ? ReasonCode.banned : ReasonCode.notAuthorized)
    await broker.connected("d", { version, username: "ann" })
  })

  test("by address is closed on before a word is read", async () => {
    await banned("address", "192.0.2.0/24")
    expect(broker.client("c", { remoteAddress: here }).state).toBe("terminated")
    expect(broker.counters.turnedAway.banned).toBe(1)
    await broker.connected("d", { remoteAddress: "198.51.100.9" })
  })

  test("as a user learns that only with his password, so that a stranger does not", async () => {
    await banned("user", "bob")
    const refusing = await TestBroker.start({
      store,
      authenticator: {
        authenticate: () => ({
          verdict: "reject",
          reasonCode: ReasonCode.badUserNameOrPassword,
          why: "wrong password",
        }),
      },
    })
    await followStoredBans(store, refusing.bans, refusing.clock, silentLog)
    const connack = await refusing.client("c").asks({ username: "bob" })
    expect(connack?.reasonCode).toBe(ReasonCode.badUserNameOrPassword)
  })

  for (const [kind, value] of bansOfBob) {
    test(`while connected, as ${kind} ${value}, is sent away, and others stay`, async () => {
      const watcher = await broker.connected("watcher", { remoteAddress: "198.51.100.9" })
      watcher.subscribes("will")
      const client = await broker.connected("c", { ...bobs, will: { topic: "will", payload: "gone" } })
      const old = await broker.connected("old", {
        ...bobs,
        username: "b",
        remoteAddress: "192.0.3.1",
        version: 4,
      })
      await banned(kind, value)
      expect(client.receives()).toMatchObject([
        { type: "disconnect", reasonCode: ReasonCode.administrativeAction },
      ])
      expect(client.state).not.toBe("open")
      expect([watcher.state, old.state]).toEqual(["open", "open"])
      expect(payloads(watcher.receives())).toEqual([])
    })

    test(`after it has gone, as ${kind} ${value}, leaves no will either`, async () => {
      const watcher = await broker.connected("watcher", { remoteAddress: "198.51.100.9" })
      watcher.subscribes("will")
      const will = { topic: "will", payload: "gone", properties: { willDelayInterval: 30 } }
      const client = await broker.connected("c", { ...lasting, ...bobs, will })
      client.cuts()
      await banned(kind, value)
      await broker.passes(31)
      expect(payloads(watcher.receives())).toEqual([])
    })

    test(`while it is being let in, as ${kind} ${value}, does not come in`, async () => {
      isSlow = true
      const client = broker.client("c", { remoteAddress: here })
      client.sends(connect(5, { clientId: "c", username: "bob" }), publish({}))
      await banned(kind, value)
      for (const goOn of authenticate) goOn()
      await broker.settle()
      expect(client.state).not.toBe("open")
      expect(broker.counters.clientsConnected).toBe(0)
    })
  }

  test("while it waits for its turn among many does not come in", async () => {
    isSlow = true
    for (let number = 0; number < 40; number++) {
      broker.client(`c${number}`).sends(connect(5, { clientId: `c${number}`, username: "ann" }))
    }
    const client = broker.client("c", { remoteAddress: here })
    client.sends(connect(5, { clientId: "c", username: "bob" }))
    await broker.settle()
    for (const goOn of authenticate) goOn()
    // He was found to be Bob, who is welcome; and the turn has not ended.
    for (let step = 0; step < 9; step++) await Promise.resolve()
    await banned("user", "bob")
    expect(client.state).not.toBe("open")
    expect(broker.counters.clientsConnected).toBe(40)
  })

  test("while its session is being written does not come in", async () => {
    const deferred = new DeferredStore()
    const slow = await TestBroker.start({ store: deferred, authenticator })
    await followStoredBans(deferred, slow.bans, slow.clock, silentLog)
    deferred.hold()
    const client = slow.client("c")
    client.sends(connect(5, { clientId: "c", username: "bob", ...lasting }))
    await slow.settle()
    await ban(deferred.accounts, "user", "bob")
    await slow.settle()
    deferred.commit()
    await slow.settle()
    expect(client.state).not.toBe("open")
    expect(slow.counters.clientsConnected).toBe(0)
  })

  test("while its session is being written leaves no will, not even for when the ban has ended", async () => {
    const deferred = new DeferredStore()
    const slow = await TestBroker.start({ store: deferred, authenticator })
    await followStoredBans(deferred, slow.bans, slow.clock, silentLog)
    const watcher = await slow.connected("watcher", { username: "ann" })
    watcher.subscribes("will")
    deferred.hold()
    const will = { topic: "will", payload: "gone", properties: { willDelayInterval: 30 } }
    slow.client("c").sends(connect(5, { clientId: "c", username: "bob", ...lasting, will }))
    await slow.settle()
    await ban(deferred.accounts, "user", "bob", slow.clock.now() + 10_000)
    await slow.settle()
    deferred.letGo()
    await slow.settle()
    await slow.passes(31)
    expect(payloads(watcher.receives())).toEqual([])
  })

  test("while connected leaves no will, not even for a broker that starts when the ban has ended", async () => {
    const will = { topic: "will", payload: "gone", properties: { willDelayInterval: 3_000 } }
    await broker.connected("c", { ...lasting, ...bobs, will })
    await banned("user", "bob", broker.clock.now() + 10_000)
    const [session] = broker.broker.sessions
    expect(session?.clientId).toBe("c" as ClientId)
    expect(session?.record.will).toBeUndefined()
  })

  test("leaves nothing behind, whoever it is that ends it", async () => {
    const watcher = await broker.connected("watcher")
    watcher.subscribes("will")
    const client = await broker.connected("c", { ...bobs, will: { topic: "will", payload: "gone" } })
    const fits = ({ username }: { username: string | undefined }) => username === "bob"
    broker.acceptor.endWhere(fits, ReasonCode.administrativeAction, "so says the test")
    expect(client.receives()).toMatchObject([{ type: "disconnect" }])
    expect(watcher.state).toBe("open")
    expect(payloads(watcher.receives())).toEqual([])
  })

  test("before it has said anything is closed on when its address is", async () => {
    const client = broker.client("c", { remoteAddress: here })
    await banned("address", here)
    expect(client.state).not.toBe("open")
  })

  test("may come again when the ban is over, or lifted", async () => {
    await banned("user", "bob", broker.clock.now() + 60_000)
    await banned("client", "c")
    await broker.passes(60)
    await broker.connected("d", bobs)
    await liftBan(store.accounts, "client", "c")
    await broker.settle()
    await broker.connected("c", bobs)
  })
})
