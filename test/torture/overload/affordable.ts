import { maximumOpenFiles } from "../../../cli/file-limit.ts"
import type { Trial } from "../torture.ts"

/** Files that a process has open besides the sockets of its load. */
const besides = 200

/**
 * So many sockets as one process may open here, which the load and the broker need each.
 *
 * @param wanted is told to the trial when it is more
 */
export function affordable(wanted: number, trial: Trial): number {
  const possible = maximumOpenFiles() - besides
  if (wanted <= possible) return wanted
  trial.tell(`${possible} connections in place of ${wanted}: the limit for open files is too low (ulimit -n)`)
  trial.figure("connections that were too many for this machine", wanted - possible)
  return possible
}
