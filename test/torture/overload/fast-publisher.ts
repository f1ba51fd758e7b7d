import { floodTorture } from "./flood.ts"

const mebibyte = 1024 * 1024
/**
 * What waits for the disk is 32 MiB at most; the rest is what the collector has not come to: up to 355 MiB in sixteen runs
 * at 150 MB a second, with a good disk.
 */
const growthBytes = 450 * mebibyte

export const overloadFastPublisher = floodTorture({
  name: "overload fast publisher",
  promise:
    "whoever publishes faster than the disk writes is slowed, and nothing that was acknowledged is lost",
  load: "fast-publisher-load.ts",
  keeps: "on a slow disk",
  settings: () => ["limits.queued_messages=10000000", "limits.queued_bytes=100000000000"],
  bounds: () => ({ roundTripMs: 500, growthBytes, keptBytes: 250 * mebibyte }),
  seen: { counts: ["store/behind"], lines: ["the disk is behind", "the store is well again"] },
})
