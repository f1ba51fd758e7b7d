import { noBytes, type Message, type Publisher, type Topic } from "../../protocol/message.ts"
import { publisherBytes, recordForm, writtenOrigins } from "../../protocol/message-record.ts"
import type { ClientId, Qos } from "../../protocol/packet.ts"
import {
  parseSubscriptionFilter,
  parseTopicName,
  type SubscriptionFilter,
  wireTopicLimits,
} from "../../protocol/topic.ts"
import type { ByteReader, ByteWriter } from "./bytes.ts"

/*
 * A message at rest is its MessageRecord, whose layout stands there, with the checksum filled in: the CRC-32 of all that
 * follows it, for SQLite itself would not notice a flipped bit in a row.
 */

/** Hot. Writes the length in four bytes and then the message, its checksum left for `seal`. */
export function writeMessage(writer: ByteWriter, message: Message): void {
  const lengthOffset = writer.length
  writer.uint32(0)
  writer.uint32(0)
  writer.uint8(recordForm)
  writer.uint8(message.qos | (message.retain ? 4 : 0))
  writer.uint32(message.hops)
  writer.uint32(message.counter)
  writer.float64(message.receivedAtMs)
  writer.float64(message.expiresAtMs)
  writer.sized(message.topic.utf8)
  writer.sized(message.properties)
  writer.sized(publisherBytes(message.publisher))
  writer.bytes(message.payload)
  writer.uint32At(lengthOffset, writer.length - lengthOffset - 4)
}

/** Puts the checksum in its place. Done by the worker, whose time is cheaper. */
export function seal(record: Uint8Array): Uint8Array {
  new DataView(record.buffer, record.byteOffset, 4).setUint32(0, Bun.hash.crc32(record.subarray(4)), true)
  return record
}

/** Whether the bytes are the ones that were sealed. */
export function isIntact(record: Uint8Array): boolean {
  if (record.length < 5 || record[4] !== recordForm) return false
  const checksum = new DataView(record.buffer, record.byteOffset, 4).getUint32(0, true)
  return checksum === Bun.hash.crc32(record.subarray(4))
}

/** Reads messages one after the other; neighbours with the same topic or publisher share it. */
export class MessageReader {
  #topic: Topic | undefined
  #publisher: Publisher | undefined
  #publisherBytes: Uint8Array = new Uint8Array(0)

  /**
   * Hot at start. Copies what the message keeps.
   *
   * @param reader stands in front of an intact record, and behind it afterwards
   * @param length of the record
   * @returns undefined when it says what no message of ours can say
   */
  read(reader: ByteReader, length: number): Message | undefined {
    const end = reader.offset + length
    reader.skip(5)
    const flags = reader.uint8()
    const hops = reader.uint32()
    const counter = reader.uint32()
    const receivedAtMs = reader.float64()
    const expiresAtMs = reader.float64()
    const topic = this.#readTopic(reader)
    const properties = copied(reader, reader.uint32())
    const publisher = this.#readPublisher(reader)
    const payload = copied(reader, end - reader.offset)
    const qos = parseQos(flags & 3)
    if (topic === undefined || publisher === undefined || qos === undefined) return undefined
    const retain = (flags & 4) !== 0
    return { topic, payload, qos, retain, properties, expiresAtMs, publisher, receivedAtMs, counter, hops }
  }

  #readTopic(reader: ByteReader): Topic | undefined {
    const length = reader.uint32()
    const last = this.#topic
    if (last !== undefined && reader.isAhead(last.utf8, length)) {
      reader.skip(length)
      return last
    }
    const start = reader.offset
    // Whatever was within narrower limits when it was stored is within these.
    const name = parseTopicName(reader.textOf(length), wireTopicLimits)
    if (name === undefined) return undefined
    this.#topic = { name, utf8: reader.copyAt(start, length) }
    return this.#topic
  }

  #readPublisher(reader: ByteReader): Publisher | undefined {
    const length = reader.uint32()
    if (this.#publisher !== undefined && reader.isAhead(this.#publisherBytes, length)) {
      reader.skip(length)
      return this.#publisher
    }
    const start = reader.offset
    const origin = writtenOrigins[reader.uint8()]
    const clientId = storedClientId(reader.text())
    const username = reader.uint8() === 1 ? reader.text() : undefined
    if (origin === undefined) return undefined
    this.#publisher = { origin, clientId, username }
    this.#publisherBytes = reader.copyAt(start, length)
    return this.#publisher
  }
}

function copied(reader: ByteReader, length: number): Uint8Array {
  if (length === 0) return noBytes
  const start = reader.offset
  reader.skip(length)
  return reader.copyAt(start, length)
}

export function parseQos(value: number): Qos | undefined {
  return value === 0 || value === 1 || value === 2 ? value : undefined
}

/** @returns undefined when it says what no SUBSCRIBE could say, however wide the limits were when it was stored */
export function storedFilter(text: string): SubscriptionFilter | undefined {
  return parseSubscriptionFilter(text, wireTopicLimits)
}

/** Only what was a client identifier when it was stored comes back as one. */
export function storedClientId(text: string): ClientId {
  return text as ClientId
}
