import type { LoadReport } from "../../bench/load-report.ts"
import type { Peer } from "../../bench/peers/peer.ts"
import { resultOf, type Row } from "../../bench/results.ts"
import { plainBroker, type ScenarioFacts } from "../../bench/scenario-kinds.ts"

/*
 * Reports and rows for the tests of what the bench makes of them.
 */

export function reportOf(fields: Partial<LoadReport> = {}): LoadReport {
  return {
    perSecond: 1_000,
    brokerMicroseconds: 1,
    loadShare: 0.5,
    residentBytes: 50e6,
    residentBytesPerConnection: undefined,
    latency: undefined,
    faults: 0,
    ...fields,
  }
}

export function latencyOf(p99: number): LoadReport["latency"] {
  return { p50: p99 / 4, p99, p999: p99 * 2, maximum: p99 * 4, sentLate: 1, histogram: [[p99, 100]] }
}

/** A row of which only the CPU times matter: one for each round. */
export function rowOf(name: string, microseconds: Readonly<Record<string, readonly number[]>>): Row {
  const results = Object.entries(microseconds).map(([peer, values]) => [
    peer,
    resultOf(values.map((brokerMicroseconds) => reportOf({ brokerMicroseconds }))),
  ])
  return {
    name,
    what: "some work",
    unit: "message",
    group: "throughput",
    results: Object.fromEntries(results),
  }
}

export const someWork: ScenarioFacts = {
  what: "some work",
  unit: "message",
  group: "throughput",
  peers: "all",
  brokerNeeds: plainBroker,
}

/** Never started. */
export function peerOf(name: string): Peer {
  return {
    name,
    kind: name,
    version: "1",
    about: "",
    start: () => Promise.reject(new Error("never started")),
  }
}
