import { describe, expect, test } from "bun:test"
import { simulate } from "./simulation.ts"

/*
 * BANTAM_SEED=7 bun test test/simulation runs one seed; `run.ts` runs many, or tells one in full.
 */

const asked = process.env["BANTAM_SEED"]
const first = asked === undefined ? 1 : Number(asked)
const seeds = asked === undefined ? 200 : 1
const steps = 1000

describe("clients that keep to the specification, on a network, a disk and a clock that do not", () => {
  test(`every promise is kept, whatever fails (seeds ${first} to ${first + seeds - 1})`, async () => {
    for (let seed = first; seed < first + seeds; seed++) {
      const { violation, story } = await simulate(seed, steps)
      if (violation !== undefined) throw new Error(`seed ${seed}: ${violation}\n${story}`)
    }
  }, 60_000)

  test("the same seed tells the same story", async () => {
    const one = await simulate(first, steps)
    expect(await simulate(first, steps)).toEqual(one)
  })

  test("the stories are of something: messages arrive, and brokers crash", async () => {
    let arrivals = 0
    let crashes = 0
    for (let seed = 1; seed <= 20; seed++) {
      const outcome = await simulate(seed, steps)
      arrivals += outcome.arrivals
      crashes += outcome.crashes
    }
    expect(arrivals).toBeGreaterThan(500)
    expect(crashes).toBeGreaterThan(20)
  })
})
