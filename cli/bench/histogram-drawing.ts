import { latency } from "./units.ts"

/** Parts of a cell, from the left. */
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const

/**
 * A histogram as lines of text: a line for each step of 1, 2, 5, 10 … that holds something or lies between two that do.
 *
 * @param buckets upper bound in microseconds, count
 * @param columns how wide a line may be; 30 are needed
 */
export function drawHistogram(
  buckets: readonly (readonly [number, number])[],
  columns: number,
  isPlain: boolean,
): string[] {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0)
  const rows = rowsOf(buckets)
  const most = Math.max(0, ...rows.map(({ count }) => count))
  const labels = rows.map(({ bound }) => `≤ ${latency(bound).replace(/\.0+ /, " ")}`)
  const labelWidth = Math.max(0, ...labels.map((label) => label.length))
  const shareWidth = 9
  const barWidth = Math.max(4, Math.min(50, columns - labelWidth - shareWidth - 4))
  return rows.map(({ count }, index) => {
    const label = (labels[index] ?? "").padStart(labelWidth)
    const share = percent(count / total).padStart(shareWidth)
    return `${label}  ${bar(count / most, barWidth, isPlain).padEnd(barWidth)}${share}`.trimEnd()
  })
}

/** A bar of so many cells, of which a share is full. */
export function bar(share: number, cells: number, isPlain: boolean): string {
  if (isPlain) return "#".repeat(Math.round(share * cells))
  const parts = Math.max(share > 0 ? 1 : 0, Math.round(share * cells * 8))
  return "█".repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? "")
}

/** With as many digits as a rare one needs to be seen. */
function percent(share: number): string {
  if (share === 0) return ""
  const value = share * 100
  return `${value < 0.1 ? value.toPrecision(1) : value.toFixed(1)} %`
}

function rowsOf(buckets: readonly (readonly [number, number])[]): { bound: number; count: number }[] {
  const rows: { bound: number; count: number }[] = []
  for (const [upper, count] of buckets) {
    const bound = stepAbove(upper)
    for (let last = rows.at(-1); last !== undefined && last.bound < bound; last = rows.at(-1)) {
      rows.push({ bound: stepAbove(last.bound * 1.01), count: 0 })
    }
    const row = rows.at(-1)
    if (row === undefined) rows.push({ bound, count })
    else row.count += count
  }
  return rows
}

/** The first of 1, 2, 5, 10, 20 … microseconds that is not below it. A bucket's bound may be 1.6 % beyond its contents. */
function stepAbove(microseconds: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(1, microseconds)))
  for (const step of [1, 2, 5, 10]) {
    // Powers of ten that came out of a logarithm are not exact.
    if (microseconds <= step * decade * (1 + 1e-9)) return Math.round(step * decade)
  }
  return Math.round(10 * decade)
}
