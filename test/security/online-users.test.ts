import { describe, expect, test } from "bun:test"
import { subscribe } from "../support/packets.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { AccessRules } from "../../src/security/access/access-rules.ts"
import type { Authenticator } from "../../src/security/authentication/authentication.ts"
import { OnlineUsers } from "../../src/security/online-users.ts"
import { Requester } from "../../src/security/requester.ts"
import type { ExchangeAuthenticator } from "../../src/security/authentication/exchange.ts"
import { principalOf } from "../../src/security/identity.ts"
import { followStoredRules } from "../../src/security/access/stored-access-rules.ts"
import type { ClientId } from "../../src/protocol/packet.ts"
import type { AccountStore, StoredUser } from "../../src/storage/account-store.ts"
import { MemoryJournal } from "../../src/storage/memory-journal.ts"
import type { Store, StoredSession } from "../../src/storage/store.ts"
import { topicOf } from "../../src/protocol/message.ts"
import { message, topicName } from "../storage/samples.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import { acceptedAs, addRules, rejected, removeUser, saveUsers, storedUser } from "../support/accounts.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { connect, lasting, payloads } from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { silentLog } from "../support/silent-log.ts"
import { TestBroker } from "../support/test-broker.ts"
import { TurnedClock } from "../support/turned-clock.ts"

const ann = storedUser("ann")
const asAnn = { username: "ann" }

/** Whose account there is, and who shows no name. Nobody is asked for a password here. */
function byAccount(accounts: AccountStore): Authenticator {
  return {
    authenticate: async ({ username }) => {
      if (username === undefined) return acceptedAs(undefined)
      const account = await accounts.user(username)
      if (account?.enabled !== true) return rejected(ReasonCode.badUserNameOrPassword)
      return { verdict: "accept", principal: principalOf(account) }
    },
  }
}

async function brokerOn(store: Store, accounts: AccountStore = store.accounts): Promise<TestBroker> {
  const rules = new AccessRules("auto", () => {})
  await followStoredRules(store, rules, new TurnedClock(), silentLog)
  return TestBroker.start({ store, authenticator: byAccount(accounts), authorizers: [rules] })
}

async function house(...users: readonly StoredUser[]) {
  const store = new MemoryStore()
  await saveUsers(store.accounts, ...users)
  return { broker: await brokerOn(store), accounts: store.accounts }
}

function subscribesTo(client: ScriptedClient, filter: string): unknown {
  client.sends(subscribe(1, filter))
  const [suback] = client.receives()
  return suback?.type === "suback" ? suback.reasonCodes : suback
}

const changes: readonly [string, (accounts: AccountStore) => Promise<unknown>][] = [
  ["is removed", (accounts) => removeUser(accounts, "ann")],
  ["is disabled", (accounts) => saveUsers(accounts, { ...ann, enabled: false })],
  ["gets another password", (accounts) => saveUsers(accounts, { ...ann, passwordSetAtMs: 6 })],
  [
    "may only call itself otherwise",
    (accounts) => saveUsers(accounts, { ...ann, clientId: { kind: "exact", text: "b" } }),
  ],
]

describe("A client whose user", () => {
  for (const [what, change] of changes) {
    test(`${what} is sent away, and its will stays unsaid`, async () => {
      const root = storedUser("root", { superuser: true })
      const { broker, accounts } = await house({ ...ann, superuser: true }, root)
      const watcher = await broker.connected("watcher", { username: "root" })
      watcher.subscribes("will")
      const client = await broker.connected("a", { ...asAnn, will: { topic: "will", payload: "gone" } })
      await change(accounts)
      await broker.settle()
      expect(client.receives()).toMatchObject([
        { type: "disconnect", reasonCode: ReasonCode.administrativeAction },
      ])
      expect(client.state).toBe("ended")
      expect(watcher.state).toBe("open")
      expect(watcher.receives()).toEqual([])
      expect(broker.dropped).toEqual({ "not-authorized": 1 })
    })

    test(`${what} after it has gone leaves no will behind either`, async () => {
      const root = storedUser("root", { superuser: true })
      const { broker, accounts } = await house({ ...ann, superuser: true }, root)
      const watcher = await broker.connected("watcher", { username: "root" })
      watcher.subscribes("will")
      const will = { topic: "will", payload: "gone", properties: { willDelayInterval: 30 } }
      const client = await broker.connected("a", { ...lasting, ...asAnn, will })
      client.cuts()
      await change(accounts)
      await broker.settle()
      await broker.passes(30)
      expect(watcher.receives()).toEqual([])
      expect(broker.dropped).toEqual({ "not-authorized": 1 })
    })

    test(`${what} after it has gone before it was let in leaves no will behind either`, async () => {
      const store = new DeferredStore()
      const root = storedUser("root", { superuser: true })
      await saveUsers(store.accounts, { ...ann, superuser: true }, root)
      const broker = await brokerOn(store)
      const watcher = await broker.connected("watcher", { username: "root" })
      watcher.subscribes("will")
      store.hold()
      const client = broker.client("a")
      const will = { topic: "will", payload: "gone", properties: { willDelayInterval: 30 } }
      client.sends(connect(5, { clientId: "a", ...lasting, ...asAnn, will }))
      await broker.settle()
      client.cuts()
      store.commit()
      await broker.settle()
      await change(store.accounts)
      await broker.settle()
      await broker.passes(31)
      expect(payloads(watcher.receives())).toEqual([])
    })

    test(`${what} while it is being let in is sent away as soon as it is in`, async () => {
      const store = new MemoryStore()
      await saveUsers(store.accounts, ann)
      let changed = false
      const slow: AccountStore = Object.create(store.accounts, {
        user: {
          value: async (name: string) => {
            const found = await store.accounts.user(name)
            if (!changed) await change(store.accounts)
            changed = true
            await Promise.resolve()
            return found
          },
        },
      }) as AccountStore
      const broker = await brokerOn(store, slow)
      const client = broker.client("a")
      expect(await client.asks(asAnn)).toMatchObject({ reasonCode: ReasonCode.success })
      expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.administrativeAction }])
    })
  }

  test("joins a group may do what the group may from the next message on, and no longer when it leaves", async () => {
    const { broker, accounts } = await house(ann)
    await addRules(accounts, "allow group:family both home/#")
    await broker.settle()
    const client = await broker.connected("a", asAnn)
    expect(subscribesTo(client, "home/#")).toEqual([ReasonCode.notAuthorized])
    await saveUsers(accounts, { ...ann, groups: ["family"] })
    await broker.settle()
    expect(subscribesTo(client, "home/#")).toEqual([ReasonCode.grantedQos2])
    client.publishes({ topic: "home/a", payload: "one" })
    expect(payloads(client.receives())).toEqual(["one"])
    await saveUsers(accounts, ann)
    await broker.settle()
    client.publishes({ topic: "home/a", payload: "two" })
    expect(client.receives()).toEqual([])
    expect(client.state).toBe("open")
  })

  test("is made anew under the same name is somebody else's no longer", async () => {
    const { broker, accounts } = await house(ann)
    const client = await broker.connected("a", asAnn)
    await removeUser(accounts, "ann")
    await saveUsers(accounts, { ...ann, createdAtMs: 9, passwordSetAtMs: 9 })
    await broker.settle()
    expect(client.state).toBe("ended")
  })

  test("has nothing to do with what changed stays", async () => {
    const { broker, accounts } = await house(ann, storedUser("bob"))
    const client = await broker.connected("a", asAnn)
    const nobody = await broker.connected("n", {})
    await removeUser(accounts, "bob")
    await addRules(accounts, "allow bob both #")
    await saveUsers(accounts, { ...ann, passwordHash: "$argon2id$ the same, hashed anew" })
    await broker.settle()
    expect([client.state, nobody.state]).toEqual(["open", "open"])
  })
})

describe("When accounts cannot be read", () => {
  /** Cannot be read as long as the test says so. */
  function shaky() {
    const store = new MemoryStore()
    const state = { fails: false }
    const read = async (names: readonly string[]) => {
      if (state.fails) throw new Error("the disk is away")
      return store.accounts.usersNamed(names)
    }
    const accounts = Object.create(store.accounts, { usersNamed: { value: read } }) as AccountStore
    const told: string[] = []
    const tell = (sentence: string) => void told.push(sentence)
    const log = { ...silentLog, error: tell, info: tell }
    const clock = new TurnedClock()
    const users = new OnlineUsers(accounts, clock, log)
    store.onAccountsChanged(() => users.accountsChanged())
    const comes = (name: string, edition = users.edition) => {
      const dismissed: ReasonCode[] = []
      const requester = new Requester(principalOf(storedUser(name)), name, undefined)
      const dismiss = (code: ReasonCode) => void dismissed.push(code)
      users.arrived({ requester, accountChanged: () => {}, dismiss }, edition)
      return dismissed
    }
    const settles = async () => {
      for (let step = 0; step < 20; step++) await Promise.resolve()
    }
    const passes = async (ms: number) => {
      clock.advance(ms)
      await settles()
    }
    return { accounts: store.accounts, users, state, comes, settles, passes, told, clock }
  }

  test("who is connected stays, and is looked at again every second until it works", async () => {
    const { accounts, state, comes, settles, passes, told, clock } = shaky()
    await saveUsers(accounts, ann)
    await settles()
    const dismissed = comes("ann")
    state.fails = true
    await saveUsers(accounts, { ...ann, enabled: false })
    await settles()
    await passes(1_000)
    await passes(1_000)
    expect([dismissed, told]).toEqual([[], ["accounts cannot be read; who is connected stays as it was"]])
    state.fails = false
    await passes(1_000)
    expect(dismissed).toEqual([ReasonCode.administrativeAction])
    expect(told.slice(1)).toEqual(["a client is dismissed", "accounts can be read again"])
    expect(clock.waiting).toBe(0)
  })

  test("who has just come is looked at again as well", async () => {
    const { accounts, users, state, comes, settles, passes } = shaky()
    await saveUsers(accounts, { ...ann, enabled: false })
    await settles()
    state.fails = true
    const dismissed = comes("ann", users.edition - 1)
    await settles()
    state.fails = false
    await passes(1_000)
    expect(dismissed).toEqual([ReasonCode.administrativeAction])
  })
})

describe("A client that proves again who it is", () => {
  test("while its account changes does not become again what it was", async () => {
    const store = new MemoryStore()
    await saveUsers(store.accounts, { ...ann, superuser: true }, storedUser("bob"))
    const rules = new AccessRules("auto", () => {})
    await followStoredRules(store, rules, new TurnedClock(), silentLog)
    let thought = Promise.resolve()
    const slow: ExchangeAuthenticator = {
      method: "SLOW",
      begin: () => ({
        step: async () => {
          const account = await store.accounts.user("ann")
          await thought
          if (account === undefined) throw new Error("there is no ann")
          return { verdict: "accept", principal: principalOf(account), data: undefined }
        },
      }),
    }
    const broker = await TestBroker.start({ store, exchanges: [slow], authorizers: [rules] })
    const properties = { authenticationMethod: "SLOW" }
    const client = await broker.connected("a", { properties })
    expect(subscribesTo(client, "secret")).toEqual([ReasonCode.grantedQos2])
    const { promise, resolve } = Promise.withResolvers<void>()
    thought = promise
    client.sends({ type: "auth", reasonCode: ReasonCode.reAuthenticate, properties })
    await broker.settle()
    await saveUsers(store.accounts, ann)
    await broker.settle()
    resolve()
    await broker.settle()
    expect(client.receives()).toMatchObject([{ type: "auth", reasonCode: ReasonCode.success }])
    expect(subscribesTo(client, "secret")).toEqual([ReasonCode.notAuthorized])
  })
})

describe("A client that somebody else than its account vouches for", () => {
  test("stays whatever becomes of an account of its name, until that is disabled", async () => {
    const store = new MemoryStore()
    const authenticator: Authenticator = { authenticate: () => acceptedAs("ann") }
    const broker = await TestBroker.start({ store, authenticator })
    const client = await broker.connected("a", asAnn)
    for (const [, change] of changes.filter(([what]) => what !== "is disabled")) {
      await saveUsers(store.accounts, { ...ann, superuser: true })
      await change(store.accounts)
      await broker.settle()
    }
    expect([client.state, client.receives()]).toEqual(["open", []])
    await saveUsers(store.accounts, { ...ann, enabled: false })
    await broker.settle()
    expect(client.receives()).toMatchObject([{ reasonCode: ReasonCode.administrativeAction }])
    expect(client.state).toBe("ended")
  })
})

/** A store with one session, whose will waits since the time 0. */
class WithWill extends MemoryStore {
  override async *sessions(): AsyncIterable<StoredSession> {
    const publisher = { origin: "will", clientId: "a" as ClientId, username: "ann" } as const
    const left = message("gone", { topic: topicOf(topicName("will")), publisher, retain: true })
    yield {
      record: {
        clientId: "a" as ClientId,
        username: "ann",
        createdAtMs: 0,
        expiryIntervalSeconds: 100,
        disconnectedAtMs: undefined,
        will: { message: left, delaySeconds: 0, messageExpirySeconds: 0 },
      },
      journal: new MemoryJournal(),
      subscriptions: [],
      awaitingRelease: [],
      queuedMessages: 0,
      queuedBytes: 0,
      sentMessages: 0,
      sentUpTo: 0,
      lastSequence: 0,
    }
  }
}

describe("A will that outlives the process is published as its user may by then:", () => {
  for (const [what, account, expected] of [
    ["in the group that may", { groups: ["family"] }, ["gone"]],
    ["in no group", {}, []],
    ["disabled", { groups: ["family"], enabled: false }, []],
    ["a superuser", { superuser: true }, ["gone"]],
  ] as const) {
    test(what, async () => {
      const store = new WithWill()
      await saveUsers(store.accounts, { ...ann, ...account }, storedUser("root", { superuser: true }))
      await addRules(store.accounts, "allow group:family publish will")
      const broker = await brokerOn(store)
      const watcher = await broker.connected("watcher", { username: "root" })
      watcher.subscribes("will")
      expect(payloads(watcher.receives())).toEqual([...expected])
    })
  }

  for (const [what, onlyAccounts, expected] of [
    ["removed", true, []],
    ["without an account where a token may vouch for it", false, ["gone"]],
  ] as const) {
    test(what, async () => {
      const store = new WithWill()
      await saveUsers(store.accounts, storedUser("root", { superuser: true }))
      const broker = await TestBroker.start({ store, onlyAccounts })
      const watcher = await broker.connected("watcher", { username: "root" })
      watcher.subscribes("will")
      expect(payloads(watcher.receives())).toEqual([...expected])
    })
  }
})
