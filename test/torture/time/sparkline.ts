const bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const

/** A row of numbers as bars from its lowest to its highest, many of them as the least of each stretch. */
export function sparkline(values: readonly number[], width = 24): string {
  const stretch = Math.max(1, Math.ceil(values.length / width))
  const least = Array.from({ length: Math.ceil(values.length / stretch) }, (_, index) =>
    Math.min(...values.slice(index * stretch, (index + 1) * stretch)),
  )
  const low = Math.min(...least)
  const range = Math.max(...least) - low
  return least
    .map((value) => bars[range === 0 ? 0 : Math.round(((value - low) / range) * (bars.length - 1))])
    .join("")
}
