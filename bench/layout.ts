import { digits, multiple, rate } from "../cli/bench/numbers.ts"
import { type BenchRun, type Figure, median, type Row } from "./results.ts"
import { judge, type TargetVerdict } from "./targets.ts"

/*
 * What stands in the table, whoever draws it: ours in absolute numbers, the others as multiples of it.
 */

export interface Layout {
  readonly peers: readonly string[]
  readonly groups: readonly { readonly name: string; readonly lines: readonly Line[] }[]
  /** What a cell had no room for: failures, faults. */
  readonly remarks: readonly string[]
}

export interface Line {
  /** Of the scenario, or of a further figure below it. */
  readonly label: string
  readonly further: boolean
  readonly what: string
  /** The figure that the others are compared by. */
  readonly own: string
  readonly rate: string
  readonly megabytes: string
  /** In the order of the peers. */
  readonly others: readonly Cell[]
  readonly verdict: TargetVerdict | undefined
}

export interface Cell {
  readonly text: string
  readonly tone: "plain" | "ahead of us" | "absent" | "wrong"
}

/** Figures that a row has beside its CPU time. */
const furtherFigures = {
  p50: { label: "p50 µs", scale: 1 },
  p99: { label: "p99 µs", scale: 1 },
  p999: { label: "p99.9 µs", scale: 1 },
  residentBytesPerConnection: { label: "KB a connection", scale: 1 / 1024 },
} as const satisfies Partial<Record<Figure, { label: string; scale: number }>>

export function layOut({ rows, peers }: Pick<BenchRun, "rows" | "peers">): Layout {
  const [ours = "", ...others] = peers.map(({ name }) => name)
  const groups = new Map<string, Line[]>()
  for (const row of rows) {
    const lines = [mainLine(rows, row, ours, others)]
    for (const [figure, { label, scale }] of Object.entries(furtherFigures)) {
      const line = furtherLine(rows, row, figure as Figure, ours, others, scale)
      if (line !== undefined) lines.push({ ...line, label })
    }
    groups.set(row.group, [...(groups.get(row.group) ?? []), ...lines])
  }
  return {
    peers: [ours, ...others],
    groups: [...groups].map(([name, lines]) => ({ name, lines })),
    remarks: rows.flatMap(remarksOn),
  }
}

function mainLine(rows: readonly Row[], row: Row, ours: string, others: readonly string[]): Line {
  const result = row.results[ours]
  const own = median(row, ours, "brokerMicroseconds")
  const perSecond = median(row, ours, "perSecond")
  const resident = median(row, ours, "residentBytes")
  // Where the load had no time left, the broker could have done more; an open loop never has any, and a rate of its own.
  const openLoop = median(row, ours, "p99") !== undefined
  const loadBound = !openLoop && (median(row, ours, "loadShare") ?? 0) > 0.9
  const wrong = result?.failure !== undefined || (result?.faults ?? 0) > 0
  return {
    label: row.name,
    further: false,
    what: row.what,
    own: `${own === undefined ? "failed" : digits(own)}${wrong ? "!" : ""}`,
    rate: perSecond === undefined ? "" : `${loadBound ? "≥" : ""}${rate(perSecond)}`,
    megabytes: resident === undefined ? "" : (resident / 1e6).toFixed(0),
    others: others.map((peer) => cellOf(row, peer, "brokerMicroseconds", own)),
    verdict: judge(rows, ours, row.name, "brokerMicroseconds"),
  }
}

function furtherLine(
  rows: readonly Row[],
  row: Row,
  figure: Figure,
  ours: string,
  others: readonly string[],
  scale: number,
): Omit<Line, "label"> | undefined {
  const own = median(row, ours, figure)
  if (own === undefined) return undefined
  return {
    further: true,
    what: "",
    own: digits(own * scale),
    rate: "",
    megabytes: "",
    others: others.map((peer) => cellOf(row, peer, figure, own)),
    verdict: judge(rows, ours, row.name, figure),
  }
}

/** Without a figure of ours to compare with, theirs stands as it is. */
function cellOf(row: Row, peer: string, figure: Figure, own: number | undefined): Cell {
  const result = row.results[peer]
  if (result === undefined) return { text: "–", tone: "absent" }
  const theirs = result.figures[figure]?.median
  if (theirs === undefined) return { text: result.failure === undefined ? "–" : "failed", tone: "wrong" }
  const text = own === undefined ? digits(theirs) : multiple(theirs / own)
  if (result.failure !== undefined || result.faults > 0) return { text: `${text}!`, tone: "wrong" }
  return { text, tone: own !== undefined && theirs < own ? "ahead of us" : "plain" }
}

function remarksOn({ name, results }: Row): string[] {
  return Object.entries(results).flatMap(([peer, { failure, faults }]) => [
    ...(failure === undefined ? [] : [`${name}, ${peer}: ${failure}`]),
    ...(faults === 0 ? [] : [`${name}, ${peer}: ${faults} messages lost, doubled or out of order`]),
  ])
}
