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
import type { TopicTable } from "./topic-table.ts"

/** A run ends here, so that a receiver that does not read is noticed in time. */
const longestRunBytes = 64 * 1024
const longestRunFrames = 1024

/**
 * Plain PUBLISH packets of one connection as they stand one behind the other in what was received: one topic, one QoS
 * below 2, neither RETAIN nor DUP, no properties. What goes out differs from what came in by the packet identifier at
 * most, so such packets travel as bytes, and a Message is made only for whoever has to keep one.
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
  #bytes: Uint8Array = noBytes
  #version: ProtocolVersion = 4
  #firstByte = 0
  #end = 0
  #longestFrame = 0
  /** Where each frame and its body begin. */
  readonly #frames = new Int32Array(longestRunFrames + 1)
  readonly #bodies = new Int32Array(longestRunFrames)
  readonly #publishes: (SharedPublish | undefined)[] = []

  constructor(topics: TopicTable) {
    this.#topics = topics
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
    if (topicEnd === topicStart || !this.#isPlain(frame, topicEnd)) return false
    this.topic = this.#topics.find(bytes, topicStart, topicEnd)
    this.publisher = publisher
    this.receivedAtMs = nowMs
    this.#firstByte = firstByte
    this.#bytes = bytes
    this.#add(frame, topicEnd)
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
    if (!this.#isPlain(frame, topicStart + length)) return false
    for (let index = 0; index < length; index++) {
      if (utf8[index] !== bytes[topicStart + index]) return false
    }
    this.#add(frame, topicStart + length)
    return true
  }

  clear(): void {
    this.count = 0
    this.payloadBytes = 0
    this.#longestFrame = 0
    this.#bytes = noBytes
    this.#publishes.length = 0
  }

  /** As its publisher calls it; at QoS 1. */
  packetId(index: number): PacketId {
    const at = this.#idAt(index)
    return (((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0)) as PacketId
  }

  /** Of `[from, to)`. */
  payloadBytesOf(from: number, to: number): number {
    let sum = 0
    for (let index = from; index < to; index++) sum += (this.#frames[index + 1] ?? 0) - this.#payloadAt(index)
    return sum
  }

  /** What it takes up in a queue that is bounded in bytes. */
  queueBytes(index: number): number {
    return this.#topicLength + (this.#frames[index + 1] ?? 0) - this.#payloadAt(index)
  }

  /** One of them with bytes of its own, made once, for whoever has to keep it. */
  publish(index: number): SharedPublish {
    return (this.#publishes[index] ??= new SharedPublish(this.#message(index)))
  }

  /**
   * Hot. Appends `[from, to)` at QoS 0.
   *
   * @returns how many bytes it took; 0, with nothing written, when one is larger than the receiver takes
   */
  append(output: PublishOutput, from: number, to: number, terms: PublishTerms): number {
    if (this.#longestFrame + 1 > terms.maximumPacketBytes) return 0
    if (this.qos === 0 && this.#isOfFamily(terms.version)) {
      const start = this.#frames[from] ?? 0
      const end = this.#frames[to] ?? 0
      output.append(this.#bytes, start, end)
      return end - start
    }
    let written = 0
    for (let index = from; index < to; index++)
      written += this.#appendOwn(output, index, terms.version, 0, 0x30)
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

  #isPlain({ bytes, frameStart, bodyStart, bodyEnd }: FrameReader, topicEnd: number): boolean {
    // A length in more bytes than it needs is not passed on as it stands.
    if (bodyStart - frameStart > 2 && bytes[bodyStart - 1] === 0) return false
    let at = topicEnd
    if (this.qos === 1) {
      at += 2
      if (bytes[topicEnd] === 0 && bytes[topicEnd + 1] === 0) return false
    }
    if (this.#version === 5 && bytes[at++] !== 0) return false
    return at <= bodyEnd
  }

  #add({ frameStart, bodyStart, bodyEnd }: FrameReader, topicEnd: number): void {
    const { count } = this
    this.#frames[count] = frameStart
    this.#frames[count + 1] = bodyEnd
    this.#bodies[count] = bodyStart
    this.#end = bodyEnd
    this.count = count + 1
    this.payloadBytes += bodyEnd - topicEnd - this.#overhead
    if (bodyEnd - frameStart > this.#longestFrame) this.#longestFrame = bodyEnd - frameStart
  }

  /** Bytes between topic and payload. */
  get #overhead(): number {
    return (this.qos === 1 ? 2 : 0) + (this.#version === 5 ? 1 : 0)
  }

  get #topicLength(): number {
    return this.topic?.utf8.length ?? 0
  }

  #isOfFamily(version: ProtocolVersion): boolean {
    return (version === 5) === (this.#version === 5)
  }

  #idAt(index: number): number {
    return (this.#bodies[index] ?? 0) + 2 + this.#topicLength
  }

  #payloadAt(index: number): number {
    return this.#idAt(index) + this.#overhead
  }

  #appendOwn(
    output: PublishOutput,
    index: number,
    version: ProtocolVersion,
    packetId: number,
    firstByte: number,
  ): number {
    const bodyAt = this.#bodies[index] ?? 0
    const payloadAt = this.#payloadAt(index)
    const end = this.#frames[index + 1] ?? 0
    const topicBytes = 2 + this.#topicLength
    const own = (packetId === 0 ? 0 : 2) + (version === 5 ? 1 : 0)
    const remaining = topicBytes + own + end - payloadAt
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
    if (version === 5) target[at++] = 0
    copyBytes(target, at, this.#bytes, payloadAt, end)
    return total
  }

  #message(index: number): Message {
    const { topic, publisher } = this
    if (topic === undefined || publisher === undefined) throw new Error("the run has not begun")
    const start = this.#payloadAt(index)
    const end = this.#frames[index + 1] ?? 0
    return {
      topic,
      payload: start === end ? noBytes : this.#bytes.slice(start, end),
      qos: this.qos satisfies Qos,
      retain: false,
      properties: noBytes,
      expiresAtMs: Number.POSITIVE_INFINITY,
      publisher,
      receivedAtMs: this.receivedAtMs,
      counter: nextMessageCounter(),
      hops: 0,
    }
  }
}
