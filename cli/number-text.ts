/** Numbers for columns: at most six characters up to a million, and seldom more beyond. */

const unknown = "-"

/** `0`, `0.4`, `12`, `1,234`, `1.23M`. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined) return unknown
  if (rate === 0) return "0"
  if (rate < 0.05) return "<0.1"
  return rate < 9.95 ? rate.toFixed(1) : countText(Math.round(rate))
}

/** `1,234`, `1.23M`, `4.56G`. */
export function countText(count: number | undefined): string {
  if (count === undefined) return unknown
  if (count < 999_999.5) return count.toLocaleString("en-US")
  return count < 999_500_000 ? `${(count / 1e6).toPrecision(3)}M` : `${(count / 1e9).toPrecision(3)}G`
}

/** `0 B`, `999 B`, `1.2 kB`, `45.6 MB`. */
export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return unknown
  if (bytes < 999.5) return `${Math.round(bytes)} B`
  if (bytes < 999_950) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 999_950_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** `45s`, `12m 05s`, `3h 04m`, `12d 03h`. */
export function durationText(seconds: number): string {
  const units = [
    [86_400, "d", 3_600, "h"],
    [3_600, "h", 60, "m"],
    [60, "m", 1, "s"],
  ] as const
  for (const [size, name, smaller, smallerName] of units) {
    if (seconds < size) continue
    const rest = Math.floor((seconds % size) / smaller)
    return `${Math.floor(seconds / size)}${name} ${String(rest).padStart(2, "0")}${smallerName}`
  }
  return `${Math.floor(seconds)}s`
}

const bars = "▁▂▃▄▅▆▇█"

/** The latest values as bars, the highest of them being the measure; a blank where none is known. */
export function sparkline(values: readonly (number | undefined)[], columns: number): string {
  const shown = values.slice(-columns)
  const highest = Math.max(...shown.map((value) => value ?? 0), 0)
  return shown
    .map((value) => {
      if (value === undefined) return " "
      const height = highest === 0 ? 0 : Math.ceil((value / highest) * (bars.length - 1))
      return bars.charAt(height)
    })
    .join("")
}
