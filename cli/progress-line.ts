import type { RunOptions } from "./client-run.ts"
import { grouped } from "./quantities.ts"

const everyMs = 1000
/** The rate is that of the last five seconds: what comes once a second would be 0, 1 or 2 of the last one. */
const mostReadings = 6

interface Reading {
  readonly atMs: number
  readonly count: number
}

/**
 * How far a long work is: a line on standard error that is written anew each second. Only on a terminal that can take it
 * back.
 */
export class ProgressLine {
  readonly #count: () => number
  readonly #parts: (perSecond: string) => readonly string[]
  readonly #timer: ReturnType<typeof setInterval> | undefined
  #readings: readonly Reading[] = [{ atMs: performance.now(), count: 0 }]
  #isThere = false
  #everShown = false

  /**
   * @param count of what is done
   * @param parts of the line; where the terminal is too narrow the last ones are left out
   * @param wanted false for a work that shows nothing
   */
  constructor(count: () => number, parts: (perSecond: string) => readonly string[], wanted: boolean) {
    this.#count = count
    this.#parts = parts
    const isTerminal = process.stderr.isTTY === true && process.env["TERM"] !== "dumb"
    if (wanted && isTerminal) this.#timer = setInterval(() => this.#draw(), everyMs)
  }

  /** Prints a line in its place, below which it comes back. */
  above(line: string): void {
    this.#clear()
    process.stderr.write(line)
  }

  /** @returns whether it was ever there */
  end(): boolean {
    clearInterval(this.#timer)
    this.#clear()
    return this.#everShown
  }

  #clear(): void {
    if (this.#isThere) process.stderr.write("\r\x1b[K")
    this.#isThere = false
  }

  #draw(): void {
    const now = { atMs: performance.now(), count: this.#count() }
    const [before = now] = this.#readings
    this.#readings = [...this.#readings, now].slice(-mostReadings)
    const perSecond = ((now.count - before.count) * 1000) / (now.atMs - before.atMs)
    const line = fitting(this.#parts(`${grouped(perSecond)}/s`), process.stderr.columns ?? 80)
    process.stderr.write(`\r\x1b[K${line}`)
    this.#isThere = true
    this.#everShown = true
  }
}

/** Behind -d other lines would run into it. */
export function showsProgress({ quiet, debug }: RunOptions): boolean {
  return quiet !== true && debug !== true
}

/** As many of the parts, from the first on, as stand on one line: the last column would begin another. */
function fitting([first = "", ...others]: readonly string[], columns: number): string {
  let line = first
  for (const part of others) {
    if (line.length + part.length + 3 >= columns) break
    line += ` · ${part}`
  }
  return line.slice(0, columns - 1)
}
