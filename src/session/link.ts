import type { PacketId, Qos } from "../protocol/packet.ts"
import type { SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import type { TopicName } from "../protocol/topic.ts"
import type { ReasonCode } from "../protocol/reason-code.ts"

/** What became of a message handed to a link. Whatever is not sent was not written at all. */
export type LinkOutcome = "sent" | "too-large" | "not-authorized"

/** What a session asks of the connection it has at the moment. */
export interface Link {
  /** False while the peer reads more slowly than it is written to. */
  readonly takesMore: boolean
  /** How many QoS 1 and 2 messages the client takes at once: the lower of its Receive Maximum and our limit. */
  readonly receiveMaximum: number
  /** Hot. */
  mayRead(topic: TopicName): boolean
  /** Hot. @param packetId undefined at QoS 0 */
  publish(
    publish: SharedPublish,
    qos: Qos,
    retain: boolean,
    dup: boolean,
    packetId: PacketId | undefined,
    subscriptionIdentifiers: readonly number[],
  ): LinkOutcome
  /**
   * Hot. Sends every `step`th of `[from, to)` of a run at QoS 0.
   *
   * @returns false, with nothing written, when they must be sent one by one: the outcome may then differ
   */
  forward(
    run: PublishRun,
    from: number,
    to: number,
    step: number,
    subscriptionIdentifiers: readonly number[],
  ): boolean
  /** Hot. Sends one message of a run at QoS 1. @returns as `forward` does */
  forwardOne(
    run: PublishRun,
    index: number,
    packetId: PacketId,
    subscriptionIdentifiers: readonly number[],
  ): boolean
  /** Asks again for the PUBCOMP of a message whose PUBREC was received before. */
  pubrel(packetId: PacketId): void
  /** Nothing of its session waits any more, and that was not this link's doing: what it held back itself may go on. */
  caughtUp(): void
  /** Says why, as far as the version allows, and closes. The session is detached when this returns. */
  close(reasonCode: ReasonCode): void
}
