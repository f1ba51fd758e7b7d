import type { Clock, Timer } from "../../foundation/clock.ts"
import type { Ticket } from "../../foundation/ticket.ts"
import type { StoreMood } from "../store.ts"
import { Batch } from "./batch.ts"
import { ByteWriter } from "./bytes.ts"
import { failedTicket } from "./ticket.ts"

/** How the writing of a batch ended; the buffer comes back to be filled again. */
export interface Written {
  /** Undefined when it is committed; otherwise nothing of it is in the database. */
  readonly failure: string | undefined
  readonly buffer: ArrayBuffer | undefined
}

/**
 * log: as one row, for most of it will soon be undone. tables: as what it becomes in the end, for most of it will
 * stay. probe: the same, once it is found out that there is room for more than a few bytes.
 */
export type WriteWay = "log" | "tables" | "probe"

/** Whoever commits batches, one at a time. */
export interface BatchWriter {
  /**
   * Never rejects.
   *
   * @param packed the whole of its buffer is given away
   */
  write(packed: Uint8Array<ArrayBuffer>, way: WriteWay): Promise<Written>
}

/** Over either mark the store is behind; it is healthy again below half of both. */
export interface BacklogLimits {
  readonly bytes: number
  readonly messages: number
}

const retryMs = 1000
/** So many messages of one batch on the wire are worth waiting for their acknowledgements, so long. */
const lingeringMessages = 500
const lingerMs = 5
/** A buffer that grew beyond this in a busy moment is not kept. */
const sparedBufferBytes = 4 * 1024 * 1024

/**
 * Group commit: while the writer has one batch, the next gathers, however long that takes. Only a large batch that
 * will soon be a small one waits for a timer.
 *
 * A batch is handed over at the end of a turn of the event loop, never within: what belongs together was told
 * within one turn, so it is committed together.
 *
 * When a batch fails, so does every promise that waits: what was told later builds upon it. While failed no
 * promise is taken; what takes away gathers, and is tried again each second.
 */
export class GroupCommit {
  readonly #writer: BatchWriter
  readonly #clock: Clock
  readonly #limits: BacklogLimits
  readonly #listeners: ((mood: StoreMood, why: string) => void)[] = []
  #mood: StoreMood = "healthy"
  #gathering = new Batch()
  #writing: Batch | undefined
  #written: Promise<void> = Promise.resolve()
  #scheduled = false
  #closed = false
  #retry: Timer | undefined
  #linger: Timer | undefined
  #lingersUntilMs: number | undefined
  #spare: ArrayBuffer | undefined

  constructor(writer: BatchWriter, clock: Clock, limits: BacklogLimits) {
    this.#writer = writer
    this.#clock = clock
    this.#limits = limits
  }

  get mood(): StoreMood {
    return this.#mood
  }

  onMood(listener: (mood: StoreMood, why: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Hot. The batch to add a promise to; undefined while none can be taken: answer with `failedTicket`. */
  promising(): Batch | undefined {
    if (this.#cannotWrite || this.#closed) return undefined
    return this.gathering()
  }

  /** Hot. The batch to add to what may not be refused. */
  gathering(): Batch {
    this.#schedule()
    return this.#gathering
  }

  /** The ticket of a promise just added, watching the backlog on the way. */
  promised(batch: Batch): Ticket {
    if (this.#mood === "healthy" && this.#isOver(this.#limits.bytes, this.#limits.messages)) {
      this.#feel("behind", "more waits to be written than should")
    }
    return this.#closed ? failedTicket : batch.promise
  }

  /** Calls once all that was told so far is on its way to the writer: at once, if nothing waits. */
  afterwards(callback: () => void): void {
    if (this.#cannotWrite || this.#gathering.isEmpty) return callback()
    this.#gathering.afterwards.push(callback)
    this.#schedule()
  }

  /** The batches that are not committed yet, the one that is being written first. */
  *uncommitted(): Iterable<Batch> {
    if (this.#writing !== undefined) yield this.#writing
    yield this.#gathering
  }

  /** The writer is gone for good: what waits has failed, and nothing is promised any more. */
  lose(why: string): void {
    this.#retry?.cancel()
    this.#feel("lost", why)
    // A batch that the writer had is failed by the writer.
    if (this.#writing === undefined) this.#fail(new Batch(), why)
  }

  /**
   * Writes what waits; when that fails, tries once more and gives up.
   *
   * @returns how many operations are lost
   */
  async close(): Promise<number> {
    this.#closed = true
    this.#retry?.cancel()
    for (let attempts = 0; attempts < 2;) {
      if (this.#writing === undefined && this.#gathering.isEmpty) break
      if (this.#writing === undefined) this.#hand(this.#mood === "failed")
      await this.#written
      if (this.#cannotWrite) attempts += 1
    }
    this.#retry?.cancel()
    this.#settleIfEmpty()
    return this.#gathering.operations.length
  }

  get #cannotWrite(): boolean {
    return this.#mood === "failed" || this.#mood === "lost"
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#endOfTurn)
  }

  readonly #endOfTurn = (): void => {
    this.#scheduled = false
    if (this.#cannotWrite || this.#settleIfEmpty()) return
    if (this.#writing === undefined && !this.#lingers()) this.#hand(false)
  }

  /**
   * Whether the batch is worth a moment more, for most of its messages will be acknowledged and struck within it.
   *
   * Bench row durable: halves what is written. A batch of messages that nobody was sent, or of a few, never waits.
   */
  #lingers(): boolean {
    const { underway, afterwards } = this.#gathering
    if (underway < lingeringMessages || afterwards.length > 0) return false
    const nowMs = this.#clock.now()
    this.#lingersUntilMs ??= nowMs + lingerMs
    if (nowMs >= this.#lingersUntilMs) return false
    this.#linger ??= this.#clock.at(this.#lingersUntilMs, this.#endOfTurn)
    return true
  }

  /** All that was promised was struck meanwhile: done without the disk. */
  #settleIfEmpty(): boolean {
    if (!this.#gathering.isEmpty) return false
    const batch = this.#begin()
    this.#settle(batch, "committed")
    for (const callback of batch.afterwards) callback()
    this.#feelBacklog()
    return true
  }

  /** From now on the next batch gathers. @returns the one that did */
  #begin(): Batch {
    const batch = this.#gathering
    this.#gathering = new Batch()
    this.#linger?.cancel()
    this.#linger = undefined
    this.#lingersUntilMs = undefined
    return batch
  }

  #hand(probe: boolean): void {
    const batch = this.#begin()
    const packed = new ByteWriter(this.#roomFor(batch))
    this.#spare = undefined
    batch.pack(packed)
    this.#writing = batch
    const way = probe ? "probe" : isForTheAbsent(batch) ? "tables" : "log"
    this.#written = this.#writer.write(packed.written, way).then((written) => this.#finish(batch, written))
    for (const callback of batch.afterwards) callback()
    batch.afterwards.length = 0
  }

  /** A large batch that is packed into a buffer that grows with it is copied twice (torture: overload fast publisher). */
  #roomFor({ bytes }: Batch): ArrayBuffer | undefined {
    return bytes > sparedBufferBytes ? new ArrayBuffer(bytes + bytes / 8) : this.#spare
  }

  #finish(batch: Batch, { failure, buffer }: Written): void {
    this.#writing = undefined
    if (buffer !== undefined && buffer.byteLength <= sparedBufferBytes) this.#spare = buffer
    if (failure !== undefined) return this.#fail(batch, failure)
    if (this.#mood === "failed") this.#feel("healthy", "the store can write again")
    this.#settle(batch, "committed")
    this.#feelBacklog()
    if (!this.#gathering.isEmpty) this.#schedule()
  }

  #fail(batch: Batch, why: string): void {
    const waiting = this.#begin()
    this.#gathering.carryOver(waiting)
    this.#gathering.carryOver(batch)
    const callbacks = this.#gathering.afterwards.splice(0)
    if (!this.#cannotWrite) this.#feel("failed", why)
    batch.promise.settle("failed")
    waiting.promise.settle("failed")
    for (const callback of callbacks) callback()
    if (this.#closed || this.#mood === "lost") return
    this.#retry = this.#clock.at(this.#clock.now() + retryMs, () => {
      if (this.#writing === undefined) this.#hand(true)
    })
  }

  #settle(batch: Batch, state: "committed"): void {
    batch.promise.settle(state)
    for (const ticket of batch.carried) ticket.settle(state)
  }

  #feelBacklog(): void {
    if (this.#mood !== "behind") return
    if (this.#isOver(this.#limits.bytes / 2, this.#limits.messages / 2)) return
    this.#feel("healthy", "what waited is written")
  }

  #isOver(bytes: number, messages: number): boolean {
    const writing = this.#writing
    return (
      this.#gathering.bytes + (writing?.bytes ?? 0) > bytes ||
      this.#gathering.messages + (writing?.messages ?? 0) > messages
    )
  }

  #feel(mood: StoreMood, why: string): void {
    this.#mood = mood
    for (const listener of this.#listeners) listener(mood, why)
  }
}

/**
 * Many messages that hardly anybody was sent will stay for a while. By way of the log they would be written twice: a
 * third more work for a queue of a million.
 */
function isForTheAbsent({ messages, underway, atQos2 }: Batch): boolean {
  return messages >= 64 && (underway + atQos2) * 8 < messages
}
