import type { LoadReport } from "./load-report.ts"
import type { Peer } from "./peers/peer.ts"

/** One scenario, and what each peer showed in each round. */
export interface Row {
  readonly name: string
  readonly what: string
  readonly reports: ReadonlyMap<string, readonly LoadReport[]>
}

/** Ours in absolute numbers, the others as multiples of it. */
export function table(rows: readonly Row[], peers: readonly Peer[]): string {
  const [ours] = peers
  if (ours === undefined) return "no peers"
  const lines = [["scenario", ...peers.map(({ name }) => name), "work"]]
  for (const { name, what, reports } of rows) {
    const base = median(reports.get(ours.name) ?? [], "brokerMicroseconds")
    const cells = peers.map((peer) => cell(reports.get(peer.name) ?? [], peer === ours ? undefined : base))
    lines.push([name, ...cells, what])
  }
  const notes = peers.map(({ name, about }) => `${name}: ${about}`)
  return [
    "CPU time of the broker for one delivered message, as a multiple of ours; (µs, deliveries per second, MB resident)",
    ...align(lines),
    "load-bound: the load generator used its core up, so the rate is its own; faults: lost, doubled or out of order",
    ...notes,
  ].join("\n")
}

export function median(
  reports: readonly LoadReport[],
  key: "brokerMicroseconds" | "perSecond" | "residentBytes" | "loadShare",
): number {
  const sorted = reports.map((report) => report[key]).toSorted((left, right) => left - right)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

function cell(reports: readonly LoadReport[], base: number | undefined): string {
  const microseconds = median(reports, "brokerMicroseconds")
  const ratio = base === undefined ? "1" : `×${(microseconds / base).toFixed(1)}`
  const rate = compact(median(reports, "perSecond"))
  const resident = (median(reports, "residentBytes") / 1e6).toFixed(0)
  const loadBound = median(reports, "loadShare") > 0.9 ? " load-bound" : ""
  const faults = reports.reduce((sum, report) => sum + report.faults, 0)
  const wrong = faults === 0 ? "" : ` ${faults} faults`
  return `${ratio} (${microseconds.toFixed(2)}, ${rate}, ${resident})${loadBound}${wrong}`
}

function compact(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`
  return value >= 1e4 ? `${(value / 1e3).toFixed(0)}k` : value.toFixed(0)
}

function align(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  return lines.map((line) => line.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  "))
}
