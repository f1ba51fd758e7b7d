import pc from "picocolors"
import { digits, duration, multiple } from "../cli/bench/numbers.ts"
import { median, type Row } from "./results.ts"
import type { Step, Watcher } from "./rounds.ts"

/*
 * How far a run is, on standard error: a line for each finished row, and below them, on a terminal, one that moves.
 */

export interface Course {
  readonly rows: number
  readonly rounds: number
  /** A first guess, until measurements have shown how long one takes. */
  readonly secondsEach: number
  /** The heading of our column. */
  readonly ours: string
}

type Colors = ReturnType<typeof pc.createColors>

export class Progress implements Watcher {
  readonly #course: Course
  readonly #terminal = process.stderr.isTTY
  readonly #colors = pc.createColors(process.stderr.isTTY && (process.env["NO_COLOR"] ?? "") === "")
  readonly #startedAt = performance.now()
  #step: Step | undefined
  #stepStartedAt = 0
  #timer: Timer | undefined

  constructor(course: Course) {
    this.#course = course
    // Once a second, or it would take time from what is measured.
    if (this.#terminal) this.#timer = setInterval(() => this.#draw(), 1_000)
  }

  begins(step: Step): void {
    this.#step = step
    this.#stepStartedAt = performance.now()
    this.#draw()
  }

  finished(row: Row): void {
    this.#clear()
    process.stderr.write(`${summary(row, this.#course.ours, this.#colors)}\n`)
  }

  end(): void {
    clearInterval(this.#timer)
    this.#clear()
    const seconds = (performance.now() - this.#startedAt) / 1000
    if (this.#terminal) process.stderr.write(this.#colors.dim(`measured in ${duration(seconds)}\n\n`))
  }

  #draw(): void {
    if (!this.#terminal || this.#step === undefined) return
    const { scenario, row, round, peer, done, total } = this.#step
    const { bold, cyan, dim } = this.#colors
    const where = `row ${row} of ${this.#course.rows}, round ${round} of ${this.#course.rounds}`
    const text = `${bar(done / total)} ${bold(scenario)} ${cyan(peer)} ${dim(`${where}, ${this.#left()} left`)}`
    process.stderr.write(`\r${text}\u001B[K`)
  }

  /** From the mean of the measurements so far; the first guess counts as one of them. */
  #left(): string {
    const { done, total } = this.#step ?? { done: 0, total: 0 }
    const behindSeconds = (this.#stepStartedAt - this.#startedAt) / 1000
    const mean = (behindSeconds + this.#course.secondsEach) / (done + 1)
    const current = (performance.now() - this.#stepStartedAt) / 1000
    return duration(Math.max(1, mean * (total - done) - Math.min(current, mean)))
  }

  #clear(): void {
    if (this.#terminal) process.stderr.write("\r\u001B[K")
  }
}

/** Such as `✓  pairs-0  0.270 µs  mosquitto ×24  aedes ×37`. */
function summary(row: Row, ours: string, { bold, dim, green, red }: Colors): string {
  const base = median(row, ours, "brokerMicroseconds")
  const others = Object.keys(row.results).filter((name) => name !== ours)
  const words = others.map((name) => {
    const theirs = median(row, name, "brokerMicroseconds")
    if (theirs === undefined) return red(`${name} failed`)
    return base === undefined ? `${name} ${digits(theirs)} µs` : `${dim(name)} ${multiple(theirs / base)}`
  })
  const result = row.results[ours]
  const good = result !== undefined && result.failure === undefined && result.faults === 0
  const own = base === undefined ? red(result?.failure ?? "–") : `${digits(base)} µs`
  return [good ? green("✓") : red("✗"), bold(row.name.padEnd(18)), own.padStart(9), ...words].join("  ")
}

function bar(share: number): string {
  const cells = 20
  const full = Math.round(share * cells)
  return `${"█".repeat(full)}${"░".repeat(cells - full)} ${(share * 100).toFixed(0).padStart(3)} %`
}
