import type { Random } from "../../support/random.ts"

/** How a stream of bytes may come over a network. */
export const cuts = ["whole", "byte by byte", "at random"] as const
export type Cut = (typeof cuts)[number]

/** The same bytes in pieces. */
export function inPieces(bytes: Uint8Array, cut: Cut, random: Random): Uint8Array[] {
  if (cut === "whole") return [bytes]
  const pieces: Uint8Array[] = []
  const longest = cut === "byte by byte" ? 1 : Math.max(1, bytes.length)
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(Math.min(longest, bytes.length - at))
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}

/** Does the work for each of them, so many at a time. */
export async function crowdOf<Item>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}

/** Waits for it, but not for ever: whoever waits looks then what there is instead. */
export async function within(ms: number, what: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  try {
    await Promise.race([what, late])
  } finally {
    clearTimeout(timer)
  }
}
