import { afterEach, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft } from "../failure/watched-broker.ts"
import { breaks } from "./broken/breaks.ts"
import { tried } from "./recorded-trial.ts"
import type { Torture } from "./torture.ts"
import { tortures } from "./tortures.ts"

/*
 * Each torture in its short form. `npm run torture` is the long one, and `npm run torture -- --only NAME --seed N` tries
 * again what failed here.
 */

describe("promises under torture", () => {
  let path: string
  beforeAll(async () => {
    path = await executable()
  }, 60_000)
  afterEach(killWhatIsLeft)

  test.each(tortures.map((torture) => [torture.name, torture] as const))(
    "%s",
    async (_, torture) => {
      const seed = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0
      const story: string[] = []
      const tell = (line: string) => void story.push(line)
      const { wrong, figures } = await tried(torture, { effort: "short", seed, executable: path, tell })
      if (wrong.length > 0) throw new Error(`seed ${seed}\n${story.join("\n")}\n${wrong.join("\n")}`)
      expect(Object.keys(figures)).not.toBeEmpty()
    },
    120_000,
  )
})

describe("what is wrong under torture is found", () => {
  const settings = { effort: "long", seed: 1, executable: "", tell: () => {} } as const
  const torture = (run: Torture["run"]): Torture => ({ name: "one", promise: "all is well", run })

  test("a broken promise, a bound that is passed, and no number at all", async () => {
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

  test("a torture that comes to no end of its own", async () => {
    const { wrong } = await tried(
      torture(() => Promise.reject(new Error("nobody listens"))),
      settings,
    )
    expect(wrong[0]).toContain("nobody listens")
  })

  test("times are only stated in a short trial", async () => {
    const late = torture(async (trial) => trial.timed("delay (ms)", 2, 1))
    expect((await tried(late, { ...settings, effort: "short" })).wrong).toEqual([])
    expect((await tried(late, settings)).wrong).toHaveLength(1)
  })

  test("each torture has a break that it must notice, and each break is of sources as they are", () => {
    const unnoticing = tortures.filter(({ name }) => !breaks.some(({ noticedBy }) => noticedBy === name))
    expect(unnoticing.map(({ name }) => name)).toEqual([])
    const misfits = breaks.filter(({ file, find }) => {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")
      return source.split(find).length !== 2
    })
    expect(misfits.map(({ what }) => what)).toEqual([])
    const names = new Set(tortures.map(({ name }) => name))
    expect(breaks.filter(({ noticedBy }) => !names.has(noticedBy))).toEqual([])
  })

  test("no two tortures have one name", () => {
    expect(new Set(tortures.map(({ name }) => name)).size).toBe(tortures.length)
  })
})
