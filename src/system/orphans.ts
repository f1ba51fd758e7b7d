import { libc, nothing } from "./libc.ts"

const noHang = 1
const initProcessId = 1

/**
 * Whose parent ends becomes a child of process 1 and, once it ends, stays as a zombie until that one asks for it. In a
 * container without an init that is us: whatever `exec` left there is taken to its end. Elsewhere nothing is done.
 *
 * Not for a process that starts others itself and wants to know how they end.
 */
export function reapOrphans(): void {
  const library = process.pid === initProcessId ? libc() : undefined
  if (library === undefined) return
  const reap = () => {
    while (library.waitpid(-1, nothing, noHang) > 0);
  }
  process.on("SIGCHLD", reap)
  // Those that ended before.
  reap()
}
