import { Fifo } from "../../foundation/fifo.ts"
import { damage } from "../store-error.ts"
import { RecordApplier } from "./apply.ts"
import { ByteQueue } from "./byte-queue.ts"
import { limitSize, type Database } from "./database.ts"
import { strike } from "./strike.ts"
import { transactionOf, type Transaction } from "./transaction.ts"

/** Folding begins once so many bytes of batches wait for it, and leaves the latest, which may yet be undone. */
const foldFromBytes = 4 * 1024 * 1024
const keepBytes = 1024 * 1024
/** More than these never wait, whatever it takes. */
const mostBytes = 8 * 1024 * 1024
/** Folding ends a transaction with so many rows, so that no commit waits longer than 10 ms behind it. */
const rowsAtOnce = 500
/** A row of this size must fit before the store calls itself healthy again. */
const probeBytes = 64 * 1024

interface LoggedBatch {
  readonly id: number
  readonly bytes: number
}

/**
 * Commits each batch as one row, and folds them into the tables later, in their order and bit by bit: what was undone
 * meanwhile never becomes a row of its own. A copy of what is not folded yet is held in memory.
 */
export class BatchLog {
  readonly #statements: ReturnType<typeof prepare>
  readonly #transaction: Transaction
  readonly #applier: RecordApplier
  readonly #database: Database
  readonly #maximumBytes: number | undefined
  readonly #unfolded = new ByteQueue()
  readonly #batches = new Fifo<LoggedBatch>()
  #lastId = 0
  /** Of the first batch. */
  #foldedBytes = 0
  /** So many of the unfolded bytes are to be folded next, and are struck. */
  #dueBytes = 0

  /**
   * Takes up what an earlier process has left.
   *
   * @param file where the database is, to be named in errors
   * @param maximumBytes no batch makes the database larger than this; folding may
   * @throws StoreError a batch is not what was committed
   */
  constructor(database: Database, file: string, maximumBytes?: number) {
    this.#database = database
    this.#statements = prepare(database)
    this.#transaction = transactionOf(database)
    this.#applier = new RecordApplier(database)
    this.#maximumBytes = maximumBytes
    this.#limitSize(maximumBytes)
    this.#load(file)
  }

  /**
   * Commits a batch. Where no row of its own can be added, it is applied to the tables, where it may even make room.
   *
   * @throws whatever SQLite says; then nothing of the batch is in the database
   */
  append(packed: Uint8Array): void {
    while (this.#unfolded.length > mostBytes) this.foldDue()
    try {
      this.#insert(packed)
    } catch {
      // Whatever is wrong, it is still wrong there or does not matter.
      this.applyAtOnce(packed)
    }
  }

  /** Commits a batch as rows, and with it all that waits. @throws whatever SQLite says */
  applyAtOnce(packed: Uint8Array): void {
    this.foldAll()
    this.#transaction(() => this.#applier.apply(packed, packed.length, Number.POSITIVE_INFINITY))
  }

  /** Writes and removes something larger than what is left between two pages. @throws when there is no room */
  probe(): void {
    this.#transaction(() => this.#statements.fillProbe.run(probeBytes))
    this.#transaction(() => this.#statements.clearProbe.run())
  }

  /** Folds a part of what is due. @returns whether more is. @throws whatever SQLite says */
  foldDue(): boolean {
    if (this.#dueBytes === 0 && this.#unfolded.length >= foldFromBytes) {
      strike(this.#unfolded.content)
      this.#dueBytes = this.#unfolded.length - keepBytes
    }
    if (this.#dueBytes > 0) this.#foldSome(this.#dueBytes)
    return this.#dueBytes > 0
  }

  /** The tables hold all that was committed. @throws whatever SQLite says */
  foldAll(): void {
    if (this.#unfolded.length > 0) strike(this.#unfolded.content)
    while (this.#unfolded.length > 0) this.#foldSome(this.#unfolded.length)
  }

  #insert(packed: Uint8Array): void {
    const id = this.#lastId + 1
    this.#statements.insert.run(id, Bun.hash.crc32(packed), packed)
    this.#lastId = id
    this.#batches.push({ id, bytes: packed.length })
    this.#unfolded.append(packed)
  }

  #foldSome(dueBytes: number): void {
    let applied = 0
    // It makes room in the end, and has to have some first.
    this.#limitSize(undefined)
    try {
      this.#transaction(() => {
        applied = this.#applier.apply(this.#unfolded.content, dueBytes, rowsAtOnce)
        this.#cut(applied)
      })
    } finally {
      this.#limitSize(this.#maximumBytes)
    }
    this.#unfolded.drop(applied)
    this.#dueBytes = Math.max(0, this.#dueBytes - applied)
    this.#foldedBytes += applied
    for (let first = this.#batches.peek(); first !== undefined; first = this.#batches.peek()) {
      if (first.bytes > this.#foldedBytes) break
      this.#foldedBytes -= first.bytes
      this.#batches.shift()
    }
  }

  /** Deletes the batches that are folded to their end, and notes how far the next one is. */
  #cut(applied: number): void {
    let foldedBytes = this.#foldedBytes + applied
    let lastFolded = 0
    for (const { id, bytes } of this.#batches) {
      if (bytes > foldedBytes) break
      foldedBytes -= bytes
      lastFolded = id
    }
    if (lastFolded > 0) this.#statements.cut.run(lastFolded)
    if (foldedBytes !== this.#foldedBytes) this.#statements.noteFolded.run(foldedBytes)
  }

  #limitSize(maximumBytes: number | undefined): void {
    if (this.#maximumBytes !== undefined) limitSize(this.#database, maximumBytes)
  }

  #load(file: string): void {
    for (const { id, checksum, packed } of this.#statements.all.iterate()) {
      if (Bun.hash.crc32(packed) !== checksum) throw damage(`batch ${id} fails its checksum`, file)
      if (this.#lastId !== 0 && id !== this.#lastId + 1) {
        throw damage(`batch ${id} follows batch ${this.#lastId}`, file)
      }
      this.#lastId = id
      this.#batches.push({ id, bytes: packed.length })
      this.#unfolded.append(packed)
    }
    this.#foldedBytes = this.#statements.folded.get()?.bytes ?? 0
    if (this.#foldedBytes > (this.#batches.peek()?.bytes ?? 0)) {
      throw damage("the head record does not fit the first batch", file)
    }
    this.#unfolded.drop(this.#foldedBytes)
  }
}

function prepare(database: Database) {
  const to = <Parameters extends (number | Uint8Array)[]>(sql: string) =>
    database.query<unknown, Parameters>(sql)
  return {
    insert: to<[number, number, Uint8Array]>("INSERT INTO batch (id, checksum, packed) VALUES (?, ?, ?)"),
    cut: to<[number]>("DELETE FROM batch WHERE id <= ?"),
    noteFolded: to<[number]>("UPDATE head SET folded_bytes = ?"),
    all: database.query<{ id: number; checksum: number; packed: Uint8Array }, []>(
      "SELECT id, checksum, packed FROM batch ORDER BY id",
    ),
    folded: database.query<{ bytes: number }, []>("SELECT folded_bytes AS bytes FROM head"),
    fillProbe: to<[number]>("INSERT OR REPLACE INTO probe (id, filler) VALUES (1, zeroblob(?))"),
    clearProbe: to<[]>("DELETE FROM probe"),
  }
}
