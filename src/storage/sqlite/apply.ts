import { ByteReader } from "./bytes.ts"
import type { Database } from "./database.ts"
import { recordCode, type SessionNumber } from "./operation.ts"
import { seal } from "./records.ts"

/** A row of this size must fit before the store calls itself healthy again. */
const probeBytes = 64 * 1024

/** Applies packed batches, each in one transaction. */
export class BatchApplier {
  readonly #database: Database
  readonly #statements: ReturnType<typeof prepare>
  #lastMessage: number
  /** The body that enqueued records refer to: undefined before the first of them has stored it. */
  #body: Uint8Array = new Uint8Array(0)
  #bodyIsStored = false
  #holders = 0

  constructor(database: Database) {
    this.#database = database
    this.#statements = prepare(database)
    const last = database.query<{ last: number | null }, []>("SELECT max(id) AS last FROM message").get()
    this.#lastMessage = last?.last ?? 0
  }

  /** @throws whatever SQLite says; then nothing of the batch is in the database */
  apply(packed: Uint8Array): void {
    this.#transaction(() => {
      const reader = new ByteReader(packed)
      this.#holders = 0
      while (reader.left > 0) this.#applyRecord(reader)
      this.#countHolders()
    })
  }

  /** Writes and removes something larger than what is left between two pages. @throws when there is no room */
  probe(): void {
    this.#transaction(() => this.#statements.fillProbe.run(probeBytes))
    this.#transaction(() => this.#statements.clearProbe.run())
  }

  #transaction(work: () => void): void {
    this.#statements.begin.run()
    try {
      work()
      this.#statements.commit.run()
    } catch (error) {
      // After some errors SQLite has rolled back by itself.
      if (this.#database.inTransaction) this.#statements.rollback.run()
      throw error
    }
  }

  #applyRecord(reader: ByteReader): void {
    const code = reader.uint8()
    if (code === recordCode.body) {
      this.#countHolders()
      this.#body = reader.sized()
      this.#bodyIsStored = false
      return
    }
    if (code === recordCode.retained) {
      this.#statements.retain.run(reader.text(), seal(reader.sized()))
      return
    }
    if (code === recordCode.unretained) {
      this.#statements.unretain.run(reader.text())
      return
    }
    this.#applyToSession(code, reader.uint32(), reader)
  }

  #applyToSession(code: number, session: SessionNumber, reader: ByteReader): void {
    const statements = this.#statements
    switch (code) {
      case recordCode.enqueued:
        return this.#enqueue(session, reader)
      case recordCode.progressed:
        return this.#progress(session, reader)
      case recordCode.removedOldest:
        statements.removeOldest.run(session, session, reader.float64(), reader.uint32())
        return
      case recordCode.released:
        statements.release.run(session, reader.float64())
        return
      case recordCode.identifierKept:
        statements.keepIdentifier.run(session, reader.uint32())
        return
      case recordCode.identifierReleased:
        statements.releaseIdentifier.run(session, reader.uint32())
        return
      case recordCode.subscribed:
        statements.subscribe.run(
          session,
          reader.text(),
          reader.uint8(),
          reader.uint8(),
          reader.uint8(),
          reader.uint8(),
          reader.uint32(),
        )
        return
      case recordCode.unsubscribed:
        statements.unsubscribe.run(session, reader.text())
        return
      case recordCode.created:
        return this.#create(session, reader)
      case recordCode.updated:
        statements.update.run(...readRecord(reader), session)
        return
      case recordCode.ended:
        return this.#end(session)
      default:
        throw new Error(`assertion failed: a batch has no record ${code}`)
    }
  }

  #enqueue(session: SessionNumber, reader: ByteReader): void {
    const sequence = reader.float64()
    const qos = reader.uint8()
    const retain = reader.uint8()
    const sent = reader.uint8()
    const bytes = reader.uint32()
    const identifiers = reader.sized()
    if (!this.#bodyIsStored) {
      this.#lastMessage += 1
      this.#statements.storeMessage.run(this.#lastMessage, seal(this.#body))
      this.#bodyIsStored = true
    }
    this.#holders += 1
    this.#statements.enqueue.run(
      session,
      sequence,
      qos,
      retain,
      sent,
      bytes,
      identifiers.length === 0 ? null : identifiers,
      this.#lastMessage,
    )
  }

  #countHolders(): void {
    if (this.#holders > 1) this.#statements.share.run(this.#lastMessage, this.#holders)
    this.#holders = 0
  }

  #progress(session: SessionNumber, reader: ByteReader): void {
    const sentUpTo = reader.float64()
    if (sentUpTo > 0) this.#statements.sent.run(sentUpTo, session)
    for (let left = reader.uint32(); left > 0; left--) {
      this.#statements.remove.run(session, reader.float64())
    }
  }

  #create(session: SessionNumber, reader: ByteReader): void {
    const record = readRecord(reader)
    // There is one session for a client identifier; an end that was lost must not stand in the way of the next.
    const earlier = this.#statements.sessionOf.get(record[0])
    if (earlier !== null) this.#end(earlier.id)
    this.#statements.create.run(...record, session)
  }

  #end(session: SessionNumber): void {
    this.#statements.endSession.run(session)
    this.#statements.endSubscriptions.run(session)
    this.#statements.endIdentifiers.run(session)
    this.#statements.endQueue.run(session)
  }
}

type SessionColumns = [
  clientId: string,
  username: string | null,
  createdAtMs: number,
  expiryIntervalSeconds: number,
  disconnectedAtMs: number | null,
  will: Uint8Array | null,
  willDelaySeconds: number,
  willExpirySeconds: number,
]

function readRecord(reader: ByteReader): SessionColumns {
  const clientId = reader.text()
  const hasUsername = reader.uint8() === 1
  const username = reader.text()
  const createdAtMs = reader.float64()
  const expiryIntervalSeconds = reader.uint32()
  const isDisconnected = reader.uint8() === 1
  const disconnectedAtMs = reader.float64()
  const hasWill = reader.uint8() === 1
  return [
    clientId,
    hasUsername ? username : null,
    createdAtMs,
    expiryIntervalSeconds,
    isDisconnected ? disconnectedAtMs : null,
    ...(hasWill ? readWill(reader) : ([null, 0, 0] as const)),
  ]
}

function readWill(reader: ByteReader): [Uint8Array, number, number] {
  const delaySeconds = reader.uint32()
  const expirySeconds = reader.uint32()
  return [seal(reader.sized()), delaySeconds, expirySeconds]
}

function prepare(database: Database) {
  const to = <Parameters extends Parameter[]>(sql: string) => database.query<unknown, Parameters>(sql)
  return {
    begin: to<[]>("BEGIN IMMEDIATE"),
    commit: to<[]>("COMMIT"),
    rollback: to<[]>("ROLLBACK"),
    storeMessage: to<[number, Uint8Array]>("INSERT INTO message (id, body) VALUES (?, ?)"),
    share: to<[number, number]>("INSERT INTO shared (message, holders) VALUES (?, ?)"),
    enqueue: to<[number, number, number, number, number, number, Uint8Array | null, number]>(
      `INSERT INTO queue (session, sequence, qos, retain, sent, released, bytes, subscription_identifiers, message)
       VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8)`,
    ),
    remove: to<[number, number]>("DELETE FROM queue WHERE session = ? AND sequence = ?"),
    removeOldest: to<[number, number, number, number]>(
      `DELETE FROM queue WHERE session = ? AND sequence IN
         (SELECT sequence FROM queue WHERE session = ? AND sequence > ? ORDER BY sequence LIMIT ?)`,
    ),
    release: to<[number, number]>("UPDATE queue SET released = 1 WHERE session = ? AND sequence = ?"),
    sent: to<[number, number]>("UPDATE session SET sent_up_to = max(sent_up_to, ?) WHERE id = ?"),
    keepIdentifier: to<[number, number]>("INSERT OR IGNORE INTO awaiting_release VALUES (?, ?)"),
    releaseIdentifier: to<[number, number]>(
      "DELETE FROM awaiting_release WHERE session = ? AND packet_id = ?",
    ),
    subscribe: to<[number, string, number, number, number, number, number]>(
      "INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    unsubscribe: to<[number, string]>("DELETE FROM subscription WHERE session = ? AND filter = ?"),
    sessionOf: database.query<{ id: number }, [string]>("SELECT id FROM session WHERE client_id = ?"),
    create: to<[...SessionColumns, number]>(
      `INSERT INTO session (client_id, username, created_at_ms, expiry_interval_seconds, disconnected_at_ms,
         will, will_delay_seconds, will_expiry_seconds, id, sent_up_to)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    ),
    update: to<[...SessionColumns, number]>(
      `UPDATE session SET client_id = ?, username = ?, created_at_ms = ?, expiry_interval_seconds = ?,
         disconnected_at_ms = ?, will = ?, will_delay_seconds = ?, will_expiry_seconds = ?
       WHERE id = ?`,
    ),
    endSession: to<[number]>("DELETE FROM session WHERE id = ?"),
    endSubscriptions: to<[number]>("DELETE FROM subscription WHERE session = ?"),
    endIdentifiers: to<[number]>("DELETE FROM awaiting_release WHERE session = ?"),
    endQueue: to<[number]>("DELETE FROM queue WHERE session = ?"),
    retain: to<[string, Uint8Array]>("INSERT OR REPLACE INTO retained (topic, message) VALUES (?, ?)"),
    unretain: to<[string]>("DELETE FROM retained WHERE topic = ?"),
    fillProbe: to<[number]>("INSERT OR REPLACE INTO probe (id, filler) VALUES (1, zeroblob(?))"),
    clearProbe: to<[]>("DELETE FROM probe"),
  }
}

type Parameter = string | number | Uint8Array | null
