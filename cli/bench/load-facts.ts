import type { Findings } from "./findings.ts"
import type { Plan, Server } from "./plan.ts"

const names = { 3: "3.1", 4: "3.1.1", 5: "5.0" } as const

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
      mqtt: names[plan.version],
    },
  }
}
