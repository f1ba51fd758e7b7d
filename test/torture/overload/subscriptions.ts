import type { Effort } from "../torture.ts"
import { floodTorture } from "./flood.ts"

/** Of one client. */
export const mostSubscriptions: Readonly<Record<Effort, number>> = { short: 10_000, long: 100_000 }

const mebibyte = 1024 * 1024

export const overloadSubscriptions = floodTorture({
  name: "overload subscriptions",
  promise:
    "a hundred thousand subscriptions of one client are made, matched and gone again, and nobody waits for them",
  load: "subscriptions-load.ts",
  settings: (effort) => [`limits.subscriptions_per_client=${mostSubscriptions[effort]}`],
  // A message is under way for two turns of 25 ms at the most, and shares the machine with whoever makes the flood.
  bounds: () => ({ roundTripMs: 100, growthBytes: 450 * mebibyte, keptBytes: 120 * mebibyte }),
  seen: { counts: ["subscriptions/refused/limit"], lines: ["subscriptions refused"] },
})
