import { floodTorture } from "./flood.ts"

const mebibyte = 1024 * 1024

export const overloadPropertyBombs = floodTorture({
  name: "overload property bombs",
  promise:
    "a packet full of properties or of topic filters costs no more than its bytes, and none more than its limit",
  load: "property-bombs-load.ts",
  settings: () => ["limits.packet_bytes=10485760"],
  bounds: () => ({ roundTripMs: 100, growthBytes: 400 * mebibyte, keptBytes: 200 * mebibyte }),
  seen: { counts: ["clients/protocol-errors"], lines: ["protocol error"] },
})
