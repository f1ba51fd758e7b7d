import { print } from "./output.ts"
import { stopping } from "./stopping.ts"

const pollMs = 250

/**
 * Prints what comes until Ctrl-C. What another process wrote is found by asking again and again, which costs next to
 * nothing.
 *
 * @param more what has come since it was last asked, as it is to be printed; empty for nothing
 */
export async function follow(more: () => Promise<string>): Promise<void> {
  const stop = stopping()
  while (!stop.isAsked()) {
    const text = await more()
    if (text !== "") await print(text)
    await Promise.race([Bun.sleep(pollMs), stop.asked])
  }
}
