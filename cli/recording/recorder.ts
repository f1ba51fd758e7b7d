import { type Clock, systemClock } from "../../src/foundation/clock.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import type { ByteOutput } from "../byte-output.ts"
import { endLine, headerLine, messageLine, type RecordingHeader } from "./format.ts"

/** Writes down messages, each with the time since it began. */
export class Recorder {
  readonly #output: ByteOutput
  readonly #most: number
  readonly #clock: Clock
  #beganMs: number | undefined
  #count = 0

  /** @param most how many messages it takes */
  constructor(output: ByteOutput, most: number, clock = systemClock) {
    this.#output = output
    this.#most = most
    this.#clock = clock
  }

  get count(): number {
    return this.#count
  }

  get hasBegun(): boolean {
    return this.#beganMs !== undefined
  }

  get isFull(): boolean {
    return this.#count >= this.#most
  }

  begin(about: Omit<RecordingHeader, "startedAt">): void {
    this.#beganMs = this.#clock.now()
    this.#output.text(headerLine({ ...about, startedAt: new Date(this.#clock.wall()) }))
  }

  /** Hot. */
  take(publish: Publish, wasStored: boolean): void {
    this.#count += 1
    this.#output.text(messageLine(publish, this.lastedMs, wasStored))
  }

  /** Nothing comes any more. */
  end(): void {
    if (this.hasBegun) this.#output.text(endLine(this.lastedMs, this.#count))
  }

  get lastedMs(): number {
    const nowMs = this.#clock.now()
    return nowMs - (this.#beganMs ?? nowMs)
  }
}
