import type { Rates } from "../broker/sys-topics.ts"
import type { Counters } from "../foundation/counters.ts"
import type { StoreMood } from "../storage/store.ts"
import type { ManagementSurroundings, StoreFile } from "./surroundings.ts"

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
    /** The most that there were at a time since it began, those included whose session alone was there. */
    readonly maximum: number
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
  readonly store: {
    /** behind: more waits for the disk than should. failed: nothing can be written. lost: the broker is about to stop. */
    readonly mood: StoreMood
    /** Of the database and its log. */
    readonly bytes: number
    readonly files: readonly StoreFile[]
  }
  /** Null where the system does not say, as at its limit for open files. */
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number } | null
  /** How long a turn of the event loop took just now: what a message waits for when it comes. */
  readonly turnMs: number
  /** What somebody should look at. */
  readonly warnings: readonly string[]
}

/** @param soon runs after what this turn has brought */
export async function statusOf(
  surroundings: ManagementSurroundings,
  soon: (run: () => void) => void,
): Promise<Status> {
  const turnMs = await turn(soon)
  const { broker, acceptor, sysTopics, limits, clock } = surroundings
  const { counters, sessions, subscriptions, retained } = broker
  const files = surroundings.storeFiles()
  return {
    version: surroundings.version,
    pid: process.pid,
    uptimeSeconds: Math.floor((clock.now() - sysTopics.startedMs) / 1000),
    urls: surroundings.urls,
    directory: surroundings.directory ?? null,
    durability: surroundings.durability,
    clients: {
      connected: counters.clientsConnected,
      maximum: counters.clientsMaximum,
      limit: limits.connections,
      connections: acceptor.size,
    },
    sessions: { total: sessions.size, absent: sessions.size - counters.clientsConnected },
    subscriptions: { total: subscriptions.size, shared: subscriptions.sharedSize },
    retained: { messages: retained.size, bytes: retained.bytes },
    queued: { messages: counters.messagesQueued, bytes: counters.bytesQueued },
    rates: sysTopics.rates,
    counters,
    store: {
      mood: surroundings.storeMood,
      bytes: files.reduce((total, { bytes }) => total + bytes, 0),
      files,
    },
    memory: memoryOf(),
    turnMs,
    warnings: warningsOf(surroundings),
  }
}

async function turn(soon: (run: () => void) => void): Promise<number> {
  const begunMs = performance.now()
  await new Promise<void>((go) => soon(go))
  return Math.round((performance.now() - begunMs) * 1000) / 1000
}

/** The runtime asks the system, which takes a file. */
function memoryOf(): Status["memory"] {
  try {
    const { rss, heapUsed } = process.memoryUsage()
    return { residentBytes: rss, heapBytes: heapUsed }
  } catch {
    return null
  }
}

const moodWarnings = {
  healthy: undefined,
  behind: "the disk is behind; publishers are slowed",
  failed: "nothing can be stored; what must be kept is refused",
  lost: "the store is lost; the broker stops",
} as const satisfies Record<StoreMood, string | undefined>

function warningsOf({ acceptor, limits, storeMood }: ManagementSurroundings): string[] {
  const warnings: string[] = []
  const ofStore = moodWarnings[storeMood]
  if (ofStore !== undefined) warnings.push(ofStore)
  if (acceptor.size >= 0.9 * limits.connections) {
    warnings.push(`${acceptor.size} connections of ${limits.connections} that may be; see limits.connections`)
  }
  return warnings
}
