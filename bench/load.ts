import type { LoadOrder, LoadReport } from "./load-report.ts"
import { unreachable } from "../src/foundation/assert.ts"
import { runConnectionStorm } from "./loads/connection-storm.ts"
import { runFlow } from "./loads/flow.ts"
import { runIdle } from "./loads/idle.ts"
import { runOfflineDrain } from "./loads/offline-drain.ts"
import { runOpenLoop } from "./loads/open-loop.ts"
import { runRetained } from "./loads/retained.ts"
import { type Scenario, scenarios } from "./scenarios.ts"

/*
 * The other side of the bench, in a process of its own: puts one scenario's load on one broker and prints what it
 * measured as JSON.
 */

function run(scenario: Scenario, order: LoadOrder): Promise<LoadReport> {
  switch (scenario.kind) {
    case "flow":
      return runFlow(scenario, order)
    case "open-loop":
      return runOpenLoop(scenario, order)
    case "retained":
      return runRetained(scenario, order)
    case "offline-drain":
      return runOfflineDrain(scenario, order)
    case "connection-storm":
      return runConnectionStorm(scenario, order)
    case "idle":
      return runIdle(scenario, order)
    default:
      return unreachable(scenario)
  }
}

const order = JSON.parse(process.argv[2] ?? "{}") as LoadOrder
const scenario = scenarios[order.scenario]
if (scenario === undefined) throw new Error(`there is no scenario ${order.scenario}`)
console.log(JSON.stringify(await run(scenario, order)))
process.exit(0)
