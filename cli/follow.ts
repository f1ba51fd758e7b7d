import { print } from "./output.ts"

const pollMs = 250

/**
 * Prints what comes until Ctrl-C. What another process wrote is found by asking again and again, which costs next to
 * nothing.
 *
 * @param more what has come since it was last asked, as it is to be printed; empty for nothing
 */
export async function follow(more: () => Promise<string>): Promise<void> {
  const stopping = new AbortController()
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener("abort", () => resolve()))
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort())
  while (!stopping.signal.aborted) {
    const text = await more()
    if (text !== "") await print(text)
    await Promise.race([Bun.sleep(pollMs), stopped])
  }
}
