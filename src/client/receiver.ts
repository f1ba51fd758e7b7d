import type { PacketId, Publish, Pubrel } from "../protocol/packet.ts"
import { noProperties } from "../protocol/properties.ts"
import { ProtocolError, protocolError } from "../protocol/protocol-error.ts"
import { isError, ReasonCode } from "../protocol/reason-code.ts"
import type { PacketLink } from "./packet-link.ts"

/** What we said in our CONNECT that we take, and who takes it. */
export interface ReceiverTerms {
  /** Messages above QoS 0 that we take unanswered [3.1.2.11.3]; Infinity before MQTT 5.0. */
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  readonly acknowledge: "automatic" | "manual"
  readonly onMessage: (publish: Publish) => void
}

/** The receiver's half of QoS 0, 1 and 2 [4.3], and the server's topic aliases. */
export class Receiver {
  readonly #link: PacketLink
  readonly #terms: ReceiverTerms
  readonly #aliases = new Map<number, string>()
  readonly #unacknowledged = new Set<PacketId>()
  /** Received at QoS 2 and acknowledged: their PUBREL is due. */
  readonly #unreleased = new Set<PacketId>()

  constructor(link: PacketLink, terms: ReceiverTerms) {
    this.#link = link
    this.#terms = terms
  }

  /**
   * Hot. Hands the message on, unless it is a repeat. An automatic acknowledgement is written first, so that the
   * callback may say goodbye; it leaves at the end of the turn, when the callback is done.
   *
   * @throws ProtocolError receiveMaximumExceeded [MQTT-3.3.4-9], topicAliasInvalid [3.3.2.3.4]
   */
  publish(packet: Publish): void {
    const { packetId } = packet
    const publish = packet.properties.topicAlias === undefined ? packet : this.#withTopic(packet)
    if (packetId !== undefined) {
      // Whoever has the message still owes the answer to this repeat as well.
      if (this.#unacknowledged.has(packetId)) return
      // Answered again, and not handed on [MQTT-4.3.3-10].
      if (this.#unreleased.has(packetId)) return this.#answer("pubrec", packetId, ReasonCode.success)
      if (this.#unacknowledged.size + this.#unreleased.size >= this.#terms.receiveMaximum) {
        throw new ProtocolError(ReasonCode.receiveMaximumExceeded)
      }
      this.#unacknowledged.add(packetId)
      if (this.#terms.acknowledge === "automatic") this.acknowledge(publish, ReasonCode.success)
    }
    this.#terms.onMessage(publish)
  }

  /** The owner has the message, or refuses it. A second answer is not sent. */
  acknowledge({ qos, packetId }: Publish, reasonCode: ReasonCode): void {
    if (packetId === undefined || !this.#unacknowledged.delete(packetId)) return
    // What is refused needs no release [4.3.3].
    if (qos === 2 && !isError(reasonCode)) this.#unreleased.add(packetId)
    this.#answer(qos === 1 ? "puback" : "pubrec", packetId, reasonCode)
  }

  /** The identifier of a message from before this connection is not known, and may be released all the same. */
  pubrel({ packetId }: Pubrel): void {
    const known = this.#unreleased.delete(packetId)
    this.#answer("pubcomp", packetId, known ? ReasonCode.success : ReasonCode.packetIdentifierNotFound)
  }

  #answer(type: "puback" | "pubrec" | "pubcomp", packetId: PacketId, reasonCode: ReasonCode): void {
    this.#link.send({ type, packetId, reasonCode, properties: noProperties })
  }

  #withTopic(publish: Publish): Publish {
    const alias = publish.properties.topicAlias ?? 0
    if (alias === 0 || alias > this.#terms.topicAliasMaximum) {
      throw new ProtocolError(ReasonCode.topicAliasInvalid, `topic alias ${alias} is beyond our maximum`)
    }
    if (publish.topic !== "") {
      this.#aliases.set(alias, publish.topic)
      return publish
    }
    const topic = this.#aliases.get(alias)
    if (topic === undefined) throw protocolError(`topic alias ${alias} was never set`)
    return { ...publish, topic }
  }
}
