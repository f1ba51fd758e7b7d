import type { Ticket } from "../foundation/ticket.ts"
import type { Message } from "../protocol/message.ts"
import type { PacketId, Qos } from "../protocol/packet.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { Redelivery } from "../routing/subscriber.ts"
import type { QueuedMessage, Sequence } from "../storage/store.ts"

/** One message on its way to one client at QoS 1 or 2, from the moment it is queued until it is acknowledged. */
export class Outgoing implements QueuedMessage {
  readonly sequence: Sequence
  readonly publish: SharedPublish
  readonly qos: Exclude<Qos, 0>
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** The share group that chose this client, and would choose another should this one go. */
  readonly group: Redelivery | undefined
  /** What the store owes for it; undefined: nothing, or it was read back from there. */
  ticket: Ticket | undefined
  /** It was on the wire of an earlier connection, or may have been [3.3.1.1]. */
  sentBefore = false
  /** It is on the wire of the present connection. */
  isSent = false

  constructor(
    sequence: Sequence,
    publish: SharedPublish,
    qos: Exclude<Qos, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
    group: Redelivery | undefined,
  ) {
    this.sequence = sequence
    this.publish = publish
    this.qos = qos
    this.retain = retain
    this.subscriptionIdentifiers = subscriptionIdentifiers
    this.group = group
  }

  get message(): Message {
    return this.publish.message
  }

  get packetId(): PacketId {
    return packetIdOf(this.sequence)
  }

  /**
   * At QoS 2 a message must be in the store before it is on the wire: a crash in between would give its packet
   * identifier to another message, which the client would then take for this one and discard.
   */
  get waitsForStore(): boolean {
    return this.qos === 2 && this.ticket?.state === "pending"
  }

  /** What it takes up in a queue that is bounded in bytes. */
  get size(): number {
    return this.publish.queueBytes
  }
}

/**
 * The identifier follows from the sequence, so after a restart, or on another node, the same message is sent again
 * under the same identifier, although nobody wrote that down.
 */
export function packetIdOf(sequence: Sequence): PacketId {
  return ((sequence % 65_535) + 1) as PacketId
}
