import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Batch } from "../../src/storage/sqlite/batch.ts"
import { BatchLog } from "../../src/storage/sqlite/batch-log.ts"
import { ByteWriter } from "../../src/storage/sqlite/bytes.ts"
import { type Database, openFile } from "../../src/storage/sqlite/database.ts"
import { createDatabase } from "../../src/storage/sqlite/directory.ts"
import { message, packetId, queued, sessionRecord, subscription, topicName } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

/** What the store is told, by whoever tells it at random, and when its batches end and are folded. */
type Step = readonly [what: keyof typeof steps, session: number, number: number]

interface Sides {
  /** Folds now and then. */
  folding: BatchLog
  /** Applies each batch at once. */
  readonly plain: BatchLog
  readonly database: Database
}

class Teller {
  batch = new Batch()
  readonly #sessions = new Map<number, number>()
  readonly #lastSequences = new Map<number, number>()
  #numbers = 0

  /** The number of the session that has this place at present. */
  session(place: number): number {
    const session = this.#sessions.get(place)
    return session ?? this.create(place)
  }

  create(place: number): number {
    const session = ++this.#numbers
    this.#sessions.set(place, session)
    this.batch.add({ op: "created", session, record: sessionRecord(`client ${place}`) })
    return session
  }

  last(session: number): number {
    return this.#lastSequences.get(session) ?? 0
  }

  enqueue(session: number, text: string, shared = message(text)): void {
    const sequence = this.last(session) + 1
    this.#lastSequences.set(session, sequence)
    this.batch.enqueue(session, queued(sequence, { message: shared, qos: 2 }), sequence - 1)
  }

  commit({ folding, plain }: Sides): void {
    if (this.batch.isEmpty) return
    const writer = new ByteWriter()
    this.batch.pack(writer)
    this.batch = new Batch()
    folding.append(writer.written.slice())
    plain.applyAtOnce(writer.written.slice())
  }
}

/** One of the sequences that the session has had, or the next. */
const someOf = (teller: Teller, session: number, number: number) => (number % (teller.last(session) + 1)) + 1

const steps = {
  enqueued: (teller: Teller, place: number, number: number) =>
    teller.enqueue(teller.session(place), `message ${number}`),
  enqueuedForAll: (teller: Teller, _place: number, number: number) => {
    const shared = message(`for all ${number}`)
    for (const place of [0, 1, 2]) teller.enqueue(teller.session(place), "", shared)
  },
  sent: (teller: Teller, place: number, number: number) => {
    const session = teller.session(place)
    teller.batch.sent(session, someOf(teller, session, number), 0)
  },
  removed: (teller: Teller, place: number, number: number) => {
    const session = teller.session(place)
    teller.batch.remove(session, someOf(teller, session, number))
  },
  removedOldest: (teller: Teller, place: number, number: number) => {
    const session = teller.session(place)
    teller.batch.removeOldest(session, someOf(teller, session, number) - 1)
  },
  released: (teller: Teller, place: number, number: number) => {
    const session = teller.session(place)
    teller.batch.add({ op: "released", session, sequence: someOf(teller, session, number) })
  },
  identifierKept: (teller: Teller, place: number, number: number) =>
    teller.batch.add({
      op: "identifierKept",
      session: teller.session(place),
      packetId: packetId((number % 3) + 1),
    }),
  identifierReleased: (teller: Teller, place: number, number: number) =>
    teller.batch.add({
      op: "identifierReleased",
      session: teller.session(place),
      packetId: packetId((number % 3) + 1),
    }),
  subscribed: (teller: Teller, place: number, number: number) =>
    teller.batch.add({
      op: "subscribed",
      session: teller.session(place),
      subscription: subscription(`filter/${number % 3}`),
    }),
  unsubscribed: (teller: Teller, place: number, number: number) =>
    teller.batch.add({
      op: "unsubscribed",
      session: teller.session(place),
      filter: `filter/${number % 3}`,
    }),
  ended: (teller: Teller, place: number) => {
    teller.batch.add({ op: "ended", session: teller.session(place) })
    teller.create(place)
  },
  takenOver: (teller: Teller, place: number) => teller.create(place),
  retained: (teller: Teller, place: number, number: number) =>
    teller.batch.retain(topicName(`topic/${place}`), message(`retained ${number}`)),
  unretained: (teller: Teller, place: number) => teller.batch.retain(topicName(`topic/${place}`), undefined),
  committed: (teller: Teller, _place: number, _number: number, sides: Sides) => teller.commit(sides),
  folded: (_teller: Teller, _place: number, _number: number, sides: Sides) => sides.folding.foldAll(),
  restarted: (_teller: Teller, _place: number, _number: number, sides: Sides) => {
    sides.folding = new BatchLog(sides.database, "bantam.db")
  },
} as const

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("enqueued", "removed", "committed") },
    { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])) },
  ),
  fc.nat(2),
  fc.nat(1000),
)

/** All that is at rest, but for the numbers of the messages. */
function contentOf(database: Database): unknown {
  const rows = (sql: string) => database.query<unknown, []>(sql).all()
  return {
    sessions: rows("SELECT id, client_id, sent_up_to FROM session ORDER BY id"),
    subscriptions: rows("SELECT * FROM subscription ORDER BY session, filter"),
    identifiers: rows("SELECT * FROM awaiting_release ORDER BY session, packet_id"),
    queues: rows(`
      SELECT session, sequence, qos, retain, sent, released, bytes, hex(body) AS body
      FROM queue LEFT JOIN message ON message.id = queue.message ORDER BY session, sequence`),
    messages: rows("SELECT hex(body) AS body FROM message ORDER BY body"),
    shared: rows(`
      SELECT hex(body) AS body, holders FROM shared LEFT JOIN message ON message.id = shared.message
      ORDER BY body, holders`),
    retained: rows("SELECT topic, hex(message) AS message FROM retained ORDER BY topic"),
    batches: rows("SELECT id FROM batch"),
  }
}

const newDirectory = temporaryDirectories()
const clear = ["session", "subscription", "awaiting_release", "queue", "message", "shared", "retained"]

function newDatabase(): Database {
  const directory = newDirectory()
  mkdirSync(directory)
  const file = join(directory, "bantam.db")
  createDatabase(file)
  return openFile(file, "none")
}

describe("batches that are folded whenever it suits", () => {
  test("leave what they would have left had each been applied at once", () => {
    using database = newDatabase()
    using other = newDatabase()
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (script) => {
        for (const table of clear) for (const one of [database, other]) one.run(`DELETE FROM ${table}`)
        const sides = {
          folding: new BatchLog(database, "bantam.db"),
          plain: new BatchLog(other, "bantam.db"),
          database,
        }
        const teller = new Teller()
        for (const [what, place, number] of script) steps[what](teller, place, number, sides)
        teller.commit(sides)
        sides.folding.foldAll()
        expect(contentOf(database)).toEqual(contentOf(other))
      }),
      { numRuns: 300 },
    )
  })
})
