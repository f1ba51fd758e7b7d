import { describe, expect, test } from "bun:test"
import { statementsOf, statementsWithoutRows, statementsWithRows } from "./statements.ts"

describe("the tables of malformed packets and of violations go through the whole specification", () => {
  for (const [specification, count] of [
    ["3.1.1", 142],
    ["5.0", 251],
  ] as const) {
    const all = statementsOf(specification)
    const withRows = statementsWithRows(specification)
    const withoutRows = statementsWithoutRows(specification)

    test(`MQTT ${specification} has ${count} numbered statements`, () => {
      expect(new Set(all).size).toBe(count)
    })

    test(`each statement of MQTT ${specification} has a row, or a reason to have none`, () => {
      expect(all.filter((statement) => !withRows.has(statement) && !withoutRows.has(statement))).toEqual([])
    })

    test(`no statement of MQTT ${specification} has both`, () => {
      expect([...withRows].filter((statement) => withoutRows.has(statement))).toEqual([])
    })

    test(`no row and no reason is for a statement that MQTT ${specification} does not have`, () => {
      expect([...withRows, ...withoutRows.keys()].filter((statement) => !all.includes(statement))).toEqual([])
    })
  }
})
