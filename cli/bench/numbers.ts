/*
 * Numbers as the bench writes them: as many digits as mean something.
 */

/** Three significant digits, at most three of them behind the point, such as 0.048, 2.57, 15.3 and 1,530. */
export function digits(value: number): string {
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  const behindPoint = Math.min(3, Math.max(0, 2 - magnitude))
  return value.toLocaleString("en-US", {
    minimumFractionDigits: behindPoint,
    maximumFractionDigits: behindPoint,
  })
}

/** Such as ×24, ×3.4 and ×0.62. */
export function multiple(ratio: number): string {
  if (ratio >= 9.95) return `×${ratio.toFixed(0)}`
  return `×${ratio.toFixed(ratio >= 1.095 ? 1 : 2)}`
}

/** Such as 3.76M, 155k and 870. */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)}M`
  return perSecond >= 1e4 ? `${(perSecond / 1e3).toFixed(0)}k` : perSecond.toFixed(0)
}

/** Such as 45 s and 6 min. */
export function duration(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}
