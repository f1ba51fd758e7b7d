import { describe, expect, test } from "bun:test"
import pc from "picocolors"
import { reportJson, reportText } from "../../cli/sub/expect-report.ts"
import { parseExpectation, parseJsonExpectation } from "../../cli/sub/expectation.ts"
import { Expectations, type Wanted } from "../../cli/sub/expectations.ts"
import { bytesOf, publish } from "../client/scripted-server.ts"

const at = new Date(Date.UTC(2026, 10, 21, 9, 5, 7, 42))

/** An expectation begins with a filter, or with JSON when it holds `: .` or begins with a dot. */
function wanted(expected: readonly string[], others: Partial<Wanted> = {}): Wanted {
  const expectations = expected.map((text) =>
    /^\.|: \./.test(text) ? parseJsonExpectation(text) : parseExpectation(text),
  )
  return { expectations, count: undefined, order: "any", ...others }
}

/** @param came each a topic, a blank, and a payload */
function held(asked: Wanted, came: readonly string[], timeIsOver = false) {
  const expectations = new Expectations(asked)
  for (const each of came) {
    const [topic = "", ...payload] = each.split(" ")
    expectations.take(publish({ topic, payload: bytesOf(payload.join(" ")) }), at)
  }
  if (timeIsOver) expectations.timeIsOver()
  return { expectations, outcome: expectations.outcome() }
}

function text(asked: Wanted, came: readonly string[], timeIsOver = true): readonly string[] {
  const { outcome } = held(asked, came, timeIsOver)
  const report = { wanted: asked, outcome, withinMs: 5000, seconds: timeIsOver ? 5 : 1.5 }
  return reportText(report, pc.createColors(false)).split("\n").slice(0, -1)
}

describe("An expectation is met", () => {
  test.each([
    ["a/b=on", "a/b on", true],
    ["a/b=on", "a/b off", false],
    ["a/b=on", "a/c on", false],
    ["a/b=", "a/b ", true],
    ["a/b=", "a/b x", false],
    ["a/b", "a/b whatever", true],
    ["a/+=x=y", "a/c x=y", true],
    ["$share/g/a/#", "a/b on", true],
    [".temp > 20", 'a/b {"temp":21}', true],
    [".temp > 20", 'a/b {"temp":20}', false],
    [".temp > 20", "a/b no JSON", false],
    ["a/+: .temp > 20", 'a/b {"temp":21}', true],
    ["a/+: .temp > 20", 'c {"temp":21}', false],
    ["a:b: . == 1", "a:b 1", true],
  ])("%s by '%s': %p", (expected, came, met) => {
    expect(held(wanted([expected]), [came]).outcome.met).toBe(met)
  })

  test("by a message of its own", () => {
    expect(held(wanted(["a=1", "a=1"]), ["a 1"]).outcome.met).toBe(false)
    expect(held(wanted(["a=1", "a=1"]), ["a 1", "a 1"]).outcome.met).toBe(true)
  })

  test("in whichever order messages come that could meet several", () => {
    const asked = wanted(["#", "a/+", "a/b", "a/b=1"])
    for (const came of [
      ["a/b 1", "a/b 2", "a/c 3", "d 4"],
      ["d 4", "a/c 3", "a/b 2", "a/b 1"],
      ["a/b 2", "a/b 1", "d 4", "a/c 3"],
    ]) {
      expect(held(asked, came).outcome.met).toBe(true)
      expect(held(asked, came.slice(1)).outcome.met).toBe(false)
    }
  })

  test("and all of it is settled with the last of them, not before", async () => {
    const asked = wanted(["a", "b"])
    let settled = 0
    const { expectations } = held(asked, ["a 1"])
    const noted = expectations.settled.then(() => (settled += 1))
    await Promise.resolve()
    expect(settled).toBe(0)
    expectations.take(publish({ topic: "b" }), at)
    await noted
    expect(settled).toBe(1)
  })
})

describe("A count", () => {
  test("is of messages, whatever they meet, and expectations are met by them", () => {
    const asked = wanted(["a=1"], { count: 3 })
    expect(held(asked, ["a 1", "a 2"]).outcome.met).toBe(false)
    expect(held(asked, ["a 1", "a 2", "b 3"]).outcome.met).toBe(true)
    expect(held(asked, ["a 2", "a 2", "b 3"]).outcome.met).toBe(false)
  })

  test("alone is an expectation too", () => {
    expect(text(wanted([], { count: 2 }), ["a 1"])).toEqual([
      "✗ too few messages within 5 s  1 of 2 messages in 5.00 s",
    ])
    expect(text(wanted([], { count: 1 }), ["a 1"])).toEqual(["✓ as expected  1 of 1 message in 5.00 s"])
  })
})

describe("In order", () => {
  const asked = wanted(["a=1", "a=2", "b"], { order: "as written" })

  test("the next one has to come before those behind it; others may come between", () => {
    expect(held(asked, ["a 1", "c x", "a 2", "a 1", "b 3"]).outcome.met).toBe(true)
    expect(held(asked, ["b 3", "a 1", "a 2", "b 3"]).outcome.met).toBe(true)
    expect(held(asked, ["a 2", "a 1", "b 3"]).outcome.met).toBe(false)
  })

  test("what came too early is said", () => {
    expect(text(asked, ["a 2", "a 1", "b 3"])).toEqual([
      "✗ 2 of 3 expectations not met within 5 s, in this order  3 messages in 5.00 s",
      '  ✓ a=1  "1" on a',
      "  ✗ a=2",
      '      got  "2" on a, before its turn',
      "  ✗ b",
      '      got  "3" on b, before its turn',
    ])
  })
})

describe("None", () => {
  test("of what is expected may come until the time is over", () => {
    const asked = wanted(["a=1"], { order: "none" })
    expect(held(asked, ["a 2"]).outcome.met).toBe(false)
    expect(held(asked, ["a 2"], true).outcome.met).toBe(true)
    expect(held(asked, ["a 2", "a 1"], true).outcome.met).toBe(false)
    expect(text(asked, ["a 2", "a 1"])).toEqual([
      "✗ expected none of a=1 within 5 s  2 messages in 5.00 s",
      '  got  "1" on a',
    ])
  })

  test("without expectations is no message at all", () => {
    const asked = wanted([], { order: "none" })
    expect(text(asked, [])).toEqual(["✓ no message came within 5 s  0 messages in 5.00 s"])
    expect(text(asked, ["a 1"])).toEqual([
      "✗ expected no message within 5 s  1 message in 5.00 s",
      '  got  "1" on a',
    ])
  })

  test("is settled at once by one that comes", async () => {
    await held(wanted([], { order: "none" }), ["a 1"]).expectations.settled
  })
})

describe("The report", () => {
  test("says so when it was over before the time was", () => {
    expect(text(wanted(["a: .t > 1"], { count: 1 }), ['a {"t":0}'], false)[0]).toBe(
      "✗ 1 of 1 expectation not met  1 of 1 message in 1.50 s",
    )
    expect(text(wanted(["a"]), ['a { "t": 0 }'], false)).toEqual([
      "✓ as expected  1 message in 1.50 s",
      '  ✓ a  {"t":0} on a',
    ])
  })

  test("sets what came against what was expected", () => {
    const asked = wanted(["a=on", "b: .temp > 20", "c", "d=1"])
    expect(text(asked, ["d 1", "a off", "b {}", 'b {"temp":3}', "b x", "e 1", "f 2"])).toEqual([
      "✗ 3 of 4 expectations not met within 5 s  7 messages in 5.00 s",
      "  ✗ a=on",
      '      got  "off" on a',
      "  ✗ b: .temp > 20",
      "      got  .temp is not there on b",
      "      got  .temp is 3 on b",
      '      got  "x" is no JSON on b',
      "  ✗ c",
      "      got  no message",
      '  ✓ d=1  "1" on d',
      "  on other topics: e, f",
    ])
  })

  test("of many messages has the last ones, and says how many there were", () => {
    const came = Array.from({ length: 8 }, (_, index) => `a ${index}`)
    expect(text(wanted(["a=on"]), came)).toEqual([
      "✗ 1 of 1 expectation not met within 5 s  8 messages in 5.00 s",
      "  ✗ a=on",
      "      got  3 messages before these",
      ...[3, 4, 5, 6, 7].map((index) => `      got  "${index}" on a`),
    ])
  })

  test("sends no commands to a terminal", () => {
    const asked = wanted(["a=\x1b[2J", "#"])
    expect(text(asked, ["a \x1b]0;x\x07", "b/\x9b2J x"]).join("")).not.toMatch(/\p{Cc}/u)
  })

  test("for programs holds the same", () => {
    const asked = wanted(["a=on", "b"])
    const { outcome } = held(asked, ["b 1", "a off", "c 2"])
    const report = { wanted: asked, outcome, withinMs: 5000, seconds: 1.5 }
    const message = { time: "2026-11-21T09:05:07.042Z", qos: 0, retain: false, dup: false }
    expect(JSON.parse(reportJson(report))).toEqual({
      met: false,
      order: "any",
      withinSeconds: 5,
      seconds: 1.5,
      messages: 3,
      expectations: [
        {
          expected: "a=on",
          met: false,
          insteadCount: 1,
          instead: [{ got: '"off"', early: false, message: { ...message, topic: "a", payload: "off" } }],
        },
        { expected: "b", met: true, by: { ...message, topic: "b", payload: "1", json: 1 } },
      ],
      otherTopics: ["c"],
    })
  })
})

describe("What is no expectation is told of", () => {
  test.each([
    ["=on", "--expect '=on': the topic is missing"],
    ["a/#/b=on", "--expect 'a/#/b=on': a/#/b is no topic filter"],
    ["a#: .x exists", "--expect-json 'a#: .x exists': a# is no topic filter"],
    [".x >", "--expect-json '.x >': at its end: a number"],
    ["a: .x >", "--expect-json '.x >': at its end: a number"],
  ])("%s", (expected, problem) => {
    expect(() => wanted([expected])).toThrow(problem)
  })
})
