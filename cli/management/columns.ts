import { durationText } from "../number-text.ts"

/** How a fact that is not there is shown. */
export const none = "-"

/** How long ago, such as `3h 04m`. @param iso a date, or null */
export function ago(iso: string | null): string {
  return iso === null ? none : durationText(Math.max(0, (Date.now() - Date.parse(iso)) / 1000))
}

/** How long from now on. @param iso a date, or null for never */
export function until(iso: string | null): string {
  return iso === null ? "never" : durationText(Math.max(0, (Date.parse(iso) - Date.now()) / 1000))
}

/** @param seconds null: for ever */
export function lasting(seconds: number | null): string {
  return seconds === null ? "for ever" : durationText(seconds)
}
