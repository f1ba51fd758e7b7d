import { Belt, stampBytes } from "../../src/client/belt.ts"
import { noProperties } from "../../src/protocol/properties.ts"
import type { Plan } from "./plan.ts"
import type { Pace } from "./publisher.ts"
import { Schedule } from "./schedule.ts"
import type { Topology } from "./topology.ts"
import { Traffic } from "./traffic.ts"

/** As much as one append of a belt should carry. */
const beltBytes = 64 * 1024

/** What the publishers and subscribers of a load have between them. */
export function trafficOf(plan: Plan, topology: Topology): Traffic {
  const { qos, inFlight, perSecond, extent, publishers, hearing } = plan
  const total = extent.by === "count" ? extent.count : Infinity
  const schedule = perSecond === undefined ? undefined : new Schedule(perSecond, total)
  const dueAt =
    schedule === undefined
      ? undefined
      : (index: number, sequence: number) => schedule.dueAt(sequence * publishers + index)
  const pace: Pace = { qos, inFlight, fanOut: topology.fanOut, dueAt }
  const lanes = Array.from({ length: publishers }, (_, index) => topology.lanesOf(index))
  return new Traffic(pace, lanes, hearing === "shared", schedule)
}

/** What a publisher of the load sends round and round. */
export function beltOf(index: number, plan: Plan, topology: Topology): Belt {
  const { qos, payloadBytes, inFlight, version } = plan
  const burst = Math.max(1, Math.min(inFlight, Math.floor(beltBytes / (payloadBytes + stampBytes))))
  const traffic = {
    topics: (publisher: number) => topology.topicsOf(publisher),
    qos,
    payloadBytes,
    properties: noProperties,
    aliases: false,
  }
  return new Belt(index, traffic, version, burst)
}
