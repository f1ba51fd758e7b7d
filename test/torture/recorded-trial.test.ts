import { describe, expect, test } from "bun:test"
import { isKept, tried } from "./recorded-trial.ts"
import type { Torture, Trial } from "./torture.ts"

const settings = { effort: "long", seed: 1, executable: "", tell: () => {} } as const
const short = { ...settings, effort: "short" } as const

function torture(run: Torture["run"]): Torture {
  return { name: "one", promise: "all is well", run }
}

describe("What a torture tells", () => {
  test("a broken promise, a bound that is passed, and no number at all are wrong", async () => {
    const found = await tried(
      torture(async (trial) => {
        trial.wrong("a message is lost")
        trial.bounded("lost", 1, 0)
        trial.bounded("kept", 1, 1)
        trial.timed("delay (ms)", Number.NaN, 1)
      }),
      settings,
    )
    expect(found.wrong).toEqual([
      "a message is lost",
      "lost: 1, where at most 0 is promised",
      "delay (ms): NaN, where at most 1 is promised",
    ])
  })

  test("that it did less than it takes is wrong, in a short trial too", async () => {
    const { figures, floors, wrong } = await tried(
      torture(async (trial) => {
        trial.atLeast("kills", 3, 3)
        trial.atLeast("cuts", 0, 1)
        trial.atLeast("seeds", Number.NaN, 1)
      }),
      short,
    )
    expect(figures).toEqual({ kills: 3, cuts: 0, seeds: Number.NaN })
    expect(floors).toEqual({ kills: 3, cuts: 1, seeds: 1 })
    expect(wrong).toEqual([
      "cuts: 0, where it takes at least 1 to try it",
      "seeds: NaN, where it takes at least 1 to try it",
    ])
  })

  test("of what is stated again the worst stays, with its bound", async () => {
    const again = torture(async (trial) => {
      for (const delayMs of [20, 70, 40]) trial.timed("delay (ms)", delayMs, 50)
      for (const lost of [0, 2, 1]) trial.bounded("lost", lost, lost)
      for (const kills of [5, 3, 4]) trial.atLeast("kills", kills, kills - 1)
      for (const last of [1, 3, 2]) trial.figure("last", last)
    })
    const { figures, bounds, floors, wrong } = await tried(again, settings)
    expect(figures).toEqual({ "delay (ms)": 70, lost: 2, kills: 3, last: 2 })
    expect(bounds).toEqual({ "delay (ms)": 50, lost: 2 })
    expect(floors).toEqual({ kills: 2 })
    expect(wrong).toEqual(["delay (ms): 70, where at most 50 is promised"])
  })

  test("times are only stated in a short trial", async () => {
    const late = torture(async (trial) => trial.timed("delay (ms)", 2, 1))
    expect((await tried(late, short)).wrong).toEqual([])
    expect((await tried(late, settings)).wrong).toHaveLength(1)
  })
})

describe("A promise that was not tried is not kept", () => {
  const without = torture(async (trial) => {
    // A torture may come to the same gap again and again.
    trial.skipped("no gcc")
    trial.skipped("no gcc")
  })

  test("which is wrong in a long trial", async () => {
    const verdict = await tried(without, settings)
    expect(verdict).toMatchObject({ skipped: ["no gcc"], wrong: ["not tried: no gcc"] })
    expect(isKept(verdict)).toBeFalse()
  })

  test("and stated in a short one", async () => {
    const lines: string[] = []
    const verdict = await tried(without, { ...short, tell: (line) => void lines.push(line) })
    expect(verdict).toMatchObject({ skipped: ["no gcc"], wrong: [] })
    expect(isKept(verdict)).toBeFalse()
    expect(lines).toEqual(["not tried: no gcc"])
  })

  test("nor is one that comes to no end of its own", async () => {
    const { wrong } = await tried(
      torture(() => Promise.reject(new Error("nobody listens"))),
      settings,
    )
    expect(wrong[0]).toContain("nobody listens")
  })
})

describe("A torture that is not over in time", () => {
  const hanging = { ...settings, deadlineMs: 1 }

  test("is wrong, and the others have their turn", async () => {
    const verdict = await tried(
      torture(async (trial) => {
        trial.figure("kills", 1)
        await new Promise(() => {})
      }),
      hanging,
    )
    expect(verdict).toMatchObject({ figures: { kills: 1 }, wrong: ["not over after 0.001 s"], givenUp: true })
  })

  test("changes nothing any more, and ends when it next tells how far it is", async () => {
    const given = Promise.withResolvers<Trial>()
    const verdict = await tried(
      torture(async (trial) => {
        given.resolve(trial)
        await new Promise(() => {})
      }),
      hanging,
    )
    const trial = await given.promise
    trial.figure("kills", 1)
    trial.wrong("a message is lost")
    expect(verdict).toMatchObject({ figures: {}, wrong: ["not over after 0.001 s"] })
    expect(() => trial.tell("round 7")).toThrow("too late")
  })

  test("one that is over in time is not given up", async () => {
    expect(
      await tried(
        torture(async () => {}),
        settings,
      ),
    ).toMatchObject({ wrong: [], givenUp: false })
  })
})
