import type { PropertiesOf } from "../../../src/protocol/properties.ts"
import type { Effort } from "../torture.ts"
import { type FloodClient, publish } from "./flood-client.ts"
import { floodTorture } from "./flood.ts"

export const mostRetained: Readonly<Record<Effort, number>> = { short: 5_000, long: 100_000 }
export const retainedTakers: Readonly<Record<Effort, number>> = { short: 5, long: 20 }

/** Beside those under `$SYS`, which a wildcard at the first level does not see. */
export const allRetained = "kept/#"

const payload = "x".repeat(64)
const mebibyte = 1024 * 1024

/** Has so many retained, on topics of which each begins with the prefix. Resolves when the broker has read them all. */
export async function keepRetained(
  client: FloodClient,
  count: number,
  prefix: string,
  properties: PropertiesOf<"publish"> = {},
): Promise<void> {
  for (let index = 0; index < count; index++) {
    client.send(publish(`${prefix}/${index}/state`, payload, { retain: true, properties }))
    if (index % 500 === 499) await client.flowing()
  }
  await client.ping()
}

export const overloadRetained = floodTorture({
  name: "overload retained",
  promise:
    "a hundred thousand retained messages reach many at once, go and survive a restart, and nobody waits for them",
  load: "retained-load.ts",
  before: "retained-before-load.ts",
  keeps: "on disk",
  settings: () => [],
  bounds: () => ({ roundTripMs: 100, growthBytes: 400 * mebibyte, keptBytes: 200 * mebibyte }),
  seen: { counts: ["clients/yielded"], lines: [] },
})
