import type { Effort } from "../torture.ts"
import { floodTorture } from "./flood.ts"

export const dying: Readonly<Record<Effort, number>> = { short: 300, long: 5_000 }
export const mostKept = 1_000
/** Of all of them together: fewer large ones than small ones are kept. */
export const mostKeptBytes = 1_000_000

const mebibyte = 1024 * 1024

export const overloadWills = floodTorture({
  name: "overload wills",
  promise: "thousands who die at once, and retained messages beyond their limits, cost nobody else a message",
  load: "wills-and-retained-load.ts",
  settings: () => [`limits.retained_messages=${mostKept + 200}`, `limits.retained_bytes=${mostKeptBytes}`],
  bounds: () => ({ roundTripMs: 100, growthBytes: 200 * mebibyte, keptBytes: 120 * mebibyte }),
  seen: { counts: ["publish/messages/dropped/retained-full"], lines: ["message dropped"] },
})
