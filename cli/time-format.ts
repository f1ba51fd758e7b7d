/** Times as the C library writes them in the C locale, for the local time zone. */

const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ")
const months = "January February March April May June July August September October November December".split(
  " ",
)

const digits = (value: number, width: number, fill = "0") => String(value).padStart(width, fill)
const twelveHour = (date: Date) => date.getHours() % 12 || 12

const conversions: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  a: (date) => dayName(date).slice(0, 3),
  A: dayName,
  b: (date) => monthName(date).slice(0, 3),
  B: monthName,
  c: (date) => formatTime("a b e T Y", date),
  C: (date) => digits(Math.floor(date.getFullYear() / 100), 2),
  d: (date) => digits(date.getDate(), 2),
  D: (date) => `${formatCode("m", date)}/${formatCode("d", date)}/${formatCode("y", date)}`,
  e: (date) => digits(date.getDate(), 2, " "),
  F: (date) => `${digits(date.getFullYear(), 4)}-${formatCode("m", date)}-${formatCode("d", date)}`,
  g: (date) => digits(isoWeek(date).year % 100, 2),
  G: (date) => digits(isoWeek(date).year, 4),
  h: (date) => monthName(date).slice(0, 3),
  H: (date) => digits(date.getHours(), 2),
  I: (date) => digits(twelveHour(date), 2),
  j: (date) => digits(dayOfYear(date) + 1, 3),
  k: (date) => digits(date.getHours(), 2, " "),
  l: (date) => digits(twelveHour(date), 2, " "),
  m: (date) => digits(date.getMonth() + 1, 2),
  M: (date) => digits(date.getMinutes(), 2),
  n: () => "\n",
  N: (date) => digits(date.getMilliseconds() * 1_000_000, 9),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  P: (date) => (date.getHours() < 12 ? "am" : "pm"),
  r: (date) => formatTime("I:M:S p", date),
  R: (date) => formatTime("H:M", date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => digits(date.getSeconds(), 2),
  t: () => "\t",
  T: (date) => formatTime("H:M:S", date),
  u: (date) => String(date.getDay() || 7),
  U: (date) => digits(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7), 2),
  V: (date) => digits(isoWeek(date).week, 2),
  w: (date) => String(date.getDay()),
  W: (date) => digits(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7), 2),
  x: (date) => formatCode("D", date),
  X: (date) => formatCode("T", date),
  y: (date) => digits(date.getFullYear() % 100, 2),
  Y: (date) => String(date.getFullYear()),
  z: zoneOffset,
  Z: zoneName,
}

export function isTimeCode(code: string): boolean {
  return Object.hasOwn(conversions, code)
}

/** What `strftime` makes of one conversion; `N` is the nine digits of nanoseconds, as in date(1). */
export function formatCode(code: string, date: Date): string {
  return conversions[code]?.(date) ?? ""
}

/** `2026-11-21T01:40:34+0000`, with six digits of microseconds behind the seconds if wanted. */
export function isoTime(date: Date, withMicroseconds: boolean): string {
  const fraction = withMicroseconds ? `.${digits(date.getMilliseconds() * 1000, 6)}` : ""
  return `${formatCode("F", date)}T${formatCode("T", date)}${fraction}${zoneOffset(date)}`
}

/** Letters are conversions, everything else stands for itself. */
function formatTime(pattern: string, date: Date): string {
  return pattern.replace(/[A-Za-z]/g, (code) => formatCode(code, date))
}

function dayName(date: Date): string {
  return days[date.getDay()] ?? ""
}

function monthName(date: Date): string {
  return months[date.getMonth()] ?? ""
}

/** From 0; counted in calendar days, of which a change of the clocks leaves 23 or 25 hours. */
function dayOfYear(date: Date): number {
  const year = date.getFullYear()
  return (Date.UTC(year, date.getMonth(), date.getDate()) - Date.UTC(year, 0, 1)) / 86_400_000
}

/** The week of ISO 8601 belongs to the year that has its Thursday. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7))
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 }
}

function zoneOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? "-" : "+"}${digits(Math.floor(size / 60), 2)}${digits(size % 60, 2)}`
}

/** Few zones have an abbreviation here; the others are called `GMT+5:30`. */
function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date)
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? ""
}
