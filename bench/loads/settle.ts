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
