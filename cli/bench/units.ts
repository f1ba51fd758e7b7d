import { grouped } from "../quantities.ts"
import { digits } from "./numbers.ts"

/** Such as 412 µs, 4.12 ms and 1.30 s. */
export function latency(microseconds: number): string {
  const [unit, inOne] = latencyUnit(microseconds)
  return `${digits(microseconds / inOne)} ${unit}`
}

/** What a latency is best told in, and how many microseconds that is. */
export function latencyUnit(microseconds: number): ["µs" | "ms" | "s", number] {
  if (microseconds < 999.5) return ["µs", 1]
  return microseconds < 999_500 ? ["ms", 1e3] : ["s", 1e6]
}

/** Such as 640 B/s and 7.90 MB/s. */
export function bytesPerSecond(value: number): string {
  if (value < 1e3) return `${value.toFixed(0)} B/s`
  if (value < 1e6) return `${digits(value / 1e3)} kB/s`
  return value < 1e9 ? `${digits(value / 1e6)} MB/s` : `${digits(value / 1e9)} GB/s`
}

/** Such as 1,234,567. */
export function whole(value: number): string {
  return grouped(Math.round(value))
}
