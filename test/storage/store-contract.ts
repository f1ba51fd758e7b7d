import { MemoryStore } from "../../src/storage/memory-store.ts"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { type AccountChange, type AuditEntry, mostAuditEntries } from "../../src/storage/account-store.ts"
import { type Drops, dropsBetweenCounts, mostStoredDrops } from "../../src/storage/drop-store.ts"
import { addRules, removeRules, removeUser, saveUsers, storedUser } from "../support/accounts.ts"
import { topicOf } from "../../src/protocol/message.ts"
import type { Store } from "../../src/storage/store.ts"
import {
  message,
  outcome,
  packetId,
  queued,
  sessionRecord,
  subscription,
  texts,
  topicName,
} from "./samples.ts"

/** What every store keeps, whatever it keeps it in. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let store: Store

    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    test("a new store is healthy, without sessions, retained messages and users", async () => {
      expect(store.mood).toBe("healthy")
      expect(await Array.fromAsync(store.sessions())).toEqual([])
      expect(await Array.fromAsync(store.retained())).toEqual([])
      expect(await store.accounts.users()).toEqual([])
    })

    test("every promise is kept", async () => {
      const { journal, ticket } = store.create(sessionRecord())
      const tickets = [
        ticket,
        journal.subscribed(subscription("house/#")),
        journal.enqueued(queued(1)),
        journal.released(1),
        journal.identifierKept(packetId(9)),
        journal.identifierReleased(packetId(9)),
        journal.unsubscribed(subscription("house/#").filter, undefined),
        journal.updated(sessionRecord("reader", { disconnectedAtMs: 5 })),
        store.retain(message("open")),
        store.unretain(topicName("house/door")),
        journal.ended(),
      ]
      expect(new Set(await Promise.all(tickets.map(outcome)))).toEqual(new Set(["committed"]))
    })

    test("a queue comes back in order, in pages, with what was told a moment ago", async () => {
      const { journal } = store.create(sessionRecord())
      for (const sequence of [2, 3, 5, 8]) journal.enqueued(queued(sequence))
      expect(texts(await journal.queue(0, 2))).toEqual(["message 2", "message 3"])
      journal.enqueued(queued(13))
      expect(texts(await journal.queue(3, 10))).toEqual(["message 5", "message 8", "message 13"])
      expect(await journal.queue(13, 10)).toEqual([])
    })

    test("a queued message comes back with all that it is", async () => {
      const { journal } = store.create(sessionRecord())
      const whole = queued(1, {
        qos: 2,
        retain: true,
        subscriptionIdentifiers: [1, 268_435_455],
        message: message("", {
          topic: topicOf(topicName("haus/tür/🚪")),
          payload: new Uint8Array([0, 255, 128]),
          qos: 2,
          retain: true,
          properties: new Uint8Array([1, 1, 3, 0, 1, 120]),
          expiresAtMs: 1_700_000_000_123,
          publisher: { origin: "will", clientId: "", username: undefined },
          counter: 0xffffffff,
          hops: 3,
        }),
      })
      journal.enqueued(whole)
      const [recalled] = await journal.queue(0, 1)
      expect(recalled?.publish.message.topic.name).toBe(whole.publish.message.topic.name)
      expect(Buffer.from(recalled?.publish.message.topic.utf8 ?? [])).toEqual(
        Buffer.from(whole.publish.message.topic.utf8),
      )
      expect({ ...recalled?.publish.message, topic: undefined } as object).toEqual({
        ...whole.publish.message,
        topic: undefined,
      })
      expect({ ...recalled, publish: undefined } as object).toEqual({
        ...whole,
        publish: undefined,
        sentBefore: false,
        released: false,
      })
    })

    test("one message in the queues of two sessions leaves each on its own", async () => {
      const one = store.create(sessionRecord("one")).journal
      const other = store.create(sessionRecord("other")).journal
      const shared = message("for both")
      one.enqueued(queued(1, { message: shared }))
      other.enqueued(queued(1, { message: shared, retain: true }))
      expect(texts(await one.queue(0, 9))).toEqual(["for both"])
      one.removed(1)
      expect(texts(await one.queue(0, 9))).toEqual([])
      expect(texts(await other.queue(0, 9))).toEqual(["for both"])
      other.removed(1)
      expect(texts(await other.queue(0, 9))).toEqual([])
    })

    test("a removed message leaves the queue, whether it was written or not", async () => {
      const { journal } = store.create(sessionRecord())
      for (const sequence of [1, 2, 3]) journal.enqueued(queued(sequence))
      journal.removed(2)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 1", "message 3"])
      journal.removed(1)
      journal.enqueued(queued(4))
      journal.removed(99)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 3", "message 4"])
    })

    test("a full queue drops its oldest message beyond what the client was sent", async () => {
      const { journal } = store.create(sessionRecord())
      for (const sequence of [1, 2, 3, 4]) journal.enqueued(queued(sequence))
      journal.removedOldest(1)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 1", "message 3", "message 4"])
      journal.enqueued(queued(5))
      journal.removedOldest(0)
      journal.removedOldest(0)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 4", "message 5"])
      journal.removedOldest(5)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 4", "message 5"])
    })

    test("a full queue drops nothing that was sent, whether that was written before or not", async () => {
      const { journal } = store.create(sessionRecord())
      for (const sequence of [1, 2, 3]) journal.enqueued(queued(sequence, { qos: 2 }))
      journal.released(1)
      await journal.queue(0, 9)
      journal.sent(2)
      journal.removedOldest(0)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 1", "message 2"])
      for (const sequence of [4, 5]) journal.enqueued(queued(sequence))
      journal.sent(4)
      journal.removedOldest(0)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 1", "message 2", "message 4"])
      journal.removedOldest(0)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 1", "message 2", "message 4"])
    })

    test("a full queue drops none of which PUBREC came [4.3.3]", async () => {
      const { journal } = store.create(sessionRecord())
      for (const sequence of [1, 2]) journal.enqueued(queued(sequence, { qos: 2 }))
      journal.released(1)
      journal.removedOldest(0)
      journal.removedOldest(0)
      expect(texts(await journal.queue(0, 9))).toEqual(["message 1"])
    })

    test("what was on the wire goes out again with DUP, the rest does not [3.3.1.1]", async () => {
      const { journal } = store.create(sessionRecord())
      journal.enqueued(queued(1))
      await journal.queue(0, 9)
      journal.enqueued(queued(2))
      journal.enqueued(queued(3))
      journal.sent(2)
      journal.enqueued(queued(4))
      const sentBefore = (await journal.queue(0, 9)).map((recalled) => recalled.sentBefore)
      expect(sentBefore).toEqual([true, true, false, false])
      journal.sent(3)
      expect((await journal.queue(2, 9)).map((recalled) => recalled.sentBefore)).toEqual([true, false])
    })

    test("a message whose PUBREC came has only PUBREL left [4.3.3]", async () => {
      const { journal } = store.create(sessionRecord())
      journal.enqueued(queued(1, { qos: 2 }))
      journal.enqueued(queued(2, { qos: 2 }))
      journal.released(1)
      expect((await journal.queue(0, 9)).map((recalled) => recalled.released)).toEqual([true, false])
    })

    test("nothing remains of a session that has ended", async () => {
      const { journal } = store.create(sessionRecord())
      journal.enqueued(queued(1))
      journal.ended()
      expect(await journal.queue(0, 9)).toEqual([])
      const next = store.create(sessionRecord()).journal
      expect(await next.queue(0, 9)).toEqual([])
    })

    test("messages of any size come back up to the limit", async () => {
      const { journal } = store.create(sessionRecord())
      const payload = new Uint8Array(3_000_000).fill(1)
      for (const sequence of [1, 2, 3, 4]) {
        journal.enqueued(queued(sequence, { message: message("", { payload }) }))
      }
      const sizes = (await journal.queue(0, 3)).map((recalled) => recalled.publish.message.payload.length)
      expect(sizes).toEqual([3_000_000, 3_000_000, 3_000_000])
    })

    test("a user is there as saved last, with all that is said of it, until removed", async () => {
      const ada = storedUser("ada", {
        passwordHash: undefined,
        enabled: false,
        superuser: true,
        groups: ["family", "guests"],
        attributes: { site: "north", floor: 3, "on-call": true },
        clientId: { kind: "prefix", text: "ada-" },
        limits: { connections: 2, messagesPerSecond: 10 },
        scram: [
          { mechanism: "SCRAM-SHA-256", iterations: 4096, salt: "c2FsdA==", storedKey: "a", serverKey: "b" },
        ],
      })
      await saveUsers(store.accounts, storedUser("ada"), storedUser("Öztürk"), ada)
      expect(await store.accounts.user("ada")).toEqual(ada)
      expect((await store.accounts.users()).map((user) => user.name)).toEqual(["ada", "Öztürk"])
      expect(await store.accounts.usersNamed(["ada", "nobody"])).toEqual([ada])
      expect(await store.accounts.countUsers()).toBe(2)
      expect(await removeUser(store.accounts, "ada")).toBe(true)
      expect(await removeUser(store.accounts, "ada")).toBe(false)
      expect(await store.accounts.user("ada")).toBeUndefined()
    })

    const did = async (change: AccountChange) =>
      (await store.accounts.change("test", [{ change, said: undefined }]))[0] ?? false

    test("a user is added once, and a password hashed anew only if nobody has changed it meanwhile", async () => {
      const { accounts } = store
      const ada = storedUser("ada")
      expect(await did({ change: "add-user", user: ada })).toBe(true)
      expect(await did({ change: "add-user", user: { ...ada, superuser: true } })).toBe(false)
      expect(await accounts.user("ada")).toEqual(ada)
      const before = ada.passwordHash ?? ""
      expect(await did({ change: "rehash", name: "ada", before, after: "$argon2id$2" })).toBe(true)
      expect(await did({ change: "rehash", name: "ada", before, after: "$argon2id$3" })).toBe(false)
      expect(await accounts.user("ada")).toEqual({ ...ada, passwordHash: "$argon2id$2" })
    })

    test("who was added, changed or removed is told, unless it may have been anybody", async () => {
      const { accounts } = store
      const { last } = await accounts.usersChangedSince(0)
      const since = async (change: () => Promise<unknown>) => {
        await change()
        const { names } = await accounts.usersChangedSince(last)
        return names === undefined ? "anybody" : names.toSorted()
      }
      const tells = store instanceof MemoryStore ? () => "anybody" : (...names: string[]) => names
      expect(await since(() => addRules(accounts, "one"))).toEqual(tells())
      expect(await since(() => saveUsers(accounts, storedUser("bob"), storedUser("ada")))).toEqual(
        tells("ada", "bob"),
      )
      expect(await since(() => removeUser(accounts, "bob"))).toEqual(tells("ada", "bob"))
      const now = await accounts.usersChangedSince(last)
      expect((await accounts.usersChangedSince(now.last)).names ?? []).toEqual([])
    })

    test("a user is changed from what somebody saw, and neither from anything else nor from the dead", async () => {
      const { accounts } = store
      const before = storedUser("ada", { attributes: { site: "north" } })
      const after = { ...before, passwordSetAtMs: 9 }
      await saveUsers(accounts, before)
      await saveUsers(accounts, { ...before, enabled: false })
      expect(await did({ change: "change-user", before, after })).toBe(false)
      expect((await accounts.user("ada"))?.enabled).toBe(false)
      await saveUsers(accounts, before)
      expect(await did({ change: "change-user", before, after })).toBe(true)
      expect(await accounts.user("ada")).toEqual(after)
      expect(await did({ change: "remove-user", name: "ada" })).toBe(true)
      expect(await did({ change: "change-user", before: after, after: before })).toBe(false)
      expect(await accounts.user("ada")).toBeUndefined()
    })

    test("whoever is in a group leaves it when it is removed", async () => {
      const { accounts } = store
      const group = { name: "family", createdAtMs: 7 }
      expect(await did({ change: "add-group", group })).toBe(true)
      expect(await did({ change: "add-group", group: { ...group, createdAtMs: 8 } })).toBe(false)
      expect(await accounts.groups()).toEqual([group])
      await saveUsers(accounts, storedUser("ada", { groups: ["family", "guests"] }))
      expect(await did({ change: "remove-group", name: "family" })).toBe(true)
      expect(await did({ change: "remove-group", name: "family" })).toBe(false)
      expect((await accounts.user("ada"))?.groups).toEqual(["guests"])
      expect(await accounts.groups()).toEqual([])
    })

    test("one is banned once, as said last", async () => {
      const { accounts } = store
      const ban = {
        kind: "address",
        value: "10.0.0.0/8",
        untilMs: 9,
        why: "guesses",
        createdAtMs: 5,
      } as const
      expect(await did({ change: "save-ban", ban })).toBe(true)
      expect(await did({ change: "save-ban", ban: { ...ban, untilMs: undefined } })).toBe(true)
      const [kept, ...others] = await accounts.bans()
      expect(kept).toMatchObject({ ...ban, untilMs: undefined })
      expect(others).toEqual([])
      expect(await did({ change: "remove-ban", id: kept?.id ?? 0 })).toBe(true)
      expect(await did({ change: "remove-ban", id: kept?.id ?? 0 })).toBe(false)
      expect(await accounts.bans()).toEqual([])
    })

    test("what was changed is in the audit, and what came to nothing is not", async () => {
      const { accounts } = store
      await accounts.change("root", [
        { change: { change: "add-rule", line: "one" }, said: "rule added: one" },
        { change: { change: "add-rule", line: "one" }, said: "rule added: one, again" },
        { change: { change: "add-rule", line: "two" }, said: undefined },
      ])
      const refusal = {
        atMs: 6,
        kind: "refusal",
        who: "ada",
        what: "may not publish",
        facts: { topic: "a", times: 2 },
      } as const
      await accounts.record([refusal, { ...refusal, atMs: 7, who: "bob" }])
      const all = await accounts.audit({ limit: 9 })
      const [numbered] = await accounts.accessRules()
      expect(all).toMatchObject([
        { kind: "change", who: "root", what: "rule added: one", facts: { rule: numbered?.id } },
        refusal,
        { who: "bob" },
      ])
      expect(await accounts.audit({ limit: 1 })).toEqual(all.slice(2))
      expect(await accounts.audit({ kind: "change", limit: 9 })).toEqual(all.slice(0, 1))
      expect(await accounts.audit({ who: "ada", limit: 9 })).toEqual(all.slice(1, 2))
      expect(await accounts.audit({ sinceMs: 7, kind: "refusal", limit: 9 })).toEqual(all.slice(2))
      expect(await accounts.audit({ afterId: all[1]?.id, limit: 9 })).toEqual(all.slice(2))
    })

    test("a flood of refusals washes neither the changes nor the latest refusals out of the audit", async () => {
      const { accounts } = store
      await accounts.change("root", [
        { change: { change: "add-rule", line: "two" }, said: "rule added: two" },
      ])
      const flood = Array.from({ length: 1.2 * mostAuditEntries }, (_, atMs): Omit<AuditEntry, "id"> => {
        return { atMs, kind: "refusal", who: "", what: "login refused", facts: {} }
      })
      await accounts.record(flood)
      const kept = await accounts.audit({ limit: flood.length })
      expect(kept[0]).toMatchObject({ kind: "change", what: "rule added: two" })
      expect(kept.at(-1)?.atMs).toBe(flood.length - 1)
      expect(kept.length).toBeGreaterThan(mostAuditEntries)
      expect(kept.length).toBeLessThanOrEqual(1.1 * mostAuditEntries)
    }, 30_000)

    test("drops of one client, reason and beginning of topics are one row an hour", async () => {
      const hourMs = 3_600_000
      const { drops } = store
      const first: Drops = {
        clientId: "a",
        why: "expired",
        prefix: "x/y",
        firstMs: 5,
        lastMs: 6,
        messages: 1,
        bytes: 9,
      }
      await drops.addDrops([
        first,
        { ...first, why: "absent" },
        { ...first, clientId: "b" },
        { ...first, prefix: "" },
        { ...first, firstMs: hourMs + 1, lastMs: hourMs + 1 },
      ])
      await drops.addDrops([{ ...first, firstMs: 3, lastMs: 4 }])
      await drops.addDrops([{ ...first, firstMs: 7, lastMs: 8, messages: 2, bytes: 1 }])
      const all = await drops.drops({ limit: 9 })
      expect(all).toHaveLength(5)
      expect(all.at(-1)).toEqual({
        ...first,
        hourMs: 0,
        firstMs: 3,
        lastMs: 8,
        messages: 4,
        bytes: 19,
        change: 3,
      })
      expect(all.filter((row) => row.hourMs === hourMs)).toHaveLength(1)
      expect(await drops.drops({ limit: 1 })).toEqual(all.slice(-1))
      expect(await drops.drops({ clientId: "b", limit: 9 })).toMatchObject([{ clientId: "b" }])
      expect(await drops.drops({ why: "absent", limit: 9 })).toMatchObject([{ why: "absent" }])
      expect(await drops.drops({ sinceMs: hourMs, limit: 9 })).toMatchObject([{ hourMs }])
      expect(await drops.drops({ afterChange: 1, limit: 9 })).toEqual(all.slice(-1))
    })

    test("of too many rows of drops those of the oldest hours go", async () => {
      const { drops } = store
      const hourMs = 3_600_000
      const flood = Array.from({ length: 1.2 * mostStoredDrops }, (_, count): Drops => {
        const atMs = hourMs * Math.floor(count / 30_000) + count
        return {
          clientId: `${count}`,
          why: "absent",
          prefix: "",
          firstMs: atMs,
          lastMs: atMs,
          messages: 1,
          bytes: 1,
        }
      })
      for (let at = 0; at < flood.length; at += 500) await drops.addDrops(flood.slice(at, at + 500))
      const kept = await drops.drops({ limit: flood.length })
      expect(kept.length).toBeGreaterThanOrEqual(mostStoredDrops)
      expect(kept.length).toBeLessThanOrEqual(mostStoredDrops + dropsBetweenCounts)
      expect(kept[0]?.clientId).toBe(String(flood.length - kept.length))
      expect(kept.at(-1)?.hourMs).toBe(3 * hourMs)
    }, 30_000)

    test("access rules are kept in the order in which they came, once each, under numbers of their own", async () => {
      const { accounts } = store
      expect(await accounts.accessRules()).toEqual([])
      expect(await addRules(accounts, "one", "two", "one")).toBe(2)
      const [one, two] = await accounts.accessRules()
      expect([one?.line, two?.line]).toEqual(["one", "two"])
      expect(await removeRules(accounts, two?.id ?? 0, 99)).toBe(1)
      expect(await addRules(accounts, "three", "one")).toBe(1)
      const [same, three] = await accounts.accessRules()
      expect(same).toEqual(one)
      expect(three?.line).toBe("three")
      expect(await removeRules(accounts, three?.id ?? 0)).toBe(1)
      expect(await addRules(accounts, "three")).toBe(1)
      const [, again] = await accounts.accessRules()
      expect(again?.id).toBeGreaterThan(three?.id ?? 0)
    })

    test("whoever wants to know hears of changed users and rules", async () => {
      const { accounts } = store
      const heard = async (change: () => Promise<unknown>) => {
        const changed = new Promise<void>((resolve) => store.onAccountsChanged(resolve))
        await change()
        await changed
      }
      await heard(() => saveUsers(accounts, storedUser("ada")))
      await heard(() => removeUser(accounts, "ada"))
      await heard(() => addRules(accounts, "one"))
    })

    test("a password hashed anew is nobody's business", async () => {
      const { accounts } = store
      await saveUsers(accounts, storedUser("ada", { passwordHash: "old" }))
      let heard = 0
      store.onAccountsChanged(() => (heard += 1))
      await did({ change: "rehash", name: "ada", before: "old", after: "new" })
      await did({ change: "remove-group", name: "none" })
      expect(heard).toBe(1)
    })
  })
}
