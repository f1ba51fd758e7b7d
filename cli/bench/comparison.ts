import { paint, table } from "../output.ts"
import { type Findings, isFailure, mainLatency, mainRate } from "./findings.ts"
import { digits, multiple, rate } from "./numbers.ts"
import { apart, type Spread, spreadOf } from "./spread.ts"
import { latencyUnit } from "./units.ts"

/** Two brokers under the same load, beside each other. */
export interface Comparison {
  readonly format: 1
  /** One for each round, in their order. */
  readonly a: readonly Findings[]
  readonly b: readonly Findings[]
  readonly figures: readonly ComparedFigure[]
}

export interface ComparedFigure {
  /** `rate`, which is better when it is more; the others are latencies in microseconds. */
  readonly figure: "rate" | "p50" | "p90" | "p99" | "p999" | "maximum"
  readonly a: Spread
  readonly b: Spread
  /** Median of b over median of a. */
  readonly ratio: number
  /** Of b: medians that are no further apart than the rounds of either side are no difference. */
  readonly verdict: Verdict
}

type Verdict = "better" | "worse" | "within the spread"

const names = { p50: "p50", p90: "p90", p99: "p99", p999: "p99.9", maximum: "max" } as const
const latencies = ["p50", "p90", "p99", "p999", "maximum"] as const

export function compare(a: readonly Findings[], b: readonly Findings[]): Comparison {
  const figures: ComparedFigure[] = []
  const add = (figure: ComparedFigure["figure"], read: (findings: Findings) => number | undefined) => {
    const [left, right] = [a, b].map((side) =>
      spreadOf(side.map(read).filter((value) => value !== undefined)),
    )
    if (left === undefined || right === undefined) return
    const ratio = right.median / left.median
    const isMore = figure === "rate" ? ratio > 1 : ratio < 1
    const verdict = apart(left, right) ? (isMore ? "better" : "worse") : "within the spread"
    figures.push({ figure, a: left, b: right, ratio, verdict })
  }
  add("rate", (findings) => mainRate(findings)[1].perSecond)
  for (const name of latencies) add(name, (findings) => mainLatency(findings)?.[1][name])
  return { format: 1, a, b, figures }
}

/** For a person. */
export function comparisonText({ a, b, figures }: Comparison, columns: number): string {
  const [first, second] = [a[0], b[0]]
  if (first === undefined || second === undefined) return "ended before both brokers had a round\n"
  const colors = { better: paint.green, worse: paint.red, "within the spread": paint.dim }
  const cells = figures.map(({ figure, a: left, b: right, ratio, verdict }) => ({
    name: figure === "rate" ? `${mainRate(first)[0]}/s` : names[figure],
    left: spreadText(figure, left),
    right: spreadText(figure, right),
    ratio: multiple(ratio),
    verdict: colors[verdict](verdict),
  }))
  const wide = table([
    ["", "A", "B", "B/A", "B IS"],
    ...cells.map(({ name, left, right, ratio, verdict }) => [name, left, right, ratio, verdict]),
  ])
  const isWide = wide.split("\n").every((line) => Bun.stringWidth(line) <= columns)
  const narrow = cells.map(({ name, left, right, ratio, verdict }) => {
    return `${paint.bold(name)} ${ratio} ${verdict}\n  A ${left}\n  B ${right}\n`
  })
  const failed = [...a, ...b].filter(isFailure).length
  return [
    `A ${first.broker}\nB ${second.broker}\n`,
    `${first.shape}, ${a.length} and ${b.length} rounds by turns of ${first.seconds.toFixed(1)} s: median (least–most)\n\n`,
    isWide ? wide : narrow.join(""),
    failed > 0 ? paint.red(`in ${failed} rounds something was lost or refused; see --json\n`) : "",
  ].join("")
}

/** Such as 479k (215k–521k) and 4.16 (3.65–12.5) ms. */
function spreadText(figure: ComparedFigure["figure"], { median, minimum, maximum }: Spread): string {
  if (figure === "rate") return `${rate(median)} (${rate(minimum)}–${rate(maximum)})`
  const [unit, microseconds] = latencyUnit(maximum)
  const [middle, least, most] = [median, minimum, maximum].map((value) => digits(value / microseconds))
  return `${middle} (${least}–${most}) ${unit}`
}
