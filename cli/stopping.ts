/** Ctrl-C, or a request to end, as something to look at and to wait for. */
export interface Stopping {
  readonly isAsked: () => boolean
  readonly asked: Promise<void>
}

/** From now on the first such signal is answered by whoever looks at it, and no more by the end of the process. */
export function stopping(): Stopping {
  const controller = new AbortController()
  const { signal } = controller
  const asked = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort())
  return { isAsked: () => signal.aborted, asked }
}
