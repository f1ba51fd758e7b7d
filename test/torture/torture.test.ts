import { afterEach, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft } from "../failure/watched-broker.ts"
import { breaks } from "./broken/breaks.ts"
import { tried } from "./recorded-trial.ts"
import { tortures } from "./tortures.ts"

/*
 * Each torture in its short form. `npm run torture` is the long one, and `npm run torture -- --only NAME --seed N` tries
 * again what failed here.
 */

/** Says .ci/run, which installs them: where a tool is looked for in the wrong place, that is noticed there. */
const hasAllTools = process.env["TORTURE_TOOLS"] === "all"

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
      const { wrong, floors, skipped } = await tried(torture, {
        effort: "short",
        seed,
        executable: path,
        tell,
      })
      if (wrong.length > 0) throw new Error(`seed ${seed}\n${story.join("\n")}\n${wrong.join("\n")}`)
      if (hasAllTools) expect(skipped.filter((why) => why.startsWith("no "))).toEqual([])
      if (skipped.length > 0) return console.warn(`${torture.name}: not tried: ${skipped.join("; ")}`)
      // Something that it must have done, or it may have done nothing.
      expect(Object.values(floors).filter((least) => least > 0)).not.toBeEmpty()
    },
    120_000,
  )
})

describe("what is wrong under torture is found", () => {
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
