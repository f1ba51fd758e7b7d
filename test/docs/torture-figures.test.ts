import { describe, expect, test } from "bun:test"
import { reportIn, withFigures } from "../../scripts/torture-figures.ts"
import type { TortureReport, Verdict } from "../torture/recorded-trial.ts"

const page = [
  "# Reliability",
  "## Figures of the last long run",
  "of long ago",
  "## What it found",
  "much",
].join("\n\n")

const kept: Verdict = {
  name: "crash at work",
  promise: "nothing is lost",
  seed: 7,
  seconds: 100,
  figures: { "messages published": 120_924, lost: 0, "longest wait (ms)": 2.34, doubled: 0, kills: 0 },
  bounds: { lost: 0, "longest wait (ms)": 1_000, doubled: 0 },
  floors: { "messages published": 6_000 },
  skipped: [],
  wrong: [],
  givenUp: false,
}

function reportOf(...verdicts: readonly Verdict[]): TortureReport {
  const machine = { cpu: "A chip", cores: 2, memoryBytes: 24 * 1024 ** 3, kernel: "Linux 6", bun: "1.4.5" }
  return { at: "2026-11-30T10:00:00.000Z", machine, verdicts, left: [] }
}

describe("The figures of a long run", () => {
  test("take the place of the last ones, and of nothing else", () => {
    const written = withFigures(page, reportOf(kept))
    expect(written).toStartWith("# Reliability\n\n## Figures of the last long run\n\n<!-- Made by ")
    expect(written).toContain("-->\n\nTaken on 2026-11-30 with seed 7, in one run of")
    expect(written).toEndWith(".\n\n## What it found\n\nmuch")
    expect(written).not.toContain("of long ago")
    expect(withFigures(written, reportOf(kept))).toBe(written)
  })

  test("say where they were taken, and each its bound; what there is none of comes last", () => {
    const text = unwrapped(withFigures(page, reportOf(kept)))
    expect(text).toContain(
      "one run of 2 minutes on 2 cores (A chip), 24 GiB, Linux 6. It kept 1 of its 1 promises. Bounds",
    )
    expect(text).toContain(
      "- `crash at work`: messages published: 120,924 [≥ 6,000]; longest wait (ms): 2.3 [1,000]; kills: 0; 0 [0]: lost, doubled.",
    )
  })

  test("mark what was broken, and what was not tried", () => {
    const broken = { ...kept, name: "disk full", figures: { lost: 3 }, wrong: ["lost: 3"] }
    const skipped = { ...kept, name: "disk slow", figures: {}, skipped: ["no gcc"] }
    const text = unwrapped(withFigures(page, reportOf(kept, broken, skipped)))
    expect(text).toContain("It kept 1 of its 3 promises; those marked * it did not.")
    expect(text).toContain(" - `disk full`*: lost: 3 [0]. - `disk slow`*: not tried: no gcc. ")
  })

  test("are not those of a run that was cut off", () => {
    const cutOff = { ...reportOf(kept), left: ["disk full"] }
    expect(() => withFigures(page, cutOff)).toThrow("cut off before disk full")
  })

  test("may be of a report that says nothing of floors", () => {
    const { floors, skipped, givenUp, ...verdict } = kept
    const { left, ...report } = reportOf(kept)
    expect(reportIn(JSON.stringify({ ...report, verdicts: [verdict] }))).toEqual({
      ...report,
      left,
      verdicts: [{ ...verdict, floors: {}, skipped, givenUp }],
    })
    expect(Object.keys(floors)).not.toBeEmpty()
  })

  test("need their section", () => {
    expect(() => withFigures("# Reliability", reportOf(kept))).toThrow("Figures of the last long run")
  })
})

function unwrapped(markdown: string): string {
  return markdown.replaceAll(/\s+/g, " ")
}
