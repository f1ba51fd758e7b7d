import { InvalidArgumentError } from "commander"
import { parseDuration } from "./duration.ts"

/** How an option of it is explained. */
export const sinceExplained = "not before: 90s, 15m, 1h, 7d ago, or 2026-01-31, 2026-01-31T12:00"

/** @returns milliseconds since 1970; what names no time zone is meant in ours */
export function parseSince(text: string): number {
  const agoMs = parseDuration(text)
  if (agoMs !== undefined) return Date.now() - agoMs
  const [, day, time] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d\S*))?$/.exec(text) ?? []
  const atMs = day === undefined ? Number.NaN : Date.parse(`${day}T${time ?? "00:00"}`)
  if (Number.isFinite(atMs)) return atMs
  throw new InvalidArgumentError(
    "It must be a while, such as 90s, 15m, 1h or 7d, or a day, such as 2026-01-31.",
  )
}
