import { afterEach, beforeEach, expect, test } from "bun:test"
import { run } from "../cli/program.ts"
import { MosquittoBroker } from "./mosquitto-broker.ts"
import { describeWith, mosquittoBroker } from "./tools.ts"

const everyday = new URL("../../examples/scenarios/everyday.yaml", import.meta.url).pathname

describeWith("mosquitto", mosquittoBroker(), "one scenario, two brokers", (program) => {
  let mosquitto: MosquittoBroker
  beforeEach(async () => {
    mosquitto = new MosquittoBroker(program)
    await mosquitto.start("allow_anonymous true\n")
  })
  afterEach(() => mosquitto.remove())

  test("thirty steps and more run with Mosquitto and with Bantam", async () => {
    const there = await run(["test", everyday, "--url", `unix://${mosquitto.socket}`])
    expect(there).toMatchObject({ exitCode: 0, error: "" })
    const here = await run(["test", everyday])
    expect(here).toMatchObject({ exitCode: 0, error: "" })
    const steps = [there, here].map(({ out }) => Number(/(\d+) steps/.exec(out)?.[1]))
    expect(steps[0]).toBe(steps[1] ?? 0)
    expect(steps[0]).toBeGreaterThanOrEqual(30)
  })
})
