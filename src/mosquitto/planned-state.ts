import type { Message } from "../protocol/message.ts"
import type { PacketId } from "../protocol/packet.ts"
import type { QueuedMessage, Sequence, SessionRecord, StoredSubscription } from "../storage/store.ts"
import type { Problem } from "./problem.ts"

/** A session as it will stand in the store. */
export interface PlannedSession {
  readonly record: SessionRecord
  readonly subscriptions: readonly StoredSubscription[]
  /** By sequence. */
  readonly queue: PlannedMessage[]
  /** Highest sequence that was on the wire already; 0: none. */
  sentUpTo: Sequence
  /** Received at QoS 2, and given to whoever subscribes. */
  readonly identifiers: PacketId[]
}

export interface PlannedMessage extends QueuedMessage {
  /** PUBREC came: only PUBREL and PUBCOMP are left. */
  readonly released: boolean
}

/** All that becomes of what Mosquitto kept. */
export interface StatePlan {
  readonly sessions: readonly PlannedSession[]
  readonly retained: readonly Message[]
  readonly problems: readonly Problem[]
  /** What nobody misses, but somebody may look for. */
  readonly notes: readonly string[]
}

export interface StateTerms {
  /** For messages. */
  readonly file: string
  readonly nowMs: number
  /** Whose the sessions are that the file names no user for; undefined: nobody's, so anonymous clients'. */
  readonly sessionUser: string | undefined
  /** A session of a bridge's own within Mosquitto. */
  isBridge(clientId: string): boolean
}
