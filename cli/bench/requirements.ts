import { InvalidArgumentError } from "commander"
import { type Findings, mainLatency, mainRate } from "./findings.ts"
import { latency, whole } from "./units.ts"

/** A bound that a figure must keep. */
export interface Requirement {
  /** As it was written. */
  readonly text: string
  readonly figure: Figure
  readonly comparison: keyof typeof comparisons
  /** Microseconds of a latency, otherwise a number. */
  readonly bound: number
}

const figures = {
  rate: (findings) => mainRate(findings)[1].perSecond,
  p50: (findings) => mainLatency(findings)?.[1].p50,
  p90: (findings) => mainLatency(findings)?.[1].p90,
  p99: (findings) => mainLatency(findings)?.[1].p99,
  "p99.9": (findings) => mainLatency(findings)?.[1].p999,
  max: (findings) => mainLatency(findings)?.[1].maximum,
  lost: ({ faults }) => faults.lost,
  refused: ({ refused }) => refused.reduce((sum, { count }) => sum + count, 0),
} as const satisfies Record<string, (findings: Findings) => number | undefined>

type Figure = keyof typeof figures

const latencies: readonly Figure[] = ["p50", "p90", "p99", "p99.9", "max"]

const comparisons = {
  "<": (value: number, bound: number) => value < bound,
  "<=": (value: number, bound: number) => value <= bound,
  ">": (value: number, bound: number) => value > bound,
  ">=": (value: number, bound: number) => value >= bound,
} as const

const unitMicroseconds = { us: 1, µs: 1, ms: 1e3, s: 1e6 } as const

/** Reads `p99<10ms,rate>1000`. */
export function parseRequirements(text: string): readonly Requirement[] {
  return text.split(",").map((word) => {
    const [, name = "", comparison = "", number = "", unit = ""] =
      /^([\w.]+)(<=|>=|<|>)(\d+(?:\.\d+)?)(us|µs|ms|s)?$/.exec(word.trim()) ?? []
    if (!isFigure(name) || !isComparison(comparison) || latencies.includes(name) !== (unit !== "")) {
      throw new InvalidArgumentError(
        "It must be such as p99<10ms,rate>1000: rate, lost or refused with a number, p50, p90, p99, p99.9 or max with us, ms or s.",
      )
    }
    const factor = isUnit(unit) ? unitMicroseconds[unit] : 1
    return { text: word.trim(), figure: name, comparison, bound: Number(number) * factor }
  })
}

/** Sentences about those that are not kept. */
export function unmet(requirements: readonly Requirement[], findings: Findings): string[] {
  return requirements.flatMap(({ text, figure, comparison, bound }) => {
    const value = figures[figure](findings)
    if (value === undefined) return [`${text}: not met, there is no latency to tell of`]
    if (comparisons[comparison](value, bound)) return []
    return [`${text}: not met, it was ${latencies.includes(figure) ? latency(value) : whole(value)}`]
  })
}

function isFigure(text: string): text is Figure {
  return Object.hasOwn(figures, text)
}

function isComparison(text: string): text is keyof typeof comparisons {
  return Object.hasOwn(comparisons, text)
}

function isUnit(text: string): text is keyof typeof unitMicroseconds {
  return Object.hasOwn(unitMicroseconds, text)
}
