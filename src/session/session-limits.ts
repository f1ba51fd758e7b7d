export const queuePolicies = ["drop-oldest", "drop-newest", "reject"] as const

/** What happens to a message for a queue that is full. */
export type QueuePolicy = (typeof queuePolicies)[number]

export interface SessionLimits {
  /** Messages that one session's queue may hold, in-flight ones included. */
  readonly queuedMessages: number
  /** Their topics, payloads and properties in bytes. */
  readonly queuedBytes: number
  readonly whenFull: QueuePolicy
  /** Messages of one session kept in memory to be sent next; the rest of its queue is in the store alone. */
  readonly windowMessages: number
}
