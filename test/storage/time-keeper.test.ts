import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, setSystemTime, test } from "bun:test"
import { migrations } from "../../src/storage/sqlite/schema.ts"
import { TimeKeeper } from "../../src/storage/sqlite/time-keeper.ts"

const hourMs = 3_600_000
const minuteMs = 60_000

let database: Database
beforeEach(() => {
  database = new Database(":memory:", { strict: true })
  for (const step of migrations) database.run(step)
})
afterEach(() => {
  setSystemTime()
  database.close()
})

/** By how much the wall that is kept is ahead of the clock that is kept. */
function wallAheadMs(): number {
  const kept = database.query<{ ahead: number }, []>("SELECT wall_ms - now_ms AS ahead FROM clock").get()
  return kept?.ahead ?? Number.NaN
}

describe("the time is kept for the next run", () => {
  test("from the start on", () => {
    const keeper = new TimeKeeper(database)
    expect(Math.abs(keeper.now() - Date.now())).toBeLessThan(minuteMs)
    expect(Math.abs(wallAheadMs())).toBeLessThan(minuteMs)
  })

  test.each([-24 * hourMs, 24 * hourMs])("as soon as the wall is put by %p ms", (ms) => {
    const keeper = new TimeKeeper(database)
    const beforeMs = keeper.now()
    setSystemTime(Date.now() + ms)
    keeper.look()
    expect(Math.abs(wallAheadMs() - ms)).toBeLessThan(minuteMs)
    // The next run, which sees nothing but the new time.
    expect(Math.abs(new TimeKeeper(database).now() - beforeMs)).toBeLessThan(minuteMs)
  })

  test("so that it goes on where it was when the wall has forgotten all", () => {
    const keeper = new TimeKeeper(database)
    setSystemTime(0)
    expect(Math.abs(new TimeKeeper(database).now() - keeper.now())).toBeLessThan(minuteMs)
  })

  test("and not written again while there is nothing new", () => {
    const keeper = new TimeKeeper(database)
    database.run("UPDATE clock SET now_ms = 7")
    keeper.look()
    expect(database.query("SELECT now_ms FROM clock").get()).toEqual({ now_ms: 7 })
  })

  test("a write that fails is tried again in a minute, and not before", () => {
    const keeper = new TimeKeeper(database)
    database.run("ALTER TABLE clock RENAME TO away")
    setSystemTime(Date.now() + hourMs)
    expect(() => keeper.look()).toThrow("no such table")
    expect(() => keeper.look()).not.toThrow()
  })
})
