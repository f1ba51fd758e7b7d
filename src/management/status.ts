import type { Rates } from "../broker/sys-topics.ts"
import type { Counters } from "../foundation/counters.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

export interface Status {
  readonly version: string
  readonly pid: number
  readonly uptimeSeconds: number
  readonly urls: readonly string[]
  /** Null: everything is kept in memory. */
  readonly directory: string | null
  readonly durability: "full" | "normal" | "none"
  readonly clients: {
    readonly connected: number
    /** Connections of any state that may be open at a time. */
    readonly limit: number
    readonly connections: number
  }
  readonly sessions: { readonly total: number; readonly absent: number }
  readonly subscriptions: { readonly total: number; readonly shared: number }
  readonly retained: { readonly messages: number; readonly bytes: number }
  readonly queued: { readonly messages: number; readonly bytes: number }
  /** What is averaged over minutes, by name, a second; empty where `mqtt.sys_interval_seconds` is 0. */
  readonly rates: Rates
  /** All that was counted since it began. */
  readonly counters: Counters
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number }
  /** What somebody should look at. */
  readonly warnings: readonly string[]
}

export function statusOf(surroundings: ManagementSurroundings): Status {
  const { broker, acceptor, sysTopics, limits, clock } = surroundings
  const { counters, sessions, subscriptions, retained } = broker
  const memory = process.memoryUsage()
  return {
    version: surroundings.version,
    pid: process.pid,
    uptimeSeconds: Math.floor((clock.now() - sysTopics.startedMs) / 1000),
    urls: surroundings.urls,
    directory: surroundings.directory ?? null,
    durability: surroundings.durability,
    clients: {
      connected: counters.clientsConnected,
      limit: limits.connections,
      connections: acceptor.size,
    },
    sessions: { total: sessions.size, absent: sessions.size - counters.clientsConnected },
    subscriptions: { total: subscriptions.size, shared: subscriptions.sharedSize },
    retained: { messages: retained.size, bytes: retained.bytes },
    queued: { messages: counters.messagesQueued, bytes: counters.bytesQueued },
    rates: sysTopics.rates,
    counters,
    memory: { residentBytes: memory.rss, heapBytes: memory.heapUsed },
    warnings: warningsOf(surroundings),
  }
}

function warningsOf({ acceptor, limits, storeIsBehind }: ManagementSurroundings): string[] {
  const warnings: string[] = []
  if (storeIsBehind) warnings.push("the disk is behind; publishers are slowed")
  if (acceptor.size >= 0.9 * limits.connections) {
    warnings.push(`${acceptor.size} connections of ${limits.connections} that may be; see limits.connections`)
  }
  return warnings
}
