import { describe, expect, test } from "bun:test"
import { Composer } from "../../cli/pub/composer.ts"
import { publishRows } from "../../cli/pub/publish-rows.ts"
import { repeatedRows, type Row } from "../../cli/pub/row.ts"
import { Schedule } from "../../cli/schedule.ts"
import type { PublishRequest } from "../../src/client/sender.ts"
import { HurriedClock } from "../support/hurried-clock.ts"

const given = {
  topic: "t",
  payload: Buffer.from("{{n}} {{now ms}}"),
  qos: 0,
  retain: false,
  properties: {},
  isTemplate: true,
} as const

/** When each message was published, by a server that takes so long for each. */
async function timesOf(
  clock: HurriedClock,
  rows: AsyncIterable<Row>,
  intervalMs: number,
  takesMs: readonly number[] = [],
) {
  const times: (readonly [n: string, atMs: number])[] = []
  const publisher = {
    async publish({ payload }: PublishRequest) {
      const [n = "", nowMs] = Buffer.from(payload).toString().split(" ")
      expect(Number(nowMs)).toBe(clock.now())
      times.push([n, clock.now()])
      clock.pass(takesMs[times.length - 1] ?? 0)
    },
  }
  await publishRows(
    { rows, intervalMs },
    new Composer(given, clock),
    new Schedule(clock),
    publisher,
    () => false,
  )
  return times
}

describe("pub --every and --rate", () => {
  test("each message is due an interval after the one before", async () => {
    const clock = new HurriedClock()
    expect(await timesOf(clock, repeatedRows(4, 0), 1000)).toEqual([
      ["1", 0],
      ["2", 1000],
      ["3", 2000],
      ["4", 3000],
    ])
  })

  test("a server that is slow shifts nothing: what is overdue leaves at once", async () => {
    const clock = new HurriedClock()
    expect(await timesOf(clock, repeatedRows(5, 0), 1000, [300, 2500])).toEqual([
      ["1", 0],
      ["2", 1000],
      ["3", 3500],
      ["4", 3500],
      ["5", 4000],
    ])
  })

  test("a rate that is no whole number of milliseconds holds in the long run", async () => {
    const clock = new HurriedClock()
    const times = await timesOf(clock, repeatedRows(3001, 0), 1000 / 300)
    expect(times.at(-1)).toEqual(["3001", 10_000])
  })

  test("a source that is late by itself is not made up for", async () => {
    const clock = new HurriedClock()
    async function* late(): AsyncGenerator<Row> {
      for await (const row of repeatedRows(4, 0)) {
        yield row
        // From the second to the third somebody had nothing to say.
        if (clock.now() === 1000) clock.pass(5000)
      }
    }
    expect(await timesOf(clock, late(), 1000)).toEqual([
      ["1", 0],
      ["2", 1000],
      ["3", 6000],
      ["4", 7000],
    ])
  })

  test("nothing is published once it is over", async () => {
    const clock = new HurriedClock()
    let count = 0
    const publisher = { publish: async () => void (count += 1) }
    const rows = repeatedRows(Number.POSITIVE_INFINITY, 0)
    await publishRows(
      { rows, intervalMs: 10 },
      new Composer(given),
      new Schedule(clock),
      publisher,
      () => count === 3,
    )
    expect(count).toBe(3)
  })
})
