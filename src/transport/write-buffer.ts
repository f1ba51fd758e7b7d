import { copyBytes } from "../foundation/copy-bytes.ts"
import { borrowBytes, giveBackBytes, longestPooledBytes, shortestBytes } from "./byte-pool.ts"
import type { EndOfTurn, FlushSchedule } from "./turn-schedule.ts"

/** Where a write buffer empties itself into. */
export interface Sink {
  /** @returns how many bytes were taken; fewer than given means: no more until `WriteBuffer.drained()` is called */
  write(bytes: Uint8Array): number
  /** More waits than `maximumBytes` allows; it was thrown away. Comes at the end of a turn, once. */
  overflowed(): void
}

/** Bounds of a write buffer; one object may serve many. */
export interface WriteLimits {
  /** Beyond this, and with a sink that takes no more, the buffer is not `writable`. 64 KiB unless told. */
  readonly highWaterBytes?: number
  /**
   * Beyond this the buffer gives up on its reader. 64 MiB unless told. One append may overshoot it, for a single
   * packet is never too long for an empty buffer; below 64 KiB the bound is not looked at.
   */
  readonly maximumBytes?: number
}

/** As much as one system call should carry: beyond it the cost of the call no longer shows. */
const flushBytes = 64 * 1024
const defaultHighWaterBytes = 64 * 1024
const defaultMaximumBytes = 64 * 1024 * 1024

const nothing = new Uint8Array(0)

/**
 * What a turn of the event loop has to say to one peer, so that it leaves in one system call, and what the kernel
 * would not take yet. Holds no memory while nothing waits.
 */
export class WriteBuffer implements EndOfTurn {
  /** Where the waiting bytes stand; another array after each append, reserve or flush. */
  bytes: Uint8Array = nothing
  /** How many bytes the sink has taken so far. */
  sentBytes = 0

  readonly #sink: Sink
  readonly #schedule: FlushSchedule
  readonly #highWaterBytes: number
  readonly #maximumBytes: number
  #start = 0
  #end = 0
  /** How much room the last flush had needed: whoever was busy starts with more. */
  #usualBytes = shortestBytes
  #scheduled = false
  #state: "flowing" | "stalled" | "overflowed" | "closed" = "flowing"

  constructor(sink: Sink, schedule: FlushSchedule, limits: WriteLimits = {}) {
    this.#sink = sink
    this.#schedule = schedule
    this.#highWaterBytes = limits.highWaterBytes ?? defaultHighWaterBytes
    this.#maximumBytes = limits.maximumBytes ?? defaultMaximumBytes
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#end - this.#start
  }

  /** False while the sink takes nothing and more than `highWaterBytes` wait, and for good once closed. */
  get writable(): boolean {
    if (this.#state === "flowing") return true
    return this.#state === "stalled" && this.size <= this.#highWaterBytes
  }

  /**
   * Hot. Copies `bytes[start, end)` behind what waits.
   *
   * @returns where in `this.bytes` the copy starts, for a caller that patches a packet identifier at once
   */
  append(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
    const offset = this.reserve(end - start)
    copyBytes(this.bytes, offset, bytes, start, end)
    return offset
  }

  /**
   * Hot. Room behind what waits, for a caller that writes each of the `length` bytes itself at once.
   *
   * @returns where in `this.bytes` the room starts
   */
  reserve(length: number): number {
    if (this.#end - this.#start + length > flushBytes) this.#relieve()
    if (this.#end + length > this.bytes.length) this.#makeRoom(length)
    if (!this.#scheduled) {
      this.#scheduled = true
      this.#schedule.add(this)
    }
    const offset = this.#end
    this.#end += length
    return offset
  }

  /** Offers what waits to the sink now, unless the sink is known to be full. */
  flush(): void {
    const offered = this.#end - this.#start
    if (this.#state !== "flowing" || offered === 0) return
    const taken = this.#sink.write(this.bytes.subarray(this.#start, this.#end))
    if (taken > 0) this.sentBytes += taken
    if (this.#isClosed()) return
    if (taken >= offered) return this.#release()
    this.#start += taken
    this.#state = "stalled"
  }

  /** The sink takes again. */
  drained(): void {
    if (this.#state !== "stalled") return
    this.#state = "flowing"
    this.flush()
  }

  /** What waits is lost, and what is still appended goes nowhere. */
  close(): void {
    this.#state = "closed"
    this.#release()
  }

  endOfTurn(): void {
    this.#scheduled = false
    if (this.#state === "flowing") return this.flush()
    if (this.#state === "stalled") return
    const overflowed = this.#state === "overflowed"
    this.close()
    if (overflowed) this.#sink.overflowed()
  }

  /** The sink may have closed us while it wrote. */
  #isClosed(): boolean {
    return this.#state === "closed"
  }

  #relieve(): void {
    if (this.#state === "flowing") return this.flush()
    if (this.#state === "stalled") {
      if (this.size <= this.#maximumBytes) return
      // The sink hears of it at the end of the turn, not in the middle of what the caller is doing.
      this.#state = "overflowed"
    }
    this.#release()
  }

  #makeRoom(length: number): void {
    const needed = this.size + length
    // Moving is worth it once as much has left as still waits; otherwise the array doubles. Either way a byte
    // moves a fixed number of times on average, however slowly the reader takes.
    if (needed <= this.bytes.length && this.size <= this.#start) {
      this.bytes.copyWithin(0, this.#start, this.#end)
    } else {
      const roomier = borrowBytes(Math.max(needed, 2 * this.bytes.length, this.#usualBytes))
      if (this.size > 0) roomier.set(this.bytes.subarray(this.#start, this.#end))
      if (this.bytes !== nothing) giveBackBytes(this.bytes)
      this.bytes = roomier
    }
    this.#end -= this.#start
    this.#start = 0
  }

  #release(): void {
    if (this.bytes === nothing) return
    const length = this.bytes.length
    const fitting = this.#end > length / 2 ? length : Math.max(shortestBytes, length / 2)
    this.#usualBytes = Math.min(fitting, longestPooledBytes)
    giveBackBytes(this.bytes)
    this.bytes = nothing
    this.#start = 0
    this.#end = 0
  }
}
