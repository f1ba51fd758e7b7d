import { Database } from "bun:sqlite"
import { addRules, removeUser, saveUsers, storedUser } from "../support/accounts.ts"
import { describe, expect, test } from "bun:test"
import { chmodSync, existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import { silentLog } from "../support/silent-log.ts"
import type { Message } from "../../src/protocol/message.ts"
import { MessageUnpacker } from "../../src/protocol/message-record.ts"
import type { ShareName } from "../../src/protocol/topic.ts"
import type { Drops } from "../../src/storage/drop-store.ts"
import { openAccounts, openStore, type StoreSettings } from "../../src/storage/open-store.ts"
import type { Store, StoredSession } from "../../src/storage/store.ts"
import {
  message,
  outcome,
  packetId,
  queued,
  sessionRecord,
  subscription,
  texts,
  topicFilter,
  topicName,
} from "./samples.ts"
import { describeStore } from "./store-contract.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

async function retainedIn(store: Store): Promise<Message[]> {
  const unpacker = new MessageUnpacker()
  return (await Array.fromAsync(store.retained())).flat().map((record) => unpacker.unpack(record))
}

async function open(directory: string, settings: Partial<StoreSettings> = {}): Promise<Store> {
  const opened = await openStore(
    { kind: "sqlite", directory, durability: "normal", ...settings } as StoreSettings,
    systemClock,
    silentLog,
  )
  return opened.store
}

async function sessions(store: Store): Promise<Map<string, StoredSession>> {
  const all = await Array.fromAsync(store.sessions())
  return new Map(all.map((session) => [session.record.clientId, session]))
}

describeStore("the SQLite store", () => open(newDirectory()))
describeStore("the SQLite store that nobody waits for", () => open(newDirectory(), { durability: "none" }))

describe("a SQLite store that was closed is opened again", () => {
  test("a session is what it was: record, will, subscriptions and identifiers", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const record = sessionRecord("reader", {
      username: "ada",
      expiryIntervalSeconds: 3600,
      disconnectedAtMs: 1_700_000_000_999,
      will: { message: message("gone", { qos: 2 }), delaySeconds: 30, messageExpirySeconds: 60 },
    })
    const { journal } = store.create(sessionRecord())
    journal.updated(record)
    const shared = { shareName: "team" as ShareName, qos: 2, noLocal: true, retainAsPublished: true } as const
    journal.subscribed(subscription("house/+"))
    journal.subscribed(subscription("house/+", shared))
    journal.subscribed(subscription("garden/#"))
    journal.subscribed(subscription("house/+", { retainHandling: 2, subscriptionIdentifier: 4 }))
    journal.unsubscribed(topicFilter("garden/#"), undefined)
    for (const identifier of [7, 8, 9]) journal.identifierKept(packetId(identifier))
    journal.identifierReleased(packetId(8))
    store.create(sessionRecord("over")).journal.ended()
    await store.close()

    const again = await open(directory)
    const found = await sessions(again)
    expect([...found.keys()]).toEqual(["reader"])
    const session = found.get("reader")
    expect({ ...session?.record, will: undefined } as object).toEqual({ ...record, will: undefined })
    expect(session?.record.will?.delaySeconds).toBe(30)
    expect(session?.record.will?.messageExpirySeconds).toBe(60)
    expect(Buffer.from(session?.record.will?.message.payload ?? []).toString()).toBe("gone")
    expect(session?.subscriptions).toEqual([
      subscription("house/+", shared),
      subscription("house/+", { retainHandling: 2, subscriptionIdentifier: 4 }),
    ])
    expect(session?.awaitingRelease).toEqual([packetId(7), packetId(9)])
    await again.close()
  })

  test("a session is as it was noted or updated last", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const orders = ["noted updated", "updated noted", "noted updated noted noted"]
    for (const order of orders) {
      const { journal } = store.create(sessionRecord(order))
      for (const [index, verb] of order.split(" ").entries()) {
        const record = sessionRecord(order, { disconnectedAtMs: index })
        if (verb === "noted") journal.noted(record)
        else journal.updated(record)
      }
    }
    await store.close()

    const again = await open(directory)
    const found = await sessions(again)
    expect(orders.map((order) => found.get(order)?.record.disconnectedAtMs)).toEqual([1, 1, 3])
    await again.close()
  })

  test("a queue is counted, and comes back in order with its marks", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const { journal } = store.create(sessionRecord())
    for (const sequence of [1, 2, 3, 4]) journal.enqueued(queued(sequence, { qos: 2 }))
    journal.sent(3)
    await outcome(journal.released(2))
    journal.removed(1)
    await store.close()

    const again = await open(directory)
    const session = (await sessions(again)).get("reader")
    expect(session?.queuedMessages).toBe(3)
    expect(session?.queuedBytes).toBe(3 * ("house/door".length + "message 1".length))
    expect(session?.lastSequence).toBe(4)
    expect([session?.sentMessages, session?.sentUpTo]).toEqual([2, 3])
    const recalled = (await session?.journal.queue(0, 9)) ?? []
    expect(texts(recalled)).toEqual(["message 2", "message 3", "message 4"])
    expect(recalled.map(({ sentBefore }) => sentBefore)).toEqual([true, true, false])
    expect(recalled.map(({ released }) => released)).toEqual([true, false, false])
    await again.close()
  })

  test("what was sent while it waited to be written is known as sent, and not dropped", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const { journal } = store.create(sessionRecord())
    await outcome(journal.enqueued(queued(1)))
    for (const sequence of [2, 3]) journal.enqueued(queued(sequence))
    journal.sent(2)
    await outcome(journal.enqueued(queued(4)))
    await store.close()

    const again = await open(directory)
    const session = (await sessions(again)).get("reader")
    expect([session?.sentMessages, session?.sentUpTo]).toEqual([2, 2])
    session?.journal.removedOldest(0)
    const recalled = (await session?.journal.queue(0, 9)) ?? []
    expect(texts(recalled)).toEqual(["message 1", "message 2", "message 4"])
    await again.close()
  })

  test("a topic has the retained message it had last, or none", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const retained = (topic: string, text: string) =>
      message(text, { retain: true, topic: { name: topicName(topic), utf8: Buffer.from(topic) } })
    store.retain(retained("a", "first"))
    store.retain(retained("b", "cleared in the same batch"))
    store.retain(retained("a", "second"))
    store.unretain(topicName("b"))
    await outcome(store.retain(retained("c", "cleared later")))
    store.unretain(topicName("c"))
    await store.close()

    const again = await open(directory)
    const all = await retainedIn(again)
    expect(all.map((one) => [one.topic.name, Buffer.from(one.payload).toString()])).toEqual([["a", "second"]])
    await again.close()
  })

  test("thousands of sessions and retained messages come back in pages, each once", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    for (let index = 0; index < 1500; index++) {
      store.create(sessionRecord(`client-${index}`))
      const topic = `topic/${index}`
      store.retain(message("x", { topic: { name: topicName(topic), utf8: Buffer.from(topic) } }))
    }
    await store.close()
    const again = await open(directory)
    expect((await sessions(again)).size).toBe(1500)
    const topics = (await retainedIn(again)).map((one) => one.topic.name)
    expect(new Set(topics).size).toBe(1500)
    expect(topics).toHaveLength(1500)
    await again.close()
  })

  test("a new session never gets the number of an earlier one that still exists", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    store.create(sessionRecord("first"))
    await store.close()
    const again = await open(directory)
    again.create(sessionRecord("second"))
    await again.close()
    const last = await open(directory)
    expect([...(await sessions(last)).keys()]).toEqual(["first", "second"])
    await last.close()
  })

  test("a body is gone with the last queue entry that holds it", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const journals = ["a", "b", "c"].map((clientId) => store.create(sessionRecord(clientId)).journal)
    const shared = message("shared")
    for (const journal of journals) journal.enqueued(queued(1, { message: shared }))
    journals[0]?.enqueued(queued(2))
    await journals[0]?.queue(0, 9)
    const bodies = () => {
      using database = new Database(join(directory, "bantam.db"), { readonly: true })
      return database
        .query("SELECT (SELECT count(*) FROM message) AS bodies, (SELECT count(*) FROM shared) AS shared")
        .get()
    }
    expect(bodies()).toEqual({ bodies: 2, shared: 1 })
    journals[0]?.removed(1)
    journals[1]?.ended()
    await journals[2]?.queue(0, 9)
    expect(bodies()).toEqual({ bodies: 2, shared: 0 })
    journals[2]?.removed(1)
    journals[0]?.removed(2)
    await journals[2]?.queue(0, 9)
    expect(bodies()).toEqual({ bodies: 0, shared: 0 })
    await store.close()
  })
})

describe("a directory belongs to one process that serves it", () => {
  test("a second store is refused, and told who has it", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    expect(open(directory)).rejects.toThrow(`${directory} is already served by process ${process.pid}`)
    await store.close()
    await (await open(directory)).close()
  })

  test("accounts can be written meanwhile, and are seen at once", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const accounts = openAccounts(directory)
    await saveUsers(accounts, storedUser("ada"))
    expect((await store.accounts.user("ada"))?.passwordHash).toBe("$argon2id$1")
    await removeUser(store.accounts, "ada")
    expect(await accounts.users()).toEqual([])
    accounts.close()
    await store.close()
  })

  test("a change by another process is heard of", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const changed = new Promise<void>((resolve) => store.onAccountsChanged(resolve))
    const accounts = openAccounts(directory)
    await addRules(accounts, "a rule")
    accounts.close()
    await changed
    expect(await store.accounts.accessRules()).toEqual([{ id: 1, line: "a rule" }])
    await store.close()
  })

  test("more users changed than are remembered may have been anybody", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    await saveUsers(store.accounts, storedUser("ada"))
    const { last } = await store.accounts.usersChangedSince(0)
    const many = Array.from({ length: 10_001 }, (_, index) => storedUser(`user-${index}`))
    await saveUsers(store.accounts, ...many.slice(1))
    expect((await store.accounts.usersChangedSince(last)).names).toHaveLength(10_000)
    await saveUsers(store.accounts, ...many.slice(0, 1))
    expect((await store.accounts.usersChangedSince(last)).names).toBeUndefined()
    await store.close()
  })

  test("accounts can be made before the first start", async () => {
    const directory = newDirectory()
    const accounts = openAccounts(directory)
    await saveUsers(accounts, storedUser("ada"))
    accounts.close()
    const store = await open(directory)
    expect(await store.accounts.users()).toHaveLength(1)
    await store.close()
  })

  test("nobody else may look into it", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    await outcome(store.retain(message("secret")))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    const files = readdirSync(directory).toSorted()
    expect(files).toEqual(["bantam.db", "bantam.db-shm", "bantam.db-wal", "bantam.lock"])
    for (const file of files) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
    await store.close()
    expect(existsSync(join(directory, "bantam.db-wal"))).toBe(false)
    chmodSync(join(directory, "bantam.db"), 0o644)
    await (await open(directory)).close()
    expect(statSync(join(directory, "bantam.db")).mode & 0o777).toBe(0o600)
  })
})

describe("a session that could not be created", () => {
  test("promises nothing, and leaves nothing behind", async () => {
    const directory = newDirectory()
    const store = await open(directory, { maximumBytes: 400_000 })
    const will = {
      message: message("", { payload: new Uint8Array(600_000) }),
      delaySeconds: 0,
      messageExpirySeconds: 0,
    }
    const healthy = Promise.withResolvers<void>()
    store.onMood((mood) => mood === "healthy" && healthy.resolve())
    const { journal, ticket } = store.create(sessionRecord("reader", { will }))
    expect(await outcome(ticket)).toBe("failed")
    await healthy.promise
    expect(journal.enqueued(queued(1))?.state).toBe("failed")
    expect(journal.subscribed(subscription("#"))?.state).toBe("failed")
    journal.sent(1)
    journal.removed(1)
    expect(await outcome(journal.ended())).toBe("committed")
    expect(await journal.queue(0, 9)).toEqual([])
    expect(await outcome(store.create(sessionRecord()).ticket)).toBe("committed")
    expect((await sessions(store)).size).toBe(1)
    await store.close()
  })
})

describe("a message that is acknowledged while it waits for its batch", () => {
  test("is struck: nothing is written, and its ticket is done", async () => {
    const directory = newDirectory()
    const store = await open(directory)
    const { journal, ticket } = store.create(sessionRecord())
    await outcome(ticket)
    const sizeOfLog = () => statSync(join(directory, "bantam.db-wal")).size
    const before = sizeOfLog()
    const promise = journal.enqueued(queued(1))
    journal.sent(1)
    journal.removed(1)
    expect(await outcome(promise)).toBe("committed")
    expect(sizeOfLog()).toBe(before)
    expect(await journal.queue(0, 9)).toEqual([])
    await store.close()
  })
})

describe("a database that may not grow any further", () => {
  test("refuses new messages whole, keeps what it has, and takes them again when there is room", async () => {
    const directory = newDirectory()
    const store = await open(directory, { maximumBytes: 600_000 })
    const { journal } = store.create(sessionRecord())
    const payload = new Uint8Array(200_000)
    expect(await outcome(journal.enqueued(queued(1, { message: message("", { payload }) })))).toBe(
      "committed",
    )
    const moods: string[] = []
    const failed = Promise.withResolvers<void>()
    const healthy = Promise.withResolvers<void>()
    store.onMood((mood) => {
      moods.push(mood)
      if (mood === "failed") failed.resolve()
      if (mood === "healthy") healthy.resolve()
    })
    const tickets = [2, 3, 4].map((sequence) =>
      journal.enqueued(queued(sequence, { message: message("", { payload: payload.slice() }) })),
    )
    expect(await Promise.all(tickets.map(outcome))).toEqual(["failed", "failed", "failed"])
    await failed.promise
    expect(journal.enqueued(queued(5))?.state).toBe("failed")
    expect((await journal.queue(0, 9)).map(({ sequence }) => sequence)).toEqual([1])
    journal.removed(1)
    expect(await journal.queue(0, 9)).toEqual([])
    await healthy.promise
    expect(moods).toEqual(["failed", "healthy"])
    expect(await outcome(journal.enqueued(queued(6)))).toBe("committed")
    expect((await journal.queue(0, 9)).map(({ sequence }) => sequence)).toEqual([6])
    using database = new Database(join(directory, "bantam.db"), { readonly: true })
    expect(database.query("SELECT * FROM probe").all()).toEqual([])
    await store.close()
  })
})

test("the log of a store that is told of drops alone is written back too", async () => {
  const directory = newDirectory()
  const store = await open(directory)
  const sizeOfLog = () => statSync(join(directory, "bantam.db-wal")).size
  for (let round = 0; round < 40; round++) {
    const drops = Array.from({ length: 500 }, (_, count): Drops => {
      const clientId = `${round} ${count} `.padEnd(250, "x")
      return { clientId, why: "absent", prefix: "", firstMs: 0, lastMs: 0, messages: 1, bytes: 1 }
    })
    await store.drops.addDrops(drops)
  }
  // It is written back from 4 MiB on, which a batch may pass.
  expect(sizeOfLog()).toBeLessThan(8 * 1024 * 1024)
  await store.close()
})

test("a log that grew while somebody read is cut once it is written back", async () => {
  const directory = newDirectory()
  const store = await open(directory)
  const sizeOfLog = () => statSync(join(directory, "bantam.db-wal")).size
  const body = "x".repeat(1024 * 1024)
  const write = (text: string) => outcome(store.retain(message(text)))
  {
    using reader = new Database(join(directory, "bantam.db"), { readonly: true })
    // What it reads must stay as it is, so the log cannot begin anew.
    reader.run("BEGIN")
    reader.query("SELECT count(*) FROM session").get()
    for (let round = 0; round < 24; round++) await write(`${round} ${body}`)
    expect(sizeOfLog()).toBeGreaterThan(20 * 1024 * 1024)
  }
  // The first has it written back, which an answer does not wait for; the second begins it anew.
  await write("one")
  await store.drops.drops({ limit: 1 })
  await write("two")
  expect(sizeOfLog()).toBeLessThanOrEqual(16 * 1024 * 1024)
  await store.close()
})
