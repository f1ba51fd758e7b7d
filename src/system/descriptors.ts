import { type Libc, libc } from "./libc.ts"

/** Of fcntl(2). */
const setFlags = 2
const duplicateCloseOnExec = 1030
const closeOnExec = 1n
/** Behind the standard streams. */
const firstOfOurs = 3n

/**
 * Another descriptor of the same open socket: what waits in its queue outlives either of the two. No program that is
 * started from here has it.
 *
 * @returns undefined where the system is not known how to be asked, or has no descriptor left
 */
export function duplicate(descriptor: number): number | undefined {
  const another = libc()?.fcntl(descriptor, duplicateCloseOnExec, firstOfOurs) ?? -1
  return another < 0 ? undefined : another
}

/** What somebody left open for us is not for the programs that we start. */
export function keepFromChildren(library: Libc, descriptor: number): void {
  library.fcntl(descriptor, setFlags, closeOnExec)
}

/** Lets go of what `duplicate` answered, if nobody else will. */
export function release(descriptor: number): void {
  libc()?.close(descriptor)
}
