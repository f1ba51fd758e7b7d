import { describeReasonCode } from "../../src/protocol/reason-code.ts"
import type { Histogram } from "./histogram.ts"
import type { Shape } from "./plan.ts"

/** What one run showed. These are the keys of --json: fields may be added; one that goes makes another format number. */
export interface Findings {
  readonly format: 1
  readonly shape: Shape
  readonly broker: string
  readonly load: LoadFacts
  readonly ended: Ending
  /** Length of the measured part. */
  readonly seconds: number
  /** By what was counted; the shape settles which there are. */
  readonly rates: Readonly<Partial<Record<RateName, Rate>>>
  /** In microseconds, by what was waited for. */
  readonly latencies: Readonly<Partial<Record<LatencyName, LatencyFacts>>>
  /** Of the whole run, the warm-up too. */
  readonly faults: Faults
  readonly refused: readonly Refusal[]
  readonly generator: GeneratorFacts
  /** Sentences that one must know to read the figures. */
  readonly remarks: readonly string[]
}

export interface LoadFacts {
  readonly publishers: number
  readonly subscribers: number
  readonly topics: number
  readonly qos: number
  readonly payloadBytes: number
  readonly inFlight: number
  /** null: closed loop. */
  readonly ratePerSecond: number | null
  readonly shared: boolean
  readonly mqtt: "3.1" | "3.1.1" | "5.0"
}

/** `stalled`: nothing more came, although something was awaited. */
export type Ending = "time" | "count" | "interrupted" | "connection-lost" | "stalled"

export type RateName = "published" | "acknowledged" | "delivered" | "connected" | "filled" | "drained"

export interface Rate {
  readonly count: number
  readonly perSecond: number
  /** Of payload; connections have none. */
  readonly bytesPerSecond: number | null
}

export type LatencyName = "acknowledgement" | "delivery" | "connect"

export interface LatencyFacts {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly maximum: number
  /** Log-linear buckets that are not empty: upper bound, count. */
  readonly histogram: readonly (readonly [number, number])[]
}

export interface Faults {
  /** How many there must be of each above QoS 0: none. */
  readonly lost: number
  readonly duplicated: number
  readonly outOfOrder: number
  /** Where one of them is a breach of what MQTT promises. */
  readonly isBreach: boolean
}

export interface Refusal {
  readonly what: "publish" | "connect"
  /** null: it failed before the broker said anything. */
  readonly reasonCode: number | null
  readonly reason: string
  readonly count: number
}

export interface GeneratorFacts {
  /** CPU time over time: near 1 the load generator was the limit. What an open loop spends on waiting is left out. */
  readonly cpuShare: number
  /** 99th percentile of how late an open loop wrote what nothing held back, in microseconds; null for a closed one. */
  readonly sentLateP99: number | null
  /** The longest that its event loop was away, in milliseconds. */
  readonly longestAwayMs: number
}

export const noFaults: Faults = { lost: 0, duplicated: 0, outOfOrder: 0, isBreach: false }

export function rateOf(count: number, seconds: number, payloadBytes: number | null): Rate {
  const perSecond = seconds > 0 ? count / seconds : 0
  return { count, perSecond, bytesPerSecond: payloadBytes === null ? null : perSecond * payloadBytes }
}

/** A bucket's bound may be beyond what is in it: nothing took longer than the longest. */
export function latencyFacts(histogram: Histogram): LatencyFacts {
  const { maximum, histogram: buckets } = histogram.summary()
  const percentile = (share: number) => Math.min(maximum, histogram.percentile(share))
  return {
    count: histogram.total,
    p50: percentile(0.5),
    p90: percentile(0.9),
    p99: percentile(0.99),
    p999: percentile(0.999),
    maximum,
    histogram: buckets,
  }
}

export function refusedPublishes(refused: ReadonlyMap<number, number>): Refusal[] {
  return [...refused]
    .toSorted(([, one], [, other]) => other - one)
    .map(([reasonCode, count]) => ({
      what: "publish",
      reasonCode,
      reason: describeReasonCode(reasonCode),
      count,
    }))
}

/** Whether a run showed that the broker did not do what it has to, or what was asked of it, or showed nothing at all. */
export function isFailure(findings: Findings): boolean {
  const { faults, refused, ended } = findings
  if (faults.isBreach || refused.length > 0) return true
  return ended === "connection-lost" || ended === "stalled" || mainRate(findings)[1].count === 0
}

/** The rate that a shape is about. */
export function mainRate({ shape, rates, load }: Findings): [RateName, Rate] {
  const names = {
    pub: load.qos > 0 ? "acknowledged" : "published",
    sub: "delivered",
    fanout: "delivered",
    fanin: "delivered",
    conn: "connected",
    offline: "drained",
  } as const satisfies Record<Shape, RateName>
  const name = names[shape]
  return [name, rates[name] ?? { count: 0, perSecond: 0, bytesPerSecond: null }]
}

/** The latency that a shape is about; a `pub` at QoS 0 has none, nor has a run to which nothing came. */
export function mainLatency({ latencies }: Findings): [LatencyName, LatencyFacts] | undefined {
  for (const name of ["delivery", "connect", "acknowledgement"] as const) {
    const facts = latencies[name]
    if (facts !== undefined) return facts.count > 0 ? [name, facts] : undefined
  }
  return undefined
}
