import type { Sequence } from "../store.ts"
import { ByteReader } from "./bytes.ts"
import type { Database } from "./database.ts"
import type { SessionNumber } from "./operation.ts"
import { recordCode, struckMark } from "./packing.ts"
import { seal } from "./records.ts"
import { prepareStatements, type SessionColumns } from "./statements.ts"

/** Turns packed records into rows, within a transaction of the caller's. */
export class RecordApplier {
  readonly #statements: ReturnType<typeof prepareStatements>
  #lastMessage: number
  #reader = new ByteReader(new Uint8Array(0))
  /** The body that enqueued records refer to. */
  #bodyStart = 0
  #bodyLength = 0
  #bodyIsStored = false
  #holders = 0
  /** Rows written since the call began. */
  #rows = 0
  /** Of these only the last word counts, so they are written at the end of a call. */
  readonly #sentUpTo = new Map<SessionNumber, Sequence>()
  readonly #identifiers = new Map<SessionNumber, Map<number, "kept" | "released">>()

  constructor(database: Database) {
    this.#statements = prepareStatements(database)
    const last = database.query<{ last: number | null }, []>("SELECT max(id) AS last FROM message").get()
    this.#lastMessage = last?.last ?? 0
  }

  /**
   * @param records whole ones, beginning with one that needs no body before it
   * @param dueBytes ends, where that can be, once it is so far
   * @param enoughRows or has written so many rows
   * @returns how many bytes of the records are applied
   * @throws whatever SQLite says
   */
  apply(records: Uint8Array, dueBytes: number, enoughRows: number): number {
    const reader = new ByteReader(records)
    this.#reader = reader
    this.#rows = 0
    this.#holders = 0
    this.#sentUpTo.clear()
    this.#identifiers.clear()
    while (reader.left > 0) {
      const start = reader.offset
      const code = reader.uint8()
      // Messages for further sessions stand right behind the body that they share.
      if ((code & ~struckMark) !== recordCode.enqueued) {
        if (start >= dueBytes || this.#rows >= enoughRows) return this.#finish(start)
        this.#countHolders()
      }
      const length = reader.uint32()
      this.#applyRecord(code, reader.offset + length)
    }
    return this.#finish(reader.offset)
  }

  #finish(applied: number): number {
    this.#countHolders()
    for (const [session, sentUpTo] of this.#sentUpTo) this.#statements.sent.run(sentUpTo, session)
    for (const [session, identifiers] of this.#identifiers) this.#writeIdentifiers(session, identifiers)
    return applied
  }

  #applyRecord(code: number, end: number): void {
    const reader = this.#reader
    if (code === recordCode.body) {
      this.#bodyStart = reader.offset
      this.#bodyLength = end - reader.offset
      this.#bodyIsStored = false
    } else if ((code & struckMark) === 0) {
      return this.#applyUnstruck(code, end)
    }
    reader.skip(end - reader.offset)
  }

  #applyUnstruck(code: number, end: number): void {
    const reader = this.#reader
    this.#rows += 1
    if (code === recordCode.retained) {
      this.#statements.retain.run(reader.text(), seal(reader.sized()))
    } else if (code === recordCode.unretained) {
      this.#statements.unretain.run(reader.text())
    } else {
      this.#applyToSession(code, reader.uint32(), end)
    }
  }

  #applyToSession(code: number, session: SessionNumber, end: number): void {
    const statements = this.#statements
    const reader = this.#reader
    switch (code) {
      case recordCode.enqueued:
        return this.#enqueue(session, end)
      case recordCode.progressed:
        return this.#progress(session, end)
      case recordCode.removedOldest:
        return this.#removeOldest(session)
      case recordCode.released:
        statements.release.run(session, reader.float64())
        return
      case recordCode.identifierKept:
        return this.#identifier(session, reader.uint32(), "kept")
      case recordCode.identifierReleased:
        return this.#identifier(session, reader.uint32(), "released")
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
        return this.#create(session)
      case recordCode.updated:
        statements.update.run(...readRecord(reader), session)
        return
      case recordCode.ended:
        return this.#end(session)
      default:
        throw new Error(`assertion failed: a batch has no record ${code}`)
    }
  }

  #enqueue(session: SessionNumber, end: number): void {
    const reader = this.#reader
    const sequence = reader.float64()
    const qos = reader.uint8()
    const retain = reader.uint8()
    const sent = reader.uint8()
    const released = reader.uint8()
    const bytes = reader.uint32()
    const identifiers = reader.bytes(end - reader.offset)
    if (!this.#bodyIsStored) {
      this.#lastMessage += 1
      this.#statements.storeMessage.run(
        this.#lastMessage,
        seal(reader.bytesAt(this.#bodyStart, this.#bodyLength)),
      )
      this.#bodyIsStored = true
    }
    this.#holders += 1
    this.#statements.enqueue.run(
      session,
      sequence,
      qos,
      retain,
      sent,
      released,
      bytes,
      identifiers.length === 0 ? null : identifiers,
      this.#lastMessage,
    )
  }

  #countHolders(): void {
    if (this.#holders > 1) this.#statements.share.run(this.#lastMessage, this.#holders)
    this.#holders = 0
  }

  #progress(session: SessionNumber, end: number): void {
    const reader = this.#reader
    const sentUpTo = reader.float64()
    if (sentUpTo > (this.#sentUpTo.get(session) ?? 0)) this.#sentUpTo.set(session, sentUpTo)
    while (reader.offset < end) {
      const sequence = reader.float64()
      // 0: its message was struck in its stead.
      if (sequence === 0) continue
      this.#rows += 1
      this.#statements.remove.run(session, sequence)
    }
  }

  #removeOldest(session: SessionNumber): void {
    const beyond = Math.max(this.#reader.float64(), this.#sentUpTo.get(session) ?? 0)
    this.#statements.removeOldest.run(session, beyond, this.#reader.uint32())
  }

  #identifier(session: SessionNumber, identifier: number, state: "kept" | "released"): void {
    let identifiers = this.#identifiers.get(session)
    if (identifiers === undefined) {
      identifiers = new Map()
      this.#identifiers.set(session, identifiers)
    }
    identifiers.set(identifier, state)
  }

  #writeIdentifiers(session: SessionNumber, identifiers: ReadonlyMap<number, "kept" | "released">): void {
    const { keepIdentifier, releaseIdentifier } = this.#statements
    for (const [identifier, state] of identifiers) {
      if (state === "kept") keepIdentifier.run(session, identifier)
      else releaseIdentifier.run(session, identifier)
    }
  }

  #create(session: SessionNumber): void {
    const record = readRecord(this.#reader)
    // There is one session for a client identifier; an end that was lost must not stand in the way of the next.
    const earlier = this.#statements.sessionOf.get(record[0])
    if (earlier !== null) this.#end(earlier.id)
    this.#statements.create.run(...record, session)
  }

  #end(session: SessionNumber): void {
    this.#identifiers.delete(session)
    this.#statements.endSession.run(session)
    this.#statements.endSubscriptions.run(session)
    this.#statements.endIdentifiers.run(session)
    this.#statements.endQueue.run(session)
  }
}

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
