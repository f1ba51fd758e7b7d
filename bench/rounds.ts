import type { LoadReport } from "./load-report.ts"
import { type Peer, takesPart } from "./peers/peer.ts"
import { resultOf, type Row } from "./results.ts"
import type { ScenarioFacts } from "./scenario-kinds.ts"

/** What is to be measured. */
export interface Plan {
  /** Rows by name, in the order of the table. */
  readonly scenarios: readonly (readonly [name: string, scenario: ScenarioFacts])[]
  readonly peers: readonly Peer[]
  readonly rounds: number
}

/** A measurement that begins; numbers count from 1. */
export interface Step {
  readonly scenario: string
  readonly row: number
  readonly round: number
  readonly peer: string
  /** Measurements that are behind us, and all of them. */
  readonly done: number
  readonly total: number
}

/** Whoever wants to know how far a run is. */
export interface Watcher {
  begins(step: Step): void
  finished(row: Row): void
}

/** @throws Error with one line that says what went wrong */
export type Measure = (name: string, scenario: ScenarioFacts, peer: Peer) => Promise<LoadReport>

/**
 * Measures row after row. The peers take turns, and another one begins each round, so that a machine that slows down
 * slows all of them down. A peer that fails is left out for the rest of the row, and the others go on.
 */
export async function runRounds(plan: Plan, measure: Measure, watcher: Watcher): Promise<Row[]> {
  const able = plan.scenarios.map(([, { peers }]) => plan.peers.filter((peer) => takesPart(peer, peers)))
  const total = able.reduce((sum, peers) => sum + peers.length, 0) * plan.rounds
  const rows: Row[] = []
  let done = 0
  for (const [index, [name, scenario]] of plan.scenarios.entries()) {
    const peers = able[index] ?? []
    const reports = new Map<Peer, LoadReport[]>(peers.map((peer) => [peer, []]))
    const failures = new Map<Peer, string>()
    for (let round = 0; round < plan.rounds; round++) {
      for (const peer of inTurn(peers, round)) {
        if (!failures.has(peer)) {
          watcher.begins({ scenario: name, row: index + 1, round: round + 1, peer: peer.name, done, total })
          try {
            reports.get(peer)?.push(await measure(name, scenario, peer))
          } catch (error) {
            failures.set(peer, firstLine(error))
          }
        }
        done++
      }
    }
    const results = peers.map((peer) => [peer.name, resultOf(reports.get(peer) ?? [], failures.get(peer))])
    const { what, unit, group } = scenario
    const row: Row = { name, what, unit, group, results: Object.fromEntries(results) }
    rows.push(row)
    watcher.finished(row)
  }
  return rows
}

function inTurn(peers: readonly Peer[], round: number): Peer[] {
  const first = round % Math.max(1, peers.length)
  return [...peers.slice(first), ...peers.slice(0, first)]
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split("\n")[0] ?? text
}
