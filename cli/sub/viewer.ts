import type { ByteOutput } from "../byte-output.ts"
import { harmless } from "../harmless.ts"
import type { MessageFormat } from "../message-format.ts"
import { type Paint, someOf } from "../output.ts"
import { formatCode } from "../time-format.ts"
import { FloodGate } from "./flood-gate.ts"
import { LiveOutput } from "./live-output.ts"
import { messageLines } from "./message-lines.ts"
import { type Figures, rateLine, RateMeter } from "./rate-meter.ts"

/** How often the line at the bottom is written anew, at most. */
const beatMs = 250

/** The terminal, as far as it matters; its size as it is at the moment. */
export interface ViewedTerminal {
  readonly columns: () => number
  readonly rows: () => number
  readonly paint: Paint
}

export interface ViewOptions {
  /** Payloads whole, and every message; otherwise some of a flood, and no more than the terminal takes. */
  readonly full: boolean
  /** What is listened to. */
  readonly filters: readonly string[]
  /** The figures at the bottom are shown. */
  readonly hasLine: boolean
}

/** Messages on a terminal for a person who watches, and below them how many there are. */
export class Viewer {
  readonly #output: LiveOutput
  readonly #terminal: ViewedTerminal
  readonly #options: ViewOptions
  readonly #meter = new RateMeter(performance.now())
  readonly #gate = new FloodGate()
  readonly #beat: ReturnType<typeof setInterval>
  #beatAtMs = performance.now()
  /** The terminal has more to do than it can. */
  #isHeld = false
  /** The connection is lost, and not made again yet. */
  #isAway = false
  /** Not shown since the last that was. */
  #passedOver = 0
  #day = ""

  constructor(output: ByteOutput, terminal: ViewedTerminal, options: ViewOptions) {
    this.#output = new LiveOutput(output, terminal.columns)
    this.#terminal = terminal
    this.#options = options
    this.#beat = setInterval(() => this.#onBeat(), beatMs)
    this.#day = dayOf(new Date())
  }

  /** Hot. */
  readonly show: MessageFormat = (message, at) => {
    this.#meter.count(message.topic, message.payload.length)
    if (!this.#options.full && (this.#isHeld || !this.#gate.admits(message.payload.length))) {
      this.#meter.hide()
      this.#passedOver += 1
      return
    }
    this.#printDay(at)
    const lines = messageLines(message, at, {
      columns: this.#terminal.columns(),
      payloadLines: this.#payloadLines(),
      paint: this.#terminal.paint,
    })
    this.#output.print(`${lines.join("\n")}\n`)
  }

  /** A sentence of ours among the messages; it must be harmless. */
  say(sentence: string): void {
    this.#output.print(`${this.#terminal.paint.yellow(sentence)}\n`)
  }

  connected(): void {
    if (this.#isAway) this.say("connected again")
    this.#isAway = false
  }

  /** Of the connection; told of once, however often it cannot be made again. */
  lost(why: string): void {
    if (!this.#isAway) this.say(`${harmless(why)}; connecting again`)
    this.#isAway = true
  }

  /** The terminal takes no more for the moment. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
  }

  end(): void {
    clearInterval(this.#beat)
    this.#printPassedOver()
    this.#output.end()
  }

  #onBeat(): void {
    const now = performance.now()
    this.#gate.open(now - this.#beatAtMs)
    this.#beatAtMs = now
    const figures = this.#meter.read(now)
    // What is written to a terminal that takes nothing would only gather here.
    if (this.#isHeld) return
    this.#printPassedOver()
    if (this.#options.hasLine) this.#output.line = this.#terminal.paint.dim(this.#lineOf(figures))
  }

  #lineOf(figures: Figures): string {
    if (this.#isAway) return "no connection"
    if (figures.messages > 0) return rateLine(figures, this.#terminal.columns() - 1)
    return `waiting for messages on ${harmless(someOf(this.#options.filters))}`
  }

  #printPassedOver(): void {
    if (this.#passedOver === 0) return
    const { paint } = this.#terminal
    const count = this.#passedOver.toLocaleString("en-US")
    this.#output.print(`${paint.yellow(`… ${count} messages not shown (--full)`)}\n`)
    this.#passedOver = 0
  }

  #printDay(at: Date): void {
    const day = dayOf(at)
    if (day === this.#day) return
    this.#day = day
    this.#output.print(`${this.#terminal.paint.dim(`${formatCode("A", at)}, ${day}`)}\n`)
  }

  /** Half of the terminal, so that the message before is still to be seen, and no more than one cares to read. */
  #payloadLines(): number {
    if (this.#options.full) return Number.POSITIVE_INFINITY
    return Math.min(Math.max(Math.floor(this.#terminal.rows() / 2), 4), 20)
  }
}

function dayOf(at: Date): string {
  return formatCode("F", at)
}
