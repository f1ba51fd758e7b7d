import { libc } from "./libc.ts"

/**
 * Another descriptor of the same open socket: what waits in its queue outlives either of the two.
 *
 * @returns undefined where the system is not known how to be asked, or has no descriptor left
 */
export function duplicate(descriptor: number): number | undefined {
  const another = libc()?.dup(descriptor) ?? -1
  return another < 0 ? undefined : another
}

/** Lets go of what `duplicate` answered, if nobody else will. */
export function release(descriptor: number): void {
  libc()?.close(descriptor)
}
