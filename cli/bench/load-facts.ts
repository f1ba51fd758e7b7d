import { protocolVersionNames } from "../../src/protocol/packet.ts"
import type { Findings } from "./findings.ts"
import type { Plan, Server } from "./plan.ts"

/** What findings say of the broker and the load that is put on it. */
export function brokerFacts(
  server: Server,
  plan: Plan,
): Pick<Findings, "format" | "shape" | "broker" | "load"> {
  const { shape, publishers, subscribers, topics, qos, payloadBytes, inFlight, perSecond } = plan
  return {
    format: 1,
    shape,
    broker: server.url,
    load: {
      publishers,
      subscribers,
      topics,
      qos,
      payloadBytes,
      inFlight,
      ratePerSecond: perSecond ?? null,
      shared: plan.hearing === "shared",
      mqtt: protocolVersionNames[plan.version],
    },
  }
}
