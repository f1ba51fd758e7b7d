import type { Effort } from "../torture.ts"
import { floodTorture } from "./flood.ts"

/** Each with as many subscriptions as a client may have unless told otherwise. */
export const wildcardClients: Readonly<Record<Effort, number>> = { short: 4, long: 20 }
export const subscriptionsPerClient = 1_000

const mebibyte = 1024 * 1024

export const overloadWildcards = floodTorture({
  name: "overload wildcards",
  promise:
    "filters of nothing but wildcards, by the thousand, cost each message no more than a look at each of them",
  load: "wildcards-load.ts",
  settings: () => [],
  // One message is a turn of 30 ms, and an honest one has to wait for some of them.
  bounds: () => ({ roundTripMs: 200, growthBytes: 500 * mebibyte, keptBytes: 300 * mebibyte }),
  seen: { counts: ["clients/yielded"], lines: [] },
})
