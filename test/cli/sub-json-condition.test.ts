import { describe, expect, test } from "bun:test"
import { ConditionError, parseJsonCondition, whyNot } from "../../cli/sub/json-condition.ts"

const value = {
  temp: 21.5,
  name: "lamp one",
  on: true,
  none: null,
  list: [1, "two", { deep: [3] }],
  "battery-low": false,
  "a b": 1,
}

const because = (condition: string, of: unknown = value) => whyNot(parseJsonCondition(condition), of)

describe("A condition holds", () => {
  test.each([
    ".temp > 20",
    ".temp>=21.5",
    ".temp <= 21.5",
    ".temp < 2.2e1",
    ".temp != 20",
    '.name == "lamp one"',
    '.name > "a"',
    ".on == true",
    ".none == null",
    ".none exists",
    ".list[0] == 1",
    '.list[-2] == "two"',
    ".list[2].deep[0] == 3",
    '.list contains "two"',
    '.name contains "one"',
    '.name matches "^lamp \\\\w+$"',
    ".battery-low == false",
    '."a b" == 1',
    '.temp > 20 and .on == true and .name != "x"',
    "  .temp   exists  ",
  ])("%s", (condition) => {
    expect(because(condition)).toBeUndefined()
  })

  test("of a value that is no object", () => {
    expect(because(". > 20", 21)).toBeUndefined()
    expect(because('.[0] == "a"', ["a"])).toBeUndefined()
    expect(because('. == "on"', "on")).toBeUndefined()
  })
})

describe("A condition does not hold, and says what is there", () => {
  test.each([
    [".temp > 30", ".temp is 21.5"],
    ['.name == "lamp"', '.name is "lamp one"'],
    [".missing == 1", ".missing is not there"],
    // What is not there meets nothing, not even what it would be unlike.
    [".missing != 1", ".missing is not there"],
    [".missing exists", ".missing is not there"],
    [".temp.deeper exists", ".temp.deeper is not there"],
    [".list[3] exists", ".list[3] is not there"],
    [".list[-4] exists", ".list[-4] is not there"],
    [".list.length exists", ".list.length is not there"],
    [".toString exists", ".toString is not there"],
    // A text is no number, however it looks.
    [".name > 1", '.name is "lamp one"'],
    [".none < 1", ".none is null"],
    [".list contains 2", '.list is [1,"two",{"deep":[3]}]'],
    [".temp contains 2", ".temp is 21.5"],
    ['.name matches "^one"', '.name is "lamp one"'],
    [".on == true and .temp > 30", ".temp is 21.5"],
  ])("%s: %s", (condition, why) => {
    expect(because(condition)).toBe(why)
  })
})

test("Of a long value the beginning is said", () => {
  expect(because(". == 1", "x".repeat(1000))).toBe(`. is "${"x".repeat(199)}…`)
})

test("A value that is nested without end is no reason to fail", () => {
  const deep: unknown = JSON.parse("[".repeat(100_000) + "]".repeat(100_000))
  expect(because(". == 1", deep)).toBe(". is nested too deeply to be shown")
})

describe("What is no condition is told of, with its place", () => {
  test.each([
    ["", "at its end: a path such as .temp begins with a dot"],
    ["temp > 1", 'at character 1, "temp > 1": a path such as .temp begins with a dot'],
    [".temp", "at its end: exists, contains, matches or one of == != > >= < <= is missing"],
    [".temp = 1", 'at character 7, "= 1": exists, contains, matches or one of == != > >= < <= is missing'],
    [".temp >", 'at its end: a number, true, false, null or a "text" is missing'],
    [".temp > abc", 'at character 9, "abc": a number, true, false, null or a "text" is missing'],
    [".temp > 1x", 'at character 9, "1x": a number, true, false, null or a "text" is missing'],
    [".a..b exists", 'at character 4, ".b exists": a name is missing'],
    [
      ".a[x] exists",
      'at character 3, "[x] exists": exists, contains, matches or one of == != > >= < <= is missing',
    ],
    ['.a == "b', `at character 7, "\\"b": a text in "quotes" is missing`],
    ['.a == "\\q"', 'at character 7, "\\"\\\\q\\"": a text is written as in JSON'],
    ['.a matches "("', 'at character 12, "\\"(\\"": it is no regular expression'],
    [".a matches 1", 'at character 12, "1": a text in "quotes" is missing'],
    [
      ".a exists or .b exists",
      'at character 11, "or .b exists": here only `and` and another condition may follow',
    ],
    [".a exists and", "at its end: a path such as .temp begins with a dot"],
  ])("%s", (condition, problem) => {
    expect(() => parseJsonCondition(condition)).toThrow(new ConditionError(problem))
  })
})
