import { write } from "node:fs"

/** Writes some of the bytes and says how many, or why not; one call at a time. */
export type WriteBytes = (
  bytes: Uint8Array,
  done: (error: NodeJS.ErrnoException | null, taken: number) => void,
) => void

/** Beyond this whoever fills the output should rest. */
const highWaterBytes = 256 * 1024

/**
 * Bytes on their way out of the process. What a turn of the event loop prints leaves in one system call, made beside
 * the event loop: a slow reader stops nobody but is told of by `onFull`, and one that went away by `onBroken`.
 */
export class ByteOutput {
  /** More waits than should; and again less. */
  onFull: () => void = () => {}
  onDrained: () => void = () => {}
  /** Nobody reads any more; what is still printed goes nowhere. */
  onBroken: (error: NodeJS.ErrnoException) => void = () => {}

  readonly #write: WriteBytes
  #gathered = Buffer.allocUnsafe(16 * 1024)
  #length = 0
  #spare = Buffer.allocUnsafe(16 * 1024)
  #state: "idle" | "scheduled" | "writing" | "broken" = "idle"
  #full = false
  #waiters: (() => void)[] = []

  constructor(writeBytes: WriteBytes) {
    this.#write = writeBytes
  }

  /** Hot. */
  bytes(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#gathered.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Hot. */
  text(text: string): void {
    // Three bytes are the most that one UTF-16 unit can become.
    this.#makeRoom(text.length * 3)
    this.#length += this.#gathered.write(text, this.#length)
  }

  /** Where the output stands, for `rollBack`: good until the end of the turn. */
  get position(): number {
    return this.#length
  }

  /** Takes back what was printed since `position` was asked. */
  rollBack(position: number): void {
    this.#length = position
  }

  /** Resolves when all is written, or nobody reads it any more. */
  async drained(): Promise<void> {
    if (this.#state === "broken" || (this.#state === "idle" && this.#length === 0)) return
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  #makeRoom(length: number): void {
    if (this.#state === "broken") this.#length = 0
    if (this.#length + length > this.#gathered.length) {
      const roomier = Buffer.allocUnsafe(Math.max(this.#length + length, 2 * this.#gathered.length))
      this.#gathered.copy(roomier, 0, 0, this.#length)
      this.#gathered = roomier
    }
    if (this.#state === "idle") {
      this.#state = "scheduled"
      setImmediate(() => this.#flush())
    }
    if (!this.#full && this.#length > highWaterBytes && this.#state === "writing") {
      this.#full = true
      this.onFull()
    }
  }

  #flush(): void {
    if (this.#length === 0) {
      this.#state = "idle"
      return this.#release()
    }
    this.#state = "writing"
    const whole = this.#gathered
    const length = this.#length
    this.#gathered = this.#spare
    this.#spare = whole
    this.#length = 0
    this.#writeOut(whole, 0, length)
  }

  #writeOut(whole: Buffer, from: number, to: number): void {
    this.#write(whole.subarray(from, to), (error, taken) => {
      // A pipe that another process made non-blocking says so when it is full.
      if (error?.code === "EAGAIN") return void setTimeout(() => this.#writeOut(whole, from, to), 5)
      if (error !== null) return this.#break(error)
      if (from + taken < to) return this.#writeOut(whole, from + taken, to)
      this.#flush()
      if (!this.#full || this.#length > highWaterBytes) return
      this.#full = false
      this.onDrained()
    })
  }

  #break(error: NodeJS.ErrnoException): void {
    this.#state = "broken"
    this.#length = 0
    this.#release()
    this.onBroken(error)
  }

  #release(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

export function standardOutput(): ByteOutput {
  return new ByteOutput((bytes, done) => write(1, bytes, 0, bytes.length, null, done))
}
