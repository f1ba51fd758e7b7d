/** Why a message did not reach someone who was interested in it. */
export const dropReasons = [
  "queue-full",
  "expired",
  "too-large",
  "slow-receiver",
  "not-authorized",
  "not-stored",
  "session-ended",
] as const
export type DropReason = (typeof dropReasons)[number]

/** Why a connection was closed before anything was read of it. */
export const turnedAwayReasons = [
  "banned",
  "address-rate",
  "rate",
  "listener-rate",
  "full",
  "listener-full",
  "distrusted",
  "address-half-open",
  "half-open",
] as const
export type TurnedAwayReason = (typeof turnedAwayReasons)[number]

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
  /** How often a client was read no further for a while because it had published more than it may. */
  heldBack: number
  /** Clients connected now. */
  clientsConnected: number
  clientsMaximum: number
  sessionsExpired: number
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
    heldBack: 0,
    clientsConnected: 0,
    clientsMaximum: 0,
    sessionsExpired: 0,
    messagesQueued: 0,
    bytesQueued: 0,
    dropped: {
      "queue-full": 0,
      expired: 0,
      "too-large": 0,
      "slow-receiver": 0,
      "not-authorized": 0,
      "not-stored": 0,
      "session-ended": 0,
    },
  }
}
