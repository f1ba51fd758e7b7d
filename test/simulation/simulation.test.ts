import { describe, expect, test } from "bun:test"
import { Figures } from "./figures.ts"
import { commandFor, simulate } from "./simulation.ts"

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
      if (violation !== undefined)
        throw new Error(`seed ${seed}: ${violation}\n${story}\n${commandFor(seed, steps)}`)
    }
  }, 60_000)

  test("the same seed tells the same story", async () => {
    const one = await simulate(first, steps)
    expect(await simulate(first, steps)).toEqual(one)
  })

  test("the stories are of something: messages arrive, and everything goes wrong that can", async () => {
    const figures = new Figures()
    for (let seed = 1; seed <= 60; seed++) figures.add((await simulate(seed, steps)).figures)
    expect(figures.of("messages delivered")).toBeGreaterThan(1500)
    const rare = happenings.filter((what) => figures.of(what) < 10)
    expect(rare).toEqual([])
  }, 60_000)
})

/** What any sixty seeds should be full of. */
const happenings = [
  ...["storms", "cuts", "cuts of several at once", "one-way cuts", "stalls of several at once", "slow disks"],
  ...["leaps", "leaps to a date", "wall put back", "wall put forward", "wall put back while it is away"],
  ...["wall put forward while it is away", "crashes", "clean restarts", "store failures", "stores lost"],
  ...["store failures right after a start", "sessions taken over", "sessions expired", "wills published"],
  ...["messages expired", "gone while the store fails"],
]
