import { noBytes, type Topic } from "./message.ts"
import { type PacketId, parsePacketId, type ProtocolVersion, type Qos } from "./packet.ts"
import { malformedPacket, protocolError } from "./protocol-error.ts"
import { readPublishProperties } from "./publish-properties.ts"
import type { TopicTable } from "./topic-table.ts"

/**
 * Hot. Reads one PUBLISH after the other in place, into its own fields, and makes no object for any of them but
 * what a Message keeps.
 */
export class PublishReader {
  readonly #topics: TopicTable
  readonly #maximumUserProperties: number

  qos: Qos = 0
  dup = false
  retain = false
  /** Meaningful when the QoS is above 0. */
  packetId = 1 as PacketId
  /** Undefined when only a topic alias stands for it. */
  topic: Topic | undefined
  /** 0 for none [3.3.2.3.4]. */
  topicAlias = 0
  /** -1 for none; 0 is an interval that is over at once. */
  messageExpirySeconds = -1
  /** The properties that travel on, as they stand on the wire. */
  properties: Uint8Array = noBytes
  /** The publisher says that the payload is UTF-8 [3.3.2.3.2]. */
  payloadIsText = false
  payload: Uint8Array = noBytes

  constructor(topics: TopicTable, maximumUserProperties: number) {
    this.#topics = topics
    this.#maximumUserProperties = maximumUserProperties
  }

  /**
   * @param bytes a plain Uint8Array, not a Buffer: its `slice` must copy
   * @throws ProtocolError malformedPacket, topicNameInvalid, or what a property calls for [3.3]
   */
  read(firstByte: number, bytes: Uint8Array, start: number, end: number, version: ProtocolVersion): void {
    const qos = (firstByte >> 1) & 3
    if (qos === 3) throw malformedPacket("QoS 3 [MQTT-3.3.1-4]")
    this.qos = qos as Qos
    this.dup = (firstByte & 8) !== 0
    if (this.dup && qos === 0) throw malformedPacket("DUP with QoS 0 [MQTT-3.3.1-2]")
    this.retain = (firstByte & 1) !== 0
    const topicStart = start + 2
    if (topicStart > end) throw malformedPacket("PUBLISH ends in its topic")
    const topicEnd = topicStart + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0))
    let at = qos === 0 ? topicEnd : topicEnd + 2
    if (at > end) throw malformedPacket("PUBLISH ends in its topic")
    if (qos !== 0) {
      const packetId = parsePacketId(((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0))
      if (packetId === undefined) throw malformedPacket("packet identifier 0 [MQTT-2.2.1-3]")
      this.packetId = packetId
    }
    this.topicAlias = 0
    this.messageExpirySeconds = -1
    this.properties = noBytes
    this.payloadIsText = false
    if (version === 5) {
      if (at < end && bytes[at] === 0) at += 1
      else at = readPublishProperties(this, bytes, at, end, this.#maximumUserProperties)
    }
    if (topicEnd > topicStart) this.topic = this.#topics.find(bytes, topicStart, topicEnd)
    else if (this.topicAlias === 0) {
      throw protocolError("neither topic nor alias [3.3.2.1]")
    } else this.topic = undefined
    this.payload = at === end ? noBytes : bytes.slice(at, end)
  }
}
