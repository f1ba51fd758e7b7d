import { readFileSync } from "node:fs"
import type { Settings } from "../src/config/settings.ts"
import type { Log } from "../src/foundation/log.ts"

/** Files that are no client's: listeners, the store, standard streams, and room for connections being refused. */
export const reservedFiles = 64

/**
 * Lowers `limits.connections` to what the system lets this process open. At the limit for open files a new
 * connection can be neither taken nor refused, and the accept loop would spin.
 */
export function withinFileLimit(settings: Settings, log: Log): Settings {
  const connections = maximumOpenFiles() - reservedFiles
  if (settings.limits.connections <= connections) return settings
  log.warn("fewer connections than configured: the limit for open files is too low (ulimit -n)", {
    configured: settings.limits.connections,
    connections,
  })
  return { ...settings, limits: { ...settings.limits, connections: Math.max(1, connections) } }
}

/**
 * The runtime has raised the soft limit to the hard one already. Infinity where the system does not tell.
 *
 * @param processId another process than this one
 */
export function maximumOpenFiles(processId: number | "self" = "self"): number {
  try {
    const limits = readFileSync(`/proc/${processId}/limits`, "utf8")
    const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? []
    return Number(soft ?? Infinity)
  } catch {
    return Infinity
  }
}
