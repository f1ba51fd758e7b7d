import { describe, expect, test } from "bun:test"
import { scenarios } from "../../bench/scenarios.ts"
import { judge, targets } from "../../bench/targets.ts"
import { resultOf } from "../../bench/results.ts"
import { reportOf, rowOf } from "./run-examples.ts"

function met(rows: Parameters<typeof judge>[0], row: string, figure = "brokerMicroseconds" as const) {
  return judge(rows, "bantam", row, figure)?.met
}

describe("targets", () => {
  test("every one is about a row that exists", () => {
    const unknown = targets.filter(
      ({ row, of }) =>
        !(row in scenarios) || (of !== "itself" && "ourRow" in of && !(of.ourRow in scenarios)),
    )
    expect(unknown).toEqual([])
  })

  test("a share of a peer's figure is met up to that share", () => {
    expect(met([rowOf("pairs-0", { bantam: [1], mosquitto: [40] })], "pairs-0")).toBe(true)
    expect(met([rowOf("pairs-0", { bantam: [1.01], mosquitto: [40] })], "pairs-0")).toBe(false)
  })

  test("a multiple of another row of ours is met up to that multiple", () => {
    const durable = rowOf("durable", { bantam: [2] })
    expect(met([durable, rowOf("properties-durable", { bantam: [3] })], "properties-durable")).toBe(true)
    expect(met([durable, rowOf("properties-durable", { bantam: [3.1] })], "properties-durable")).toBe(false)
  })

  test("a bound of its own needs nobody beside us", () => {
    const idle = (bytes: number) => ({
      ...rowOf("idle", {}),
      results: { bantam: resultOf([reportOf({ residentBytesPerConnection: bytes })]) },
    })
    expect(judge([idle(6_000)], "bantam", "idle", "residentBytesPerConnection")?.met).toBe(true)
    expect(judge([idle(7_000)], "bantam", "idle", "residentBytesPerConnection")?.met).toBe(false)
  })

  test("nothing is said where the peer was not measured", () => {
    expect(
      judge([rowOf("pairs-0", { bantam: [1] })], "bantam", "pairs-0", "brokerMicroseconds"),
    ).toBeUndefined()
  })
})
