import { paint } from "../output.ts"
import { failureOf, type ScenarioOutcome, type StepOutcome } from "./outcome.ts"

export const reportNames = ["pretty", "tap", "junit", "json"] as const
export type ReportName = (typeof reportNames)[number]

/** All outcomes as text for standard output, newline included. */
export function reportOf(name: ReportName, outcomes: readonly ScenarioOutcome[]): string {
  switch (name) {
    case "pretty":
      return pretty(outcomes)
    case "tap":
      return tap(outcomes)
    case "junit":
      return junit(outcomes)
    case "json":
      return `${JSON.stringify(outcomes)}\n`
  }
}

function pretty(outcomes: readonly ScenarioOutcome[]): string {
  const lines = outcomes.flatMap((outcome) => {
    const { file, name, steps, seconds, skipped } = outcome
    const title = name === file ? name : `${file}  ${name}`
    if (skipped !== undefined) return [`${paint.yellow("-")} ${title}  ${paint.dim(`skipped: ${skipped}`)}`]
    const failure = failureOf(outcome)
    const facts = paint.dim(`${steps.length} steps, ${seconds.toFixed(2)} s`)
    if (failure === undefined) return [`${paint.green("✓")} ${title}  ${facts}`]
    const { number, text, result } = failure
    return [
      `${paint.red("✗")} ${title}  ${facts}`,
      `  step ${number}: ${text}`,
      `    expected  ${paint.green(result.expected)}`,
      `    got       ${paint.red(result.got)}`,
    ]
  })
  return `${[...lines, summary(outcomes)].join("\n")}\n`
}

function summary(outcomes: readonly ScenarioOutcome[]): string {
  const failed = outcomes.filter((outcome) => failureOf(outcome) !== undefined).length
  const skipped = outcomes.filter((outcome) => outcome.skipped !== undefined).length
  const counts = [`${outcomes.length - failed - skipped} passed`, `${failed} failed`]
  return [...counts, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(", ")
}

/** Test Anything Protocol 13: a point for each step. */
function tap(outcomes: readonly ScenarioOutcome[]): string {
  const points = outcomes.flatMap(({ file, steps, skipped }) =>
    skipped === undefined
      ? steps.map((step) => tapPoint(file, step))
      : [{ ok: true, rest: `${file} # SKIP ${skipped}` }],
  )
  const lines = points.map(({ ok, rest }, index) => `${ok ? "ok" : "not ok"} ${index + 1} - ${rest}`)
  return ["TAP version 13", `1..${points.length}`, ...lines, ""].join("\n")
}

function tapPoint(file: string, { number, text, result }: StepOutcome): { ok: boolean; rest: string } {
  // A number sign would begin a directive.
  const what = `${file}: step ${number}: ${text.replaceAll("#", "\\#")}`
  if (result === "passed") return { ok: true, rest: what }
  if (result === "not reached") return { ok: true, rest: `${what} # SKIP not reached` }
  const { expected, got } = result
  const facts = [`  expected: ${JSON.stringify(expected)}`, `  got: ${JSON.stringify(got)}`]
  return { ok: false, rest: [what, "  ---", ...facts, "  ..."].join("\n") }
}

/** What CI systems read: a suite for each file, a case for each step. */
function junit(outcomes: readonly ScenarioOutcome[]): string {
  const suites = outcomes.map((outcome) => {
    const { file, name, steps, seconds, skipped } = outcome
    const cases =
      skipped === undefined
        ? steps.map((step) => junitCase(file, step))
        : [
            `    <testcase classname=${quoted(file)} name=${quoted(name)}><skipped message=${quoted(skipped)}/></testcase>`,
          ]
    const failures = failureOf(outcome) === undefined ? 0 : 1
    const passedOver =
      steps.filter(({ result }) => result === "not reached").length + (skipped === undefined ? 0 : 1)
    const counts = `tests="${cases.length}" failures="${failures}" skipped="${passedOver}" time="${seconds.toFixed(3)}"`
    return [`  <testsuite name=${quoted(name)} ${counts}>`, ...cases, "  </testsuite>"].join("\n")
  })
  return `${['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>"].join("\n")}\n`
}

function junitCase(file: string, { number, text, seconds, result }: StepOutcome): string {
  const name = `step ${number}: ${text}`
  const begin = `    <testcase classname=${quoted(file)} name=${quoted(name)} time="${seconds.toFixed(3)}"`
  if (result === "passed") return `${begin}/>`
  if (result === "not reached") return `${begin}><skipped message="not reached"/></testcase>`
  const message = `expected ${result.expected}, got ${result.got}`
  return `${begin}><failure message=${quoted(message)}/></testcase>`
}

/** XML 1.0 knows no control characters, not even escaped, but tab and newlines. */
function quoted(text: string): string {
  return `"${Bun.escapeHTML(text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd"))}"`
}
