import { copyBytes } from "../foundation/copy-bytes.ts"
import type { FrameReader } from "./frame-reader.ts"
import { type Message, nextMessageCounter, noBytes, type Publisher, type Topic } from "./message.ts"
import type { PacketId, ProtocolVersion, Qos } from "./packet.ts"
import {
  publishFirstByte,
  type PublishOutput,
  type PublishTerms,
  SharedPublish,
  variableLength,
  writeVariable,
} from "./shared-publish.ts"
import { passUnchangedProperties } from "./publish-properties.ts"
import type { TopicTable } from "./topic-table.ts"

/** A run ends here, so that a receiver that does not read is noticed in time. */
const longestRunBytes = 64 * 1024
const longestRunFrames = 1024

/**
 * Plain PUBLISH packets of one connection as they stand one behind the other in what was received: one topic, one QoS
 * below 2, neither RETAIN nor DUP, no properties but those that travel unchanged. What goes out differs from what came
 * in by the packet identifier at most, so such packets travel as bytes, and a Message is made only for whoever has to
 * keep one.
 *
 * One object serves all connections: it is filled from a chunk, routed, and cleared, before the next chunk is read.
 */
export class PublishRun {
  topic: Topic | undefined
  publisher: Publisher | undefined
  receivedAtMs = 0
  qos: 0 | 1 = 0
  count = 0
  /** Of all of them together. */
  payloadBytes = 0

  readonly #topics: TopicTable
  readonly #maximumUserProperties: number
  #bytes: Uint8Array = noBytes
  #version: ProtocolVersion = 4
  #firstByte = 0
  #end = 0
  #longestFrame = 0
  /** Where each frame, its body and its payload begin. */
  readonly #frames = new Int32Array(longestRunFrames + 1)
  readonly #bodies = new Int32Array(longestRunFrames)
  readonly #payloads = new Int32Array(longestRunFrames)
  readonly #publishes: (SharedPublish | undefined)[] = []

  /** @param maximumUserProperties in one packet; one with more is no plain packet */
  constructor(topics: TopicTable, maximumUserProperties: number) {
    this.#topics = topics
    this.#maximumUserProperties = maximumUserProperties
  }

  /**
   * Hot. Begins a run with the present frame.
   *
   * @returns false when it is not plain: it must be read by itself, and whatever is wrong with it be found there
   * @throws ProtocolError for a topic that is no topic name
   */
  begin(frame: FrameReader, version: ProtocolVersion, publisher: Publisher, nowMs: number): boolean {
    const { firstByte, bytes, bodyStart } = frame
    if (firstByte !== 0x30 && firstByte !== 0x32) return false
    this.qos = firstByte === 0x30 ? 0 : 1
    this.#version = version
    const topicStart = bodyStart + 2
    const topicEnd = topicStart + (((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0))
    if (topicEnd === topicStart) return false
    const payloadAt = this.#payloadOf(frame, topicEnd)
    if (payloadAt === 0) return false
    this.topic = this.#topics.find(bytes, topicStart, topicEnd)
    this.publisher = publisher
    this.receivedAtMs = nowMs
    this.#firstByte = firstByte
    this.#bytes = bytes
    this.#add(frame, payloadAt)
    return true
  }

  /** Hot. Adds the present frame if it stands behind the last one and is like it. */
  continue(frame: FrameReader): boolean {
    const { bytes, frameStart, bodyStart, bodyEnd } = frame
    const { count, topic } = this
    if (frame.firstByte !== this.#firstByte || frameStart !== this.#end || bytes !== this.#bytes) return false
    if (count === 0 || count === longestRunFrames || topic === undefined) return false
    if (bodyEnd - (this.#frames[0] ?? 0) > longestRunBytes) return false
    const { utf8 } = topic
    const { length } = utf8
    const topicStart = bodyStart + 2
    if (bytes[bodyStart] !== length >> 8 || bytes[bodyStart + 1] !== (length & 0xff)) return false
    const payloadAt = this.#payloadOf(frame, topicStart + length)
    if (payloadAt === 0) return false
    for (let index = 0; index < length; index++) {
      if (utf8[index] !== bytes[topicStart + index]) return false
    }
    this.#add(frame, payloadAt)
    return true
  }

  clear(): void {
    this.count = 0
    this.payloadBytes = 0
    this.#longestFrame = 0
    this.#bytes = noBytes
    // Most runs make none, and to shorten an array is dear.
    if (this.#publishes.length > 0) this.#publishes.length = 0
  }

  /** As its publisher calls it; at QoS 1. */
  packetId(index: number): PacketId {
    const at = this.#idAt(index)
    return (((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0)) as PacketId
  }

  /** Of every `step`th of `[from, to)`. */
  payloadBytesOf(from: number, to: number, step: number): number {
    let sum = 0
    for (let index = from; index < to; index += step) sum += this.#frameEnd(index) - this.#payloadAt(index)
    return sum
  }

  /** What it takes up in a queue that is bounded in bytes. */
  queueBytes(index: number): number {
    return this.#topicLength + this.#frameEnd(index) - this.#propertiesAt(index)
  }

  /** Of every `step`th of `[from, to)`. */
  queueBytesOf(from: number, to: number, step: number): number {
    let sum = 0
    for (let index = from; index < to; index += step) sum += this.queueBytes(index)
    return sum
  }

  /** One of them with bytes of its own, made once, for whoever has to keep it. */
  publish(index: number): SharedPublish {
    return (this.#publishes[index] ??= new SharedPublish(this.#message(index)))
  }

  /**
   * Hot. Appends every `step`th of `[from, to)` at QoS 0.
   *
   * @returns how many bytes it took; 0, with nothing written, when one is larger than the receiver takes
   */
  append(output: PublishOutput, from: number, to: number, step: number, terms: PublishTerms): number {
    if (this.#longestFrame + 1 > terms.maximumPacketBytes) return 0
    const asItIs = this.qos === 0 && this.#isOfFamily(terms.version)
    if (asItIs && step === 1) return this.#appendBlock(output, from, to)
    let written = 0
    for (let index = from; index < to; index += step) {
      written += asItIs
        ? this.#appendBlock(output, index, index + 1)
        : this.#appendOwn(output, index, terms.version, 0, 0x30)
    }
    return written
  }

  /**
   * Hot. Appends one of them at QoS 1.
   *
   * @returns as `append` does
   */
  appendOne(output: PublishOutput, index: number, terms: PublishTerms, packetId: PacketId): number {
    // One byte more for the properties that MQTT 5.0 has and the others have not.
    if (this.#longestFrame + 1 > terms.maximumPacketBytes) return 0
    if (!this.#isOfFamily(terms.version)) {
      return this.#appendOwn(output, index, terms.version, packetId, publishFirstByte(1, false, false))
    }
    const start = this.#frames[index] ?? 0
    const end = this.#frames[index + 1] ?? 0
    const at = output.append(this.#bytes, start, end)
    const idAt = at - start + this.#idAt(index)
    output.bytes[idAt] = packetId >> 8
    output.bytes[idAt + 1] = packetId
    return end - start
  }

  /** @returns where the payload begins; 0 for a packet that is not plain */
  #payloadOf(frame: FrameReader, topicEnd: number): number {
    // A length in more bytes than it needs is not passed on as it stands.
    if (frame.isPadded) return 0
    const { bytes, bodyEnd } = frame
    if (this.qos === 1 && bytes[topicEnd] === 0 && bytes[topicEnd + 1] === 0) return 0
    const idEnd = topicEnd + (this.qos === 1 ? 2 : 0)
    if (this.#version === 5)
      return passUnchangedProperties(bytes, idEnd, bodyEnd, this.#maximumUserProperties)
    return idEnd <= bodyEnd ? idEnd : 0
  }

  #add({ frameStart, bodyStart, bodyEnd }: FrameReader, payloadAt: number): void {
    const { count } = this
    this.#frames[count] = frameStart
    this.#frames[count + 1] = bodyEnd
    this.#bodies[count] = bodyStart
    this.#payloads[count] = payloadAt
    this.#end = bodyEnd
    this.count = count + 1
    this.payloadBytes += bodyEnd - payloadAt
    if (bodyEnd - frameStart > this.#longestFrame) this.#longestFrame = bodyEnd - frameStart
  }

  get #topicLength(): number {
    return this.topic?.utf8.length ?? 0
  }

  #frameEnd(index: number): number {
    return this.#frames[index + 1] ?? 0
  }

  #isOfFamily(version: ProtocolVersion): boolean {
    return (version === 5) === (this.#version === 5)
  }

  #idAt(index: number): number {
    return (this.#bodies[index] ?? 0) + 2 + this.#topicLength
  }

  /** Behind the packet identifier: in MQTT 5.0 the length of the properties. */
  #idEnd(index: number): number {
    return this.#idAt(index) + (this.qos === 1 ? 2 : 0)
  }

  /** Where the properties themselves begin; they end where the payload begins. */
  #propertiesAt(index: number): number {
    const at = this.#idEnd(index)
    if (this.#version !== 5) return at
    return at + ((this.#bytes[at] ?? 0) >= 0x80 ? 2 : 1)
  }

  #payloadAt(index: number): number {
    return this.#payloads[index] ?? 0
  }

  #appendBlock(output: PublishOutput, from: number, to: number): number {
    const start = this.#frames[from] ?? 0
    const end = this.#frames[to] ?? 0
    output.append(this.#bytes, start, end)
    return end - start
  }

  #appendOwn(
    output: PublishOutput,
    index: number,
    version: ProtocolVersion,
    packetId: number,
    firstByte: number,
  ): number {
    const bodyAt = this.#bodies[index] ?? 0
    // Only what came with properties, or with their length at least, can go on with them.
    const keepsProperties = version === 5 && this.#version === 5
    const restAt = keepsProperties ? this.#idEnd(index) : this.#payloadAt(index)
    const end = this.#frameEnd(index)
    const topicBytes = 2 + this.#topicLength
    const needsLength = version === 5 && !keepsProperties
    const remaining = topicBytes + (packetId === 0 ? 0 : 2) + (needsLength ? 1 : 0) + end - restAt
    const total = 1 + variableLength(remaining) + remaining
    let at = output.reserve(total)
    const target = output.bytes
    target[at] = firstByte
    at = writeVariable(target, at + 1, remaining)
    copyBytes(target, at, this.#bytes, bodyAt, bodyAt + topicBytes)
    at += topicBytes
    if (packetId !== 0) {
      target[at] = packetId >> 8
      target[at + 1] = packetId
      at += 2
    }
    if (needsLength) target[at++] = 0
    copyBytes(target, at, this.#bytes, restAt, end)
    return total
  }

  #message(index: number): Message {
    const { topic, publisher } = this
    if (topic === undefined || publisher === undefined) throw new Error("the run has not begun")
    const propertiesAt = this.#propertiesAt(index)
    const start = this.#payloadAt(index)
    const end = this.#frameEnd(index)
    return {
      topic,
      payload: start === end ? noBytes : this.#bytes.slice(start, end),
      qos: this.qos satisfies Qos,
      retain: false,
      properties: propertiesAt === start ? noBytes : this.#bytes.slice(propertiesAt, start),
      expiresAtMs: Number.POSITIVE_INFINITY,
      publisher,
      receivedAtMs: this.receivedAtMs,
      counter: nextMessageCounter(),
      hops: 0,
    }
  }
}
