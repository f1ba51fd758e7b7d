const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Reads `200ms`, `90s`, `15m`, `1h`, `7d` or `2w`. @returns milliseconds, or undefined when it is none of them */
export function parseDuration(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,9})(ms|[smhdw])$/.exec(text) ?? []
  return count === "" ? undefined : Number(count) * unitMs[unit as keyof typeof unitMs]
}
