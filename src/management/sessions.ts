import { type ClientId, neverExpires } from "../protocol/packet.ts"
import type { Session } from "../session/session.ts"
import { globMatches } from "./glob.ts"
import { Refused } from "./refused.ts"
import { dateOf, type ManagementSurroundings } from "./surroundings.ts"

/** What is kept of a client, connected or not. */
export interface SessionFacts {
  readonly client: string
  /** Whoever made it, and alone may come back to it. Null: anonymous. */
  readonly user: string | null
  readonly connected: boolean
  readonly createdAt: string
  /** Null: while it is connected. */
  readonly disconnectedAt: string | null
  /** When it ends unless its client comes back; null: while that is connected, or never. */
  readonly expiresAt: string | null
  /** Seconds that it lasts without a connection; null: for ever. */
  readonly expirySeconds: number | null
  readonly subscriptions: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** Kept on disk; false for one that ends with its connection, or where everything is kept in memory. */
  readonly durable: boolean
  /** The topic of the will that is published unless its client says farewell, or comes back in time; null: none. */
  readonly will: string | null
}

/** Undefined: any. */
export interface SessionQuery {
  readonly client?: string | undefined
  readonly user?: string | undefined
  readonly connected?: boolean | undefined
  /** Its client has been away for so long at least. */
  readonly awayMs?: number | undefined
}

/** Undefined for a session that does not fit. What comes or goes meanwhile may be among them or not. */
export function* listSessions(
  surroundings: ManagementSurroundings,
  query: SessionQuery,
): IterableIterator<SessionFacts | undefined> {
  for (const session of surroundings.broker.sessions) {
    yield fits(session, query, surroundings.clock.now()) ? factsOf(surroundings, session) : undefined
  }
}

/** @throws Refused */
export function sessionOf(surroundings: ManagementSurroundings, clientId: string): SessionFacts {
  return factsOf(surroundings, findSession(surroundings, clientId))
}

/** @throws Refused when there is none */
export function findSession({ broker }: ManagementSurroundings, clientId: string): Session {
  // One that was never given to a client leads to no session.
  const session = broker.sessions.find(clientId as ClientId)
  if (session === undefined) throw new Refused(404, `there is no session of ${JSON.stringify(clientId)}`)
  return session
}

export function fits({ record, present }: Session, query: SessionQuery, nowMs: number): boolean {
  const { client, user, connected, awayMs } = query
  if (client !== undefined && !globMatches(client, record.clientId)) return false
  if (user !== undefined && !globMatches(user, record.username ?? "")) return false
  if (connected !== undefined && connected !== present) return false
  if (awayMs === undefined) return true
  return record.disconnectedAtMs !== undefined && nowMs - record.disconnectedAtMs >= awayMs
}

function factsOf({ clock, directory }: ManagementSurroundings, session: Session): SessionFacts {
  const { clientId, username, createdAtMs, expiryIntervalSeconds, disconnectedAtMs, will } = session.record
  const lasts = expiryIntervalSeconds === neverExpires
  return {
    client: clientId,
    user: username ?? null,
    connected: session.present,
    createdAt: new Date(createdAtMs).toISOString(),
    disconnectedAt: disconnectedAtMs === undefined ? null : dateOf(clock, disconnectedAtMs),
    expiresAt:
      disconnectedAtMs === undefined || lasts
        ? null
        : dateOf(clock, disconnectedAtMs + expiryIntervalSeconds * 1000),
    expirySeconds: lasts ? null : expiryIntervalSeconds,
    subscriptions: session.subscriptions.size,
    queuedMessages: session.load,
    queuedBytes: session.queuedBytes,
    durable: session.journal !== undefined && directory !== undefined,
    will: will?.message.topic.name ?? null,
  }
}
