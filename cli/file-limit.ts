import { readFileSync } from "node:fs"
import type { Settings } from "../src/config/settings.ts"
import type { Log } from "../src/foundation/log.ts"

/** Files that are no client's: listeners, the store, standard streams, and room for connections being refused. */
export const reservedFiles = 64

/**
 * Lowers `limits.connections` and `guard.half_open` to what the system lets this process open. At the limit for open
 * files a new connection can be neither taken nor refused, and the accept loop would spin.
 */
export function withinFileLimit(settings: Settings, log: Log): Settings {
  const { limits, guard } = settings
  if (filesNeeded(settings) <= maximumOpenFiles()) return settings
  const free = Math.max(2, maximumOpenFiles() - reservedFiles)
  const greeters = greetersOf(settings)
  // Those at their greeting get what is left, but a quarter at least: without them nobody new comes in.
  const forGreetings = greeters === 0 ? 0 : Math.max(free - limits.connections, Math.floor(free / 4))
  const halfOpen =
    greeters === 0 ? guard.halfOpen : clamped(Math.floor(forGreetings / greeters), guard.halfOpen)
  const connections = clamped(free - greeters * halfOpen, limits.connections)
  log.warn("fewer connections than configured: the limit for open files is too low (ulimit -n)", {
    configured: limits.connections,
    connections,
    ...(greeters > 0 && { "half-open-configured": guard.halfOpen, "half-open": halfOpen }),
  })
  return { ...settings, limits: { ...limits, connections }, guard: { ...guard, halfOpen } }
}

/** Files that a broker may have open at a time with these settings. */
export function filesNeeded(settings: Settings): number {
  return reservedFiles + settings.limits.connections + greetersOf(settings) * settings.guard.halfOpen
}

/** Listeners whose peers have to introduce themselves before they are connections. */
function greetersOf({ listeners }: Settings): number {
  return listeners.filter(
    ({ address, proxyProtocol }) => proxyProtocol || (address.scheme !== "tcp" && address.scheme !== "unix"),
  ).length
}

function clamped(value: number, most: number): number {
  return Math.min(Math.max(1, value), most)
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
