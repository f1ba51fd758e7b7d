/** `1,234 messages` */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`
}

/** `3.4 s`, `12 min 5 s`, `3 h 20 min` */
export function lasting(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A whole number, or one below 10 with a digit behind the point. */
export function grouped(count: number): string {
  const digits = Number.isInteger(count) || count >= 10 ? 0 : 1
  return count.toLocaleString("en-US", { maximumFractionDigits: digits })
}
