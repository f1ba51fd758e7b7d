import { type ClientEnd, describeEnd } from "../../src/client/client-end.ts"
import {
  type Ending,
  type Faults,
  type Findings,
  type GeneratorFacts,
  latencyFacts,
  rateOf,
  refusedPublishes,
} from "./findings.ts"
import { generatorRemarks } from "./generator-health.ts"
import { brokerFacts } from "./load-facts.ts"
import type { Plan, Server } from "./plan.ts"
import type { Traffic } from "./traffic.ts"
import { whole } from "./units.ts"

/** An open loop that falls short of its rate by more than that has not kept it. */
const missedShare = 0.05

/**
 * What traffic that is over has shown.
 *
 * @param end of a connection that was lost
 */
export function trafficFindings(
  server: Server,
  plan: Plan,
  traffic: Traffic,
  usage: Omit<GeneratorFacts, "sentLateP99">,
  ended: Ending,
  end: ClientEnd | undefined,
): Findings {
  const { gauge } = traffic
  const { seconds, published, acknowledged, delivered } = gauge.measured
  const rate = (count: number) => rateOf(count, seconds, plan.payloadBytes)
  const hears = plan.subscribers > 0
  const sentLateP99 = plan.perSecond === undefined ? null : gauge.sentLate.percentile(0.99)
  const generator = { ...usage, sentLateP99 }
  const latencies = {
    ...(plan.qos > 0 ? { acknowledgement: latencyFacts(gauge.acknowledgement) } : {}),
    ...(hears ? { delivery: latencyFacts(gauge.delivery) } : {}),
  }
  return {
    ...brokerFacts(server, plan),
    ended,
    seconds,
    rates: {
      published: rate(published),
      ...(plan.qos > 0 ? { acknowledged: rate(acknowledged) } : {}),
      ...(hears ? { delivered: rate(delivered) } : {}),
    },
    latencies,
    faults: faultsOf(plan, traffic, ended),
    refused: refusedPublishes(gauge.refused),
    generator,
    remarks: [
      ...(end === undefined ? [] : [describeEnd(end)]),
      ...remarksOn(plan, traffic),
      ...generatorRemarks(generator, latencies.delivery ?? latencies.acknowledgement),
    ],
  }
}

function faultsOf({ qos }: Plan, { gauge, undelivered }: Traffic, ended: Ending): Faults {
  const { duplicated, late, skipped } = gauge
  const lost = Math.max(0, lostAtEnd(ended, undelivered, skipped))
  return { lost, duplicated, outOfOrder: late, isBreach: qos > 0 && lost + duplicated + late > 0 }
}

function lostAtEnd(ended: Ending, undelivered: number, overtaken: number): number {
  switch (ended) {
    case "connection-lost":
      // It takes with it what was on its way, and is told by itself.
      return 0
    case "interrupted":
      // The rest may only not have been waited for.
      return overtaken
    case "time":
    case "count":
    case "stalled":
      return undelivered
  }
}

function remarksOn({ qos, subscribers, perSecond }: Plan, traffic: Traffic): string[] {
  const { gauge, owed, unacknowledged, undelivered } = traffic
  const { seconds, published } = gauge.measured
  const remarks: string[] = []
  if (seconds === 0) remarks.push("it ended before the measured part began: there are no figures")
  if (qos === 0 && subscribers === 0) {
    remarks.push("QoS 0 is not acknowledged: this is what the broker read, and there is no latency; try -q 1")
  }
  if (perSecond !== undefined && published < perSecond * seconds * (1 - missedShare)) {
    const sent = whole(published / seconds)
    remarks.push(
      `${whole(perSecond)} messages a second were due, and ${sent} could be sent: latencies grow with the time that such a load lasts`,
    )
  }
  if (unacknowledged > 0) remarks.push(`${whole(unacknowledged)} messages were not acknowledged`)
  if (owed > 0)
    remarks.push(`${whole(owed)} messages that were due could not be sent: the broker took no more`)
  if (undelivered > 0 && perSecond === undefined) {
    remarks.push(
      "a broker drops what does not fit a subscriber's queue: with less --in-flight less waits there",
    )
  }
  if (gauge.strangers > 0) remarks.push(`${whole(gauge.strangers)} messages on our topics were none of ours`)
  return remarks
}
