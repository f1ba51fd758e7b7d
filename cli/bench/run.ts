import type { Findings } from "./findings.ts"
import type { Plan, Server } from "./plan.ts"
import { runConnections } from "./run-connections.ts"
import { runOffline } from "./run-offline.ts"
import { runTraffic } from "./run-traffic.ts"
import type { Watch } from "./watch.ts"

/** Puts a load on a broker. @throws CommandError when the broker cannot be reached or does not take the load */
export function run(server: Server, plan: Plan, watch: Watch): Promise<Findings> {
  switch (plan.shape) {
    case "conn":
      return runConnections(server, plan, watch)
    case "offline":
      return runOffline(server, plan, watch)
    case "pub":
    case "sub":
    case "fanout":
    case "fanin":
      return runTraffic(server, plan, watch)
  }
}
