import pc from "picocolors"
import { digits } from "../cli/bench/numbers.ts"
import { apart, type Spread } from "../cli/bench/spread.ts"
import type { Figure, Row } from "./results.ts"

/*
 * Two builds of ours beside each other: what became better, what became worse, and what is only noise.
 */

export interface Difference {
  readonly row: string
  readonly figure: keyof typeof compared
  readonly base: Spread
  readonly now: Spread
  /** New median over base median: below 1 it is better. */
  readonly ratio: number
  readonly verdict: "better" | "worse" | "no difference"
}

/** Fewer rounds have no spread to judge by. */
export const leastRounds = 3

/** All of them are better when they are less. */
const compared = {
  brokerMicroseconds: "µs CPU",
  p99: "µs p99",
  residentBytesPerConnection: "bytes a connection",
} as const satisfies Partial<Record<Figure, string>>

/**
 * The rule: a figure differs when its two medians are further apart than the rounds of either side are among each
 * other, from their minimum to their maximum, as ratios. Worse by that rule is a regression.
 *
 * @param base the rows to compare with; those and figures that only one side has are left out
 */
export function differences(
  now: readonly Row[],
  nowName: string,
  base: readonly Row[],
  baseName: string,
): Difference[] {
  const found: Difference[] = []
  for (const row of now) {
    const before = base.find(({ name }) => name === row.name)?.results[baseName]
    for (const figure of Object.keys(compared) as (keyof typeof compared)[]) {
      const left = before?.figures[figure]
      const right = row.results[nowName]?.figures[figure]
      if (left === undefined || right === undefined) continue
      found.push({ row: row.name, figure, base: left, now: right, ...judged(left, right) })
    }
  }
  return found
}

function judged(base: Spread, now: Spread): Pick<Difference, "ratio" | "verdict"> {
  const ratio = now.median / base.median
  if (!apart(base, now)) return { ratio, verdict: "no difference" }
  return { ratio, verdict: ratio < 1 ? "better" : "worse" }
}

/** One line for each, and a last one that says it all. */
export function comparison(found: readonly Difference[], colored: boolean): string {
  const colors = pc.createColors(colored)
  const paint = { better: colors.green, worse: colors.red, "no difference": colors.dim }
  const name = Math.max(0, ...found.map(({ row }) => row.length))
  const lines = found.map(({ row, figure, base, now, ratio, verdict }) =>
    [
      colors.bold(row.padEnd(name)),
      shown(base).padStart(24),
      "→",
      shown(now).padEnd(24),
      compared[figure].padEnd(18),
      `×${ratio.toFixed(2)}`.padStart(7),
      paint[verdict](verdict === "worse" ? "worse: a regression" : verdict),
    ].join("  "),
  )
  const count = (verdict: Difference["verdict"]) => found.filter((each) => each.verdict === verdict).length
  const sum = `${count("worse")} worse, ${count("better")} better, ${count("no difference")} within the spread of the rounds`
  return [...lines, "", count("worse") > 0 ? colors.red(sum) : sum].join("\n")
}

/** Such as 0.270 (0.262–0.281). */
function shown({ median, minimum, maximum }: Spread): string {
  return `${digits(median)} (${digits(minimum)}–${digits(maximum)})`
}
