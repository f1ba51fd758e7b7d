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
