import { readFileSync } from "node:fs"
import { type Spread, spreadOf } from "../cli/bench/spread.ts"
import type { LoadReport } from "./load-report.ts"
import type { Machine } from "./machine.ts"
import type { ScenarioFacts } from "./scenario-kinds.ts"

/**
 * A whole run of the bench, as `--json` writes it and `--compare` and the report read it. Fields may be added; one that
 * goes, or means something else, makes another format number.
 */
export interface BenchRun {
  readonly format: typeof format
  /** When it began, ISO 8601 in UTC. */
  readonly date: string
  /** The words on the command line. */
  readonly command: readonly string[]
  readonly machine: Machine
  readonly rounds: number
  /** Of each measurement. */
  readonly warmUpSeconds: number
  readonly seconds: number
  /** Ours is the first. */
  readonly peers: readonly PeerFacts[]
  readonly rows: readonly Row[]
}

const format = 1

export interface PeerFacts {
  readonly name: string
  readonly version: string
  readonly about: string
}

/** One scenario, and what each peer showed in it. */
export interface Row extends Pick<ScenarioFacts, "what" | "unit" | "group"> {
  readonly name: string
  /** By the name of the peer; one that cannot take part is missing. */
  readonly results: Readonly<Record<string, Result>>
}

export interface Result {
  /** One for each round that went well, in their order. */
  readonly reports: readonly LoadReport[]
  /** One line about the round that did not; there is none after it. */
  readonly failure?: string
  /** Over the rounds; a figure that the scenario has no use for is missing. */
  readonly figures: Readonly<Partial<Record<Figure, Spread>>>
  /** Of all rounds. */
  readonly faults: number
}

const figures = {
  brokerMicroseconds: (report) => report.brokerMicroseconds,
  perSecond: (report) => report.perSecond,
  loadShare: (report) => report.loadShare,
  residentBytes: (report) => report.residentBytes,
  residentBytesPerConnection: (report) => report.residentBytesPerConnection,
  p50: (report) => report.latency?.p50,
  p99: (report) => report.latency?.p99,
  p999: (report) => report.latency?.p999,
  maximum: (report) => report.latency?.maximum,
} as const satisfies Record<string, (report: LoadReport) => number | undefined>

/** The name of a number in a report. */
export type Figure = keyof typeof figures

export function resultOf(reports: readonly LoadReport[], failure?: string): Result {
  const found: Partial<Record<Figure, Spread>> = {}
  for (const [name, read] of Object.entries(figures)) {
    const values = reports.map(read).filter((value) => value !== undefined)
    const spread = spreadOf(values)
    if (spread !== undefined) found[name as Figure] = spread
  }
  const faults = reports.reduce((sum, report) => sum + report.faults, 0)
  return { reports, ...(failure === undefined ? {} : { failure }), figures: found, faults }
}

/** The median over the rounds; undefined where there is nothing to tell. */
export function median(row: Row | undefined, peer: string, figure: Figure): number | undefined {
  return row?.results[peer]?.figures[figure]?.median
}

/** @throws Error when the file holds anything else */
export function readRun(file: string): BenchRun {
  const run = JSON.parse(readFileSync(file, "utf8")) as Partial<BenchRun>
  if (run.format !== format) throw new Error(`${file} is no run of this bench, written with --json`)
  return run as BenchRun
}
