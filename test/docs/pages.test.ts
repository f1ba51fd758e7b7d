import { beforeAll, describe, expect, test } from "bun:test"
import { executable } from "../../scripts/executable.ts"
import { pages } from "./pages.ts"
import { limitMs, type Reading, readPage, stepsOfPage } from "./read-page.ts"
import { whyNoMachineHere } from "./why-no-machine.ts"

/* Whoever types what our pages say, gets what they say. */

if (whyNoMachineHere !== undefined) console.log(`pages are not tried: ${whyNoMachineHere}`)

const withSteps = pages.filter((page) => stepsOfPage(page).length > 0)

describe.skipIf(whyNoMachineHere !== undefined)("What a page says is so:", () => {
  let program: string
  beforeAll(async () => {
    program = await executable()
  }, 60_000)

  /** Two at a time: the one that is awaited, and the one after it. */
  const readings = new Map<string, Promise<Reading>>()
  function reading(page: string): Promise<Reading> {
    const begun = readings.get(page) ?? readPage(page, program)
    readings.set(page, begun)
    return begun
  }

  test.each(withSteps.map((page, index) => [page, withSteps[index + 1]] as const))(
    "%s",
    async (page, next) => {
      const awaited = reading(page)
      // That it fails is told by its own test.
      if (next !== undefined) reading(next).catch(() => {})
      const { complaints, skipped } = await awaited
      for (const each of skipped) console.log(`not tried: ${each}`)
      expect(complaints.join("\n")).toBe("")
    },
    limitMs + 10_000,
  )
})
