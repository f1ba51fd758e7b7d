const stepMs = 20

/**
 * Waits until nothing is missing, or has not become less for so long.
 *
 * @returns what is still missing
 */
export async function settle(missing: () => number, patienceMs = 10_000): Promise<number> {
  let least = Infinity
  for (let quietMs = 0; quietMs < patienceMs; quietMs += stepMs) {
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
