import { describe, expect, test } from "bun:test"
import { type Fields, type Occasion, Template } from "../../cli/pub/template.ts"

const occasion: Occasion = {
  n: 7,
  wallMs: Date.UTC(2026, 0, 31, 12, 0, 0, 250),
  random: () => 0.5,
  uuid: () => "1b4e28ba-2fa1-4d2d-883f-0016d3cca427",
}

function fieldsOf(values: Readonly<Record<string, string>>): Fields {
  return {
    names: Object.keys(values),
    text: (name) => (Object.hasOwn(values, name) ? values[name] : undefined),
  }
}

function filled(
  text: string,
  values: Readonly<Record<string, string>> = {},
  at: Partial<Occasion> = {},
): string {
  return new Template(text).fill(fieldsOf(values), { ...occasion, ...at })
}

describe("a template", () => {
  test.each([
    ["", ""],
    ["no braces { } }}", "no braces { } }}"],
    ["{{n}}-{{ n }}", "7-7"],
    ["{{now}}", "2026-01-31T12:00:00.250Z"],
    ["{{now unix}}", "1769860800"],
    ["{{now ms}}", "1769860800250"],
    ["{{uuid}}", occasion.uuid()],
    ["{{random 0 100}}", "50"],
    ["{{random -3 3}}", "0"],
    ["{{random 18.0 24.50}}", "21.25"],
    ["{{pick on off}}", "off"],
    ['{"a":{"b":{{n}}}}', '{"a":{"b":7}}'],
    ["\\{{ n }} {{n}}", "{{ n }} 7"],
    ["{{\n n }}", "7"],
  ])("%s", (text, expected) => {
    expect(filled(text)).toBe(expected)
  })

  test("both bounds of a random number may come", () => {
    expect(filled("{{random 1 6}}", {}, { random: () => 0 })).toBe("1")
    expect(filled("{{random 1 6}}", {}, { random: () => 0.999_999 })).toBe("6")
    expect(filled("{{random 0.0 0.1}}", {}, { random: () => 0.999_999 })).toBe("0.1")
  })

  test("a field goes before what is built in, and may have blanks in its name", () => {
    expect(filled("{{n}} {{room name}}", { n: "x", "room name": "hall" })).toBe("x hall")
  })

  test("what stands in a field is no template", () => {
    expect(filled("{{a}}", { a: "{{n}}" })).toBe("{{n}}")
  })

  test.each([
    ["{{n", "no }} ends it"],
    ["{{n 3}}", "nothing may stand behind n"],
    ["{{now utc}}", "behind now may stand unix, for seconds, or ms"],
    ["{{random 5}}", "needs two numbers"],
    ["{{random 5 1}}", "the lesser first"],
    ["{{random 1e3 2e3}}", "needs two numbers"],
    [`{{random 0 0.${"0".repeat(101)}}}`, "needs two numbers"],
    ["{{random 0 9007199254740993}}", "needs two numbers"],
  ])("%s is none", (text, problem) => {
    expect(() => new Template(text)).toThrow(problem)
  })

  test("pick and random need words behind them, unless a field is called so", () => {
    expect(filled("{{pick}} {{random}}", { pick: "x", random: "y" })).toBe("x y")
    const template = new Template("{{pick}}")
    expect(() => template.check(["pick"], "columns")).not.toThrow()
    expect(() => template.check(["a"], "columns")).toThrow("needs words to choose from")
    expect(() => template.fill(fieldsOf({ a: "1" }), occasion)).toThrow("needs words to choose from")
  })

  test("an unknown name is an error that tells the known ones", () => {
    const template = new Template("{{celcius}}")
    const told =
      "{{celcius}} is not known; known are n, now, now unix, now ms, uuid, random 0 100, pick a b, and the columns id, name"
    expect(() => template.check(["id", "name"], "columns")).toThrow(told)
    expect(() => template.check(["celcius"], "columns")).not.toThrow()
    expect(() => template.fill(fieldsOf({ id: "1" }), occasion)).toThrow("and the fields id")
  })

  test("of many names the first are told, and none obeyed by a terminal", () => {
    const names = ["\u001b[2J", ...Array.from({ length: 40 }, (_, index) => `c${index}`)]
    expect(() => new Template("{{x}}").check(names, "columns")).toThrow(
      /\\u001b\[2J, c0, .*, c28 and 11 more$/,
    )
  })

  test("the names of all objects are none of ours", () => {
    expect(() => filled("{{constructor}}")).toThrow("is not known")
  })
})
