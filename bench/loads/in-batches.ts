/** All at once would be more than a listener's backlog takes. */
const usualBatch = 100

/** Runs `run` for each index below `count`, a batch of them at a time. */
export async function inBatches(
  count: number,
  run: (index: number) => Promise<void>,
  batch = usualBatch,
): Promise<void> {
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first)
    await Promise.all(Array.from({ length: size }, (_, offset) => run(first + offset)))
  }
}

const stallSeconds = 10
const stepMs = 20

/**
 * Waits until nothing is missing, or has not become less for ten seconds.
 *
 * @returns what is still missing
 */
export async function settle(missing: () => number): Promise<number> {
  let least = Infinity
  for (let quietMs = 0; quietMs < stallSeconds * 1000; quietMs += stepMs) {
    const now = missing()
    if (now <= 0) return now
    if (now < least) {
      least = now
      quietMs = 0
    }
    await Bun.sleep(stepMs)
  }
  return missing()
}
