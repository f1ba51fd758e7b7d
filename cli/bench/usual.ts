import type { Qos } from "../../src/protocol/packet.ts"
import type { Shape } from "./plan.ts"

/** What a shape is when nothing is said. */
export interface Usual {
  readonly publishers?: number
  readonly subscribers?: number
  readonly clients?: number
  /** Said of --topics. */
  readonly topics?: string
  readonly share?: true
  readonly qos?: Qos
  readonly count?: number
  readonly rate?: number | "max"
}

export const usual = {
  pub: { publishers: 10, topics: "one each", qos: 0, rate: "max" },
  sub: { publishers: 1, subscribers: 10, topics: "one for each subscriber", qos: 0, rate: 1_000 },
  fanout: { publishers: 1, subscribers: 10, topics: "1", qos: 0, rate: "max" },
  fanin: {
    publishers: 10,
    subscribers: 1,
    topics: "one for each publisher",
    share: true,
    qos: 0,
    rate: "max",
  },
  conn: { clients: 10, rate: "max" },
  offline: { publishers: 1, subscribers: 10, qos: 1, count: 5_000 },
} as const satisfies Record<Shape, Usual>

export const usualBytes = 64
export const usualMs = 10_000
export const usualWarmUpMs = 1_000

/** Of a publisher in a closed loop, and in an open one. */
export const mostInFlight = 20
const openInFlight = 1_000
/** Of all publishers together in a closed loop with subscribers: some brokers queue no more than a hundred for one. */
const mostTogether = 100

/** Messages of a publisher that may be on their way. */
export function usualInFlight(publishers: number, subscribers: number, isOpen: boolean): number {
  if (isOpen) return openInFlight
  if (subscribers === 0) return mostInFlight
  return Math.min(mostInFlight, Math.max(1, Math.floor(mostTogether / publishers)))
}

/** Topics of all publishers together. */
export function usualTopics(shape: Shape, publishers: number, subscribers: number): number {
  switch (shape) {
    case "pub":
    case "fanin":
      return publishers
    case "sub":
    case "offline":
      return subscribers
    case "fanout":
    case "conn":
      return 1
  }
}
