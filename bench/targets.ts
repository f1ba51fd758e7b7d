import { type Figure, median, type Row } from "./results.ts"

/*
 * What we want to be, row by row: the table at the end says of each whether it is met.
 */

export interface Target {
  readonly row: string
  readonly figure: Figure
  /** A multiple of what is named in `of`, or the bound itself. */
  readonly atMost: number
  readonly of: { readonly peer: string } | { readonly ourRow: string } | "itself"
  /** As the table shows it. */
  readonly text: string
}

export interface TargetVerdict {
  readonly target: Target
  readonly met: boolean
}

export const targets: readonly Target[] = [
  ...fractions("mosquitto", {
    "fan-out-10": 40,
    "fan-out-1000": 20,
    "fan-out-100-1": 20,
    "fan-in": 40,
    "pairs-0": 40,
    "pairs-1": 25,
    "pairs-2": 25,
    "shared-0": 40,
    wildcards: 9,
    durable: 5,
    retained: 9,
    "offline-drain": 9,
  }),
  {
    row: "sparse-0",
    figure: "brokerMicroseconds",
    atMost: 0.75,
    of: { peer: "mosquitto" },
    text: "0.75 mosquitto",
  },
  {
    row: "sparse-1",
    figure: "brokerMicroseconds",
    atMost: 0.75,
    of: { peer: "mosquitto" },
    text: "0.75 mosquitto",
  },
  {
    row: "properties-durable",
    figure: "brokerMicroseconds",
    atMost: 1.5,
    of: { ourRow: "durable" },
    text: "1.5 durable",
  },
  { row: "latency-0", figure: "p99", atMost: 1, of: { peer: "mosquitto" }, text: "mosquitto" },
  {
    row: "rules",
    figure: "brokerMicroseconds",
    atMost: 1.2,
    of: { ourRow: "pairs-0" },
    text: "1.2 pairs-0",
  },
  { row: "idle", figure: "residentBytesPerConnection", atMost: 6 * 1024, of: "itself", text: "6 KB" },
]

/** @returns undefined where there is no target, or not both figures to judge it by */
export function judge(
  rows: readonly Row[],
  ours: string,
  row: string,
  figure: Figure,
): TargetVerdict | undefined {
  const target = targets.find((each) => each.row === row && each.figure === figure)
  if (target === undefined) return undefined
  const own = median(named(rows, row), ours, figure)
  const bound = boundOf(target, rows, ours)
  if (own === undefined || bound === undefined) return undefined
  return { target, met: own <= bound }
}

function boundOf(
  { row, figure, atMost, of }: Target,
  rows: readonly Row[],
  ours: string,
): number | undefined {
  if (of === "itself") return atMost
  const other =
    "peer" in of ? median(named(rows, row), of.peer, figure) : median(named(rows, of.ourRow), ours, figure)
  return other === undefined ? undefined : atMost * other
}

function named(rows: readonly Row[], name: string): Row | undefined {
  return rows.find((row) => row.name === name)
}

/** One part in so many of a peer's CPU time. */
function fractions(peer: string, parts: Readonly<Record<string, number>>): Target[] {
  return Object.entries(parts).map(([row, part]) => ({
    row,
    figure: "brokerMicroseconds",
    atMost: 1 / part,
    of: { peer },
    text: `1/${part} ${peer}`,
  }))
}
