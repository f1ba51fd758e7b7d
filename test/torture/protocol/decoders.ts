import { decodePacket } from "../../../src/protocol/decoder.ts"
import { encodePacket } from "../../../src/protocol/encoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { Publisher } from "../../../src/protocol/message.ts"
import type { ClientId, Packet, ProtocolVersion, Publish } from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { ProtocolError } from "../../../src/protocol/protocol-error.ts"
import { encodeForwardedProperties } from "../../../src/protocol/publish-properties.ts"
import { PublishReader } from "../../../src/protocol/publish-reader.ts"
import { PublishRun } from "../../../src/protocol/publish-run.ts"
import { TopicTable } from "../../../src/protocol/topic-table.ts"
import { wireTopicLimits } from "../../../src/protocol/topic.ts"
import type { Random } from "../../support/random.ts"
import { hex } from "./answer-text.ts"
import { type Cut, inPieces } from "./pieces.ts"

const maximumBytes = 268_435_460
const mostUserProperties = 128
const publisher: Publisher = { origin: "client", clientId: "p" as ClientId, username: undefined }

/** A frame, and what was read in it. */
export interface ReadFrame {
  readonly firstByte: number
  readonly body: Uint8Array
  readonly outcome: Packet | ProtocolError
}

export interface Reading {
  readonly frames: readonly ReadFrame[]
  /** Why no frame follows: a length that cannot be taken. */
  readonly end: ProtocolError | undefined
  /** Of each frame up to a refusal: the same for those that are treated alike, as far as can be told. */
  readonly signatures: readonly string[]
}

/**
 * All that reads packets of clients: the frame reader, the decoder that makes packets, and for a PUBLISH the two that
 * make none. They have to agree with each other about every stream of bytes.
 */
export class Decoders {
  readonly #topics = new TopicTable(wireTopicLimits)
  readonly #reader = new PublishReader(this.#topics, mostUserProperties)
  readonly #run = new PublishRun(this.#topics, mostUserProperties)

  /** @throws Error that says on what they disagree, or what one has thrown that is no ProtocolError */
  read(stream: Uint8Array, version: ProtocolVersion): Reading {
    const frames: ReadFrame[] = []
    const reader = readerFor(version)
    reader.append(stream)
    const signatures: string[] = []
    let isInStep = true
    for (;;) {
      const more = attempted(() => reader.next())
      if (more === false) return { frames, end: undefined, signatures }
      if (more !== true) {
        if (isInStep) signatures.push(detailOf(more))
        return { frames, end: more, signatures }
      }
      const { firstByte, bytes, bodyStart, bodyEnd } = reader
      const outcome = attempted(() => decodePacket(firstByte, bytes, bodyStart, bodyEnd, version))
      if (firstByte >> 4 === 3) this.#readPublish(reader, version, outcome)
      frames.push({ firstByte, body: bytes.slice(bodyStart, bodyEnd), outcome })
      // What stands behind a refusal is out of step, and says little.
      if (!isInStep) continue
      isInStep = !(outcome instanceof ProtocolError)
      const whats = outcome instanceof ProtocolError ? [detailOf(outcome)] : contentsOf(outcome)
      for (const what of whats) signatures.push(`${version} ${firstByte >> 4} ${what}`)
    }
  }

  /** The same stream in pieces is the same frames, and the same end. @throws Error as `read` does */
  readInPieces(stream: Uint8Array, version: ProtocolVersion, whole: Reading, cut: Cut, random: Random): void {
    const reader = readerFor(version)
    let index = 0
    for (const piece of inPieces(stream, cut, random)) {
      reader.append(piece)
      for (;;) {
        const more = attempted(() => reader.next())
        if (more === false) break
        if (more !== true) {
          if (more.reasonCode === whole.end?.reasonCode && index === whole.frames.length) return
          throw new Error(`in pieces the stream ends with "${more.message}" behind ${index} frames`)
        }
        const { firstByte, bytes, bodyStart, bodyEnd } = reader
        const frame = whole.frames[index++]
        if (frame?.firstByte !== firstByte || !sameBytes(frame.body, bytes, bodyStart, bodyEnd)) {
          throw new Error(`frame ${index} is another one in pieces`)
        }
      }
    }
    if (index !== whole.frames.length || whole.end !== undefined) {
      throw new Error(`in pieces there are ${index} frames, and not ${whole.frames.length}`)
    }
  }

  /**
   * The way of a connection, with runs as long as they get, is the same messages as one by one.
   *
   * @returns how many went in runs
   * @throws Error as `read` does
   */
  readInRuns(stream: Uint8Array, version: ProtocolVersion, whole: Reading): number {
    const reader = readerFor(version)
    const run = this.#run
    reader.append(stream)
    let inRuns = 0
    run.clear()
    for (const { firstByte, outcome } of whole.frames) {
      reader.next()
      if (run.count === 0 || !run.continue(reader)) {
        run.clear()
        const isBegun = attempted(() => run.begin(reader, version, publisher, 0))
        if (isBegun !== true) {
          run.clear()
          if (isBegun === false) continue
          if (outcome instanceof ProtocolError && outcome.reasonCode === isBegun.reasonCode) continue
          throw new Error(`a run is refused for "${isBegun.message}", alone it is not`)
        }
      }
      if (outcome instanceof ProtocolError || outcome.type !== "publish") {
        throw new Error(`a run takes first byte ${hex(firstByte)}, and alone it is "${describe(outcome)}"`)
      }
      inRuns += 1
      const index = run.count - 1
      const { message } = run.publish(index)
      const packetId = run.qos === 0 ? undefined : run.packetId(index)
      compare("a run", outcome, version, {
        topic: message.topic.name,
        qos: message.qos,
        dup: false,
        retain: message.retain,
        packetId,
        payload: message.payload,
        properties: message.properties,
      })
    }
    run.clear()
    return inRuns
  }

  #readPublish(frame: FrameReader, version: ProtocolVersion, slow: Packet | ProtocolError): void {
    const { firstByte, bytes, bodyStart, bodyEnd } = frame
    const reader = this.#reader
    const refusal = attempted(() => reader.read(firstByte, bytes, bodyStart, bodyEnd, version))
    if (refusal instanceof ProtocolError) {
      if (slow instanceof ProtocolError) return
      if (isBrokersOwn(slow)) return
      throw new Error(`the publish reader refuses for "${refusal.message}" what the decoder takes`)
    }
    if (slow instanceof ProtocolError || slow.type !== "publish") {
      throw new Error(`the publish reader takes what the decoder refuses for "${describe(slow)}"`)
    }
    compare("the publish reader", slow, version, {
      topic: reader.topic?.name ?? "",
      qos: reader.qos,
      dup: reader.dup,
      retain: reader.retain,
      packetId: reader.qos === 0 ? undefined : reader.packetId,
      payload: reader.payload,
      properties: reader.properties,
    })
    const { topicAlias = 0, messageExpiryInterval = -1 } = slow.properties
    if (topicAlias !== reader.topicAlias || messageExpiryInterval !== reader.messageExpirySeconds) {
      throw new Error("the publish reader has another alias or expiry")
    }
  }
}

/** What was read is written and read again: it is the same. @throws Error when it is not */
export function rewritten(packet: Packet, version: ProtocolVersion): void {
  const bytes = encodePacket(packet, version)
  const reader = new FrameReader(maximumBytes)
  reader.append(bytes)
  if (!reader.next()) throw new Error(`${packet.type} is no whole frame when it is written`)
  const { firstByte, bodyStart, bodyEnd } = reader
  const again = decodePacket(firstByte, reader.bytes, bodyStart, bodyEnd, version)
  if (!Bun.deepEquals(again, packet))
    throw new Error(`${packet.type} is another one when it is written and read`)
}

interface Fields {
  readonly topic: string
  readonly qos: number
  readonly dup: boolean
  readonly retain: boolean
  readonly packetId: number | undefined
  readonly payload: Uint8Array
  readonly properties: Uint8Array
}

function compare(who: string, slow: Publish, version: ProtocolVersion, fast: Fields): void {
  const isSame =
    fast.topic === slow.topic &&
    fast.qos === slow.qos &&
    fast.dup === slow.dup &&
    fast.retain === slow.retain &&
    fast.packetId === slow.packetId &&
    sameBytes(fast.payload, slow.payload, 0, slow.payload.length)
  if (!isSame) throw new Error(`${who} has other fields than the decoder`)
  if (version !== 5) return
  // In the publisher's order, where an encoder has one of its own.
  const { messageExpiryInterval: _, ...forwarded } = slow.properties
  const properties = slow.properties === noProperties ? noBytes : encodeForwardedProperties(forwarded)
  const ours = properties.length < 2 ? properties : properties.toSorted()
  const theirs = fast.properties.length < 2 ? fast.properties : fast.properties.toSorted()
  if (!sameBytes(ours, theirs, 0, theirs.length))
    throw new Error(`${who} has other properties than the decoder`)
}

const noBytes = new Uint8Array(0)

/** What is wrong only because it is a broker that reads it. */
function isBrokersOwn(packet: Packet): boolean {
  if (packet.type !== "publish") return false
  const { subscriptionIdentifiers, userProperties = [] } = packet.properties
  return subscriptionIdentifiers !== undefined || userProperties.length > mostUserProperties
}

function readerFor(version: ProtocolVersion): FrameReader {
  const reader = new FrameReader(maximumBytes)
  reader.takesPaddedLengths = version !== 5
  return reader
}

function attempted<Result>(attempt: () => Result): Result | ProtocolError {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

/** Its text without the numbers in it tells one place in the decoder from another. */
function detailOf({ reasonCode, message }: ProtocolError): string {
  return `${hex(reasonCode)} ${message.replaceAll(/0x[0-9a-f]+|\d+/g, "0")}`
}

/** Each property by itself: all that may stand together would be without end. */
function contentsOf(packet: Packet): string[] {
  const properties = "properties" in packet ? Object.keys(packet.properties) : []
  const extra =
    packet.type === "connect" ? `${packet.will !== undefined} ${packet.username !== undefined}` : ""
  const qos = packet.type === "publish" ? packet.qos : ""
  return [`${packet.type}${qos} ${extra}`, ...properties.map((name) => `${packet.type}${qos} ${name}`)]
}

function describe(outcome: Packet | ProtocolError): string {
  return outcome instanceof ProtocolError ? outcome.message : outcome.type
}

function sameBytes(one: Uint8Array, other: Uint8Array, start: number, end: number): boolean {
  if (one.length !== end - start) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[start + index]) return false
  return true
}
