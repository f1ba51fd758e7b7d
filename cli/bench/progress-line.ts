import pc from "picocolors"
import { rate } from "./numbers.ts"
import { latency } from "./units.ts"
import type { View } from "./watch.ts"

/** Often enough to look alive, and seldom enough to take no time from what is measured. */
const drawEveryMs = 250
/** Ctrl-C is shown as two letters behind the line, which must not begin another one. */
const echoColumns = 3

/** How far a run is, in a line of the terminal on standard error that is written over; nothing where that is none. */
export class ProgressLine {
  readonly #isThere = process.stderr.isTTY === true && process.env["TERM"] !== "dumb"
  readonly #colors = pc.createColors(this.#isThere && !process.env["NO_COLOR"])
  #view: (() => View) | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  /** Which of several runs it is, such as `A 2/3`. */
  title = ""

  show(view: () => View): void {
    this.#view = view
    if (!this.#isThere) return
    this.#timer ??= setInterval(() => this.#draw(), drawEveryMs)
    this.#draw()
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#isThere) process.stderr.write("\r\u001B[K")
  }

  #draw(): void {
    if (this.#view === undefined) return
    const view = this.#view()
    const line = progressText(view, this.title, (process.stderr.columns ?? 80) - echoColumns)
    const { cyan, dim } = this.#colors
    const colored = line.replace(/[█▏▎▍▌▋▊▉]+/, cyan).replace(/░+/, dim)
    process.stderr.write(`\r${colored}\u001B[K`)
  }
}

/** @param columns how wide it may be: what does not fit is left out, the least telling first */
export function progressText(
  { phase, share, count, seconds, latency: times }: View,
  title: string,
  columns: number,
): string {
  const name = [title, phase].filter((word) => word !== "").join(" ")
  if (share === undefined) return name.slice(0, columns)
  const parts = [
    `${(share * 100).toFixed(0).padStart(3)} %`,
    `${seconds.toFixed(1)} s`,
    seconds > 0 ? `${rate(count / seconds)}/s` : "",
    ...(times === undefined || times.total === 0
      ? []
      : [`p50 ${latency(times.percentile(0.5))}`, `p99 ${latency(times.percentile(0.99))}`]),
  ].filter((part) => part !== "")
  while (parts.length > 1 && [name, ...parts].join("  ").length > columns) parts.pop()
  const text = parts.join("  ")
  const cells = Math.min(24, columns - name.length - text.length - 4)
  if (cells < 6) return `${name}  ${text}`.slice(0, columns)
  const full = Math.round(share * cells)
  return `${name}  ${"█".repeat(full)}${"░".repeat(cells - full)}  ${text}`
}
