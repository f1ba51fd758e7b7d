import { harmless, harmlessJson } from "../harmless.ts"
import { embeddedJson } from "../message-json.ts"
import { type Paint, someOf } from "../output.ts"
import { counted } from "../quantities.ts"
import { shown } from "../shown.ts"
import type { Came, ExpectationOutcome, Instead, Outcome, Wanted } from "./expectations.ts"
import { jsonLine } from "./json-line.ts"

/** How a run with expectations went. */
export interface Report {
  readonly wanted: Wanted
  readonly outcome: Outcome
  readonly withinMs: number
  /** From when the subscriptions stood. */
  readonly seconds: number
}

/** The report for a person, newline included. */
export function reportText({ wanted, outcome, withinMs, seconds }: Report, paint: Paint): string {
  const { met, expectations, messages, intruder, otherTopics } = outcome
  const count =
    wanted.count === undefined
      ? counted(messages, "message")
      : `${messages} of ${counted(wanted.count, "message")}`
  const lines = [
    `${met ? paint.green("✓") : paint.red("✗")} ${summary(wanted, outcome, withinMs, seconds)}  ` +
      paint.dim(`${count} in ${seconds.toFixed(2)} s`),
  ]
  if (wanted.order !== "none") lines.push(...expectations.flatMap((each) => expectationLines(each, paint)))
  if (intruder !== undefined) lines.push(`  got  ${paint.red(cameText(intruder))}`)
  if (!met && intruder === undefined && otherTopics.length > 0) {
    lines.push(paint.dim(`  on other topics: ${harmless(someOf(otherTopics))}`))
  }
  return `${lines.join("\n")}\n`
}

function summary(
  { order }: Wanted,
  { met, expectations }: Outcome,
  withinMs: number,
  seconds: number,
): string {
  const within = `within ${withinMs / 1000} s`
  if (order === "none") {
    const what = expectations.length === 0 ? "no message" : `none of ${texts(expectations)}`
    return met ? `${what} came ${within}` : `expected ${what} ${within}`
  }
  if (met) return "as expected"
  const missing = expectations.filter(({ by }) => by === undefined).length
  // It is over sooner after so many messages, and when somebody ends it.
  const time = seconds * 1000 < withinMs ? "" : ` ${within}`
  if (missing === 0) return `too few messages${time}`
  const inOrder = order === "as written" ? ", in this order" : ""
  return `${missing} of ${counted(expectations.length, "expectation")} not met${time}${inOrder}`
}

function texts(expectations: readonly ExpectationOutcome[]): string {
  return someOf(expectations.map(({ expectation }) => harmless(expectation.text)))
}

function expectationLines(
  { expectation, by, instead, insteadCount }: ExpectationOutcome,
  paint: Paint,
): readonly string[] {
  const text = harmless(expectation.text)
  if (by !== undefined) return [`  ${paint.green("✓")} ${text}  ${paint.dim(cameText(by))}`]
  const earlier = insteadCount - instead.length
  const got = [
    ...(earlier > 0 ? [`${counted(earlier, "message")} before these`] : []),
    ...instead.map(({ got, message, isEarly }) => {
      return `${harmless(got)} on ${harmless(message.topic)}${isEarly ? ", before its turn" : ""}`
    }),
  ]
  const lines = got.length === 0 ? ["no message"] : got
  return [`  ${paint.red("✗")} ${text}`, ...lines.map((line) => `      got  ${paint.red(line)}`)]
}

function cameText({ message }: Came): string {
  const { payload, topic } = message
  const json = payload.length > 200 ? undefined : embeddedJson(payload)
  const text = json !== undefined && /^[{[]/.test(json) ? harmless(json) : shown(payload)
  return `${text} on ${harmless(topic)}`
}

/**
 * The report for a program, one object in a line. Messages are as --json prints them, of their payloads the first 4,096
 * bytes.
 */
export function reportJson({ wanted, outcome, withinMs, seconds }: Report): string {
  const { met, messages, expectations, otherTopics, intruder } = outcome
  const report = {
    met,
    order: wanted.order,
    withinSeconds: withinMs / 1000,
    seconds,
    messages,
    ...(wanted.count === undefined ? {} : { count: wanted.count }),
    expectations: expectations.map(({ expectation, by, instead, insteadCount }) => ({
      expected: expectation.text,
      met: by !== undefined,
      ...(by === undefined
        ? { insteadCount, instead: instead.map((one) => ({ ...gotOf(one), message: messageOf(one) })) }
        : { by: messageOf(by) }),
    })),
    otherTopics,
    ...(intruder === undefined ? {} : { intruder: messageOf(intruder) }),
  }
  return `${harmlessJson(JSON.stringify(report))}\n`
}

function gotOf({ got, isEarly }: Instead) {
  return { got, early: isEarly }
}

function messageOf({ message, at }: Came): unknown {
  return JSON.parse(jsonLine(message, at))
}
