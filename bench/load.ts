import type { LoadOrder, LoadReport } from "./load-report.ts"
import { runFlow } from "./loads/flow.ts"
import { type Scenario, scenarios } from "./scenarios.ts"

/*
 * The other side of the bench, in a process of its own: puts one scenario's load on one broker and prints what it
 * measured as JSON.
 */

function run(scenario: Scenario, order: LoadOrder): Promise<LoadReport> {
  switch (scenario.kind) {
    case "flow":
      return runFlow(scenario, order)
    default:
      throw new Error(`nobody knows how to run ${scenario.kind}`)
  }
}

const order = JSON.parse(process.argv[2] ?? "{}") as LoadOrder
const scenario = scenarios[order.scenario]
if (scenario === undefined) throw new Error(`there is no scenario ${order.scenario}`)
console.log(JSON.stringify(await run(scenario, order)))
process.exit(0)
