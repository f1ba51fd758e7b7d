/**
 * Why a message did not reach someone who was interested in it. Each loss is counted once, with the client that
 * suffers it: whoever should have received, or whoever published where nobody gets it. The places:
 *
 * | reason            | who loses  | where                                                                              |
 * | ----------------- | ---------- | ---------------------------------------------------------------------------------- |
 * | queue-full        | subscriber | `Session`: messages or bytes at their bound, the oldest or the newest goes         |
 * | queue-full        | publisher  | `Broker.publish`: a queue is full, and publishers are refused then                 |
 * | expired           | subscriber | `Conversation.pump`: its turn came too late [3.3.2.3.3]                            |
 * | too-large         | subscriber | `ClientLink`: beyond the Maximum Packet Size of the client [3.1.2.11.4]            |
 * | slow-receiver     | subscriber | `Session`: QoS 0, and the client reads too slowly                                  |
 * | absent            | subscriber | `Session`: QoS 0, and the client is away while its session is kept                 |
 * | not-authorized    | subscriber | `ClientLink`: it may not read that                                                 |
 * | not-authorized    | publisher  | `Publishing`, and `SessionRegistry` for a will                                     |
 * | not-stored        | subscriber | `Session` and `Conversation.pump`: the store could not take it                     |
 * | not-stored        | publisher  | `Broker.publish`: it could not be retained                                         |
 * | not-stored        | subscriber | `Session.counted`: the same, or damaged in the store, and noticed on coming back   |
 * | retained-full     | publisher  | `Broker.publish`: it would be one retained message too many, or too large          |
 * | payload-invalid   | publisher  | `Publishing`: said to be text, and is none [3.3.2.3.2]                             |
 * | session-ended     | subscriber | `Session.end`: what was never sent; one number, of whatever topics                 |
 * | session-expired   | subscriber | the same, when the client did not come back in time                                |
 */
export const dropReasons = [
  "queue-full",
  "expired",
  "too-large",
  "slow-receiver",
  "absent",
  "not-authorized",
  "not-stored",
  "retained-full",
  "payload-invalid",
  "session-ended",
  "session-expired",
] as const
export type DropReason = (typeof dropReasons)[number]

/** Why a connection was closed before anything was read of it. */
export type TurnedAwayReason =
  | "banned"
  | "address-rate"
  | "rate"
  | "listener-rate"
  | "full"
  | "listener-full"
  | "distrusted"
  | "address-half-open"
  | "half-open"

/**
 * What was refused that a client asked for, each filter once. limit: it has as many subscriptions as it may; filter:
 * what it named is none, or beyond the bounds of one.
 */
export const refusedSubscriptionReasons = ["limit", "filter"] as const
export type RefusedSubscriptionReason = (typeof refusedSubscriptionReasons)[number]

/** Plain numbers that only grow, except where said; whoever counts adds, whoever reports reads. */
export interface Counters {
  bytesReceived: number
  bytesSent: number
  /** Control packets of any kind. */
  packetsReceived: number
  packetsSent: number
  publishesReceived: number
  publishesSent: number
  publishBytesReceived: number
  publishBytesSent: number
  socketsOpened: number
  connectionsAccepted: number
  readonly turnedAway: Record<TurnedAwayReason, number>
  /** Connections ended by a packet that no client may send, or that is beyond a limit. */
  protocolErrors: number
  readonly refusedSubscriptions: Record<RefusedSubscriptionReason, number>
  /** How often a client's packets were work for longer than its share of a turn, so that others went first. */
  yielded: number
  /** How often the disk fell behind, so that publishers were slowed. */
  storeBehind: number
  /** Peers that came to no end of their TLS handshake, PROXY header or WebSocket upgrade, or to a bad one. */
  greetingsRefused: number
  /** Peers that sent no CONNECT in time, or no good one, and clients that may not come in. */
  clientsRefused: number
  /** How often a client was read no further for a while because it had published more than it may. */
  heldBack: number
  /** The same for any reason: it takes no answers, the disk is behind, it is held back, or it waits for its next turn. */
  paused: number
  /** Clients connected now. */
  clientsConnected: number
  clientsMaximum: number
  sessionsExpired: number
  /** How often a client came by a second connection, so that its first was closed. */
  sessionsTakenOver: number
  /** Waiting or in flight at QoS 1 and 2 now, in all sessions together. */
  messagesQueued: number
  /** Their topics, payloads and properties. */
  bytesQueued: number
  readonly dropped: Record<DropReason, number>
}

export function newCounters(): Counters {
  return {
    bytesReceived: 0,
    bytesSent: 0,
    packetsReceived: 0,
    packetsSent: 0,
    publishesReceived: 0,
    publishesSent: 0,
    publishBytesReceived: 0,
    publishBytesSent: 0,
    socketsOpened: 0,
    connectionsAccepted: 0,
    turnedAway: {
      banned: 0,
      "address-rate": 0,
      rate: 0,
      "listener-rate": 0,
      full: 0,
      "listener-full": 0,
      distrusted: 0,
      "address-half-open": 0,
      "half-open": 0,
    },
    protocolErrors: 0,
    refusedSubscriptions: { limit: 0, filter: 0 },
    yielded: 0,
    storeBehind: 0,
    greetingsRefused: 0,
    clientsRefused: 0,
    heldBack: 0,
    paused: 0,
    clientsConnected: 0,
    clientsMaximum: 0,
    sessionsExpired: 0,
    sessionsTakenOver: 0,
    messagesQueued: 0,
    bytesQueued: 0,
    dropped: {
      "queue-full": 0,
      expired: 0,
      "too-large": 0,
      "slow-receiver": 0,
      absent: 0,
      "not-authorized": 0,
      "not-stored": 0,
      "retained-full": 0,
      "payload-invalid": 0,
      "session-ended": 0,
      "session-expired": 0,
    },
  }
}
