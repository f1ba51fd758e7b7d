import { InvalidArgumentError } from "commander"
import { parseDuration } from "../duration.ts"

/** Reads an option's value as a while. @returns milliseconds */
export function whileMs(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError("It must be a while, such as 90s, 15m, 1h or 30d.")
}
