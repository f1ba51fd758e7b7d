import { describe, expect, test } from "bun:test"
import { formatCode, isTimeCode } from "../../cli/time-format.ts"

/** date(1) of the same machine, in the C locale, is the oracle. */
function oracle(format: string, dates: readonly Date[]): string[] {
  const input = dates.map((date) => `@${date.getTime() / 1000}`).join("\n")
  const { stdout } = Bun.spawnSync(["date", "-f", "-", `+${format}`], {
    stdin: Buffer.from(input),
    env: { LC_ALL: "C", TZ: Intl.DateTimeFormat().resolvedOptions().timeZone },
  })
  return stdout.toString().split("\n").slice(0, -1)
}

const dates: Date[] = []
// Every first and last week of the years is another case of %G, %U, %V and %W.
for (let year = 2020; year < 2032; year++) {
  for (const [month, day] of [
    [0, 1],
    [0, 3],
    [0, 4],
    [1, 29],
    [6, 9],
    [11, 27],
    [11, 31],
  ] as const) {
    dates.push(new Date(year, month, day, day % 24, day, 7))
  }
}
dates.push(new Date(2026, 5, 1, 0, 0, 0), new Date(2026, 5, 1, 12, 0, 0), new Date(2026, 5, 1, 13, 0, 0))

describe("@X is what strftime makes of %X", () => {
  test.each([..."aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYz"])("@%s", (code) => {
    expect(isTimeCode(code)).toBe(true)
    expect(dates.map((date) => formatCode(code, date))).toEqual(oracle(`%${code}`, dates))
  })

  test("@n, @t, @% and the nanoseconds of @N", () => {
    const date = new Date(2026, 0, 1, 0, 0, 0, 7)
    expect([..."nt%N"].map((code) => formatCode(code, date))).toEqual(["\n", "\t", "%", "007000000"])
  })

  test("@Z names the zone, if only by its distance from Greenwich", () => {
    expect(formatCode("Z", new Date())).toMatch(/^[A-Z]{2,5}/)
  })

  test("other letters are none", () => {
    expect(["f", "i", "J", "é", ""].filter(isTimeCode)).toEqual([])
  })
})
