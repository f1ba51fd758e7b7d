import { namedVersion } from "../../../src/connection/connect.ts"
import { decodePacket } from "../../../src/protocol/decoder.ts"
import { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { Connect, Packet, ProtocolVersion, Publish } from "../../../src/protocol/packet.ts"
import { ProtocolError } from "../../../src/protocol/protocol-error.ts"
import { PublishReader } from "../../../src/protocol/publish-reader.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { TopicTable } from "../../../src/protocol/topic-table.ts"
import { defaultTopicLimits } from "../../../src/protocol/topic.ts"
import { hex } from "./answer-text.ts"

/** What has to become of a connection on which these bytes are sent, as far as they tell by themselves. */
export interface Expectation {
  /** To be spoken with the one who sends them. */
  readonly version: ProtocolVersion
  /** Whom the broker has to know, or to refuse; undefined: it is closed on before. */
  readonly connect: Connect | undefined
  /** The last answer before `closed`, empty where there is none; undefined: it may stay. */
  readonly end: string | undefined
  /** How it may end before that, for what the bytes alone do not tell, such as an alias of another connection. */
  readonly alsoPossible: ReadonlySet<string>
  /** Of all its messages, if one of them may be retained. */
  readonly topics: readonly string[]
  /** The last packet has not come whole, so that nothing can be asked behind it. */
  readonly isCutOff: boolean
}

/** The broker's own settings. */
const connectPacketBytes = 262_144
const packetBytes = 10_485_760
const bounds = { filters: 1_000, userProperties: 128 }

/** Who takes over a session is told so, and who is slow: at any time. */
const always = [ReasonCode.sessionTakenOver, ReasonCode.keepAliveTimeout]

const publishReader = new PublishReader(new TopicTable(defaultTopicLimits), bounds.userProperties)

export function expectationOf(stream: Uint8Array): Expectation {
  const frames = new FrameReader(connectPacketBytes)
  frames.takesPaddedLengths = true
  frames.append(stream)
  const greeted = greetingOf(frames)
  if (greeted.connect === undefined) return greeted
  const { connect, version } = greeted
  frames.takesPaddedLengths = version !== 5
  frames.maximumBytes = packetBytes
  const topics = connect.will === undefined ? [] : [connect.will.topic]
  let hasRetained = connect.will?.retain === true
  const possible = new Set(always.map((code) => endText(version, code)))
  const ends = (end: string | undefined): Expectation => {
    const isCutOff = end === undefined && !isWhole(stream, version)
    return { version, connect, end, alsoPossible: possible, topics: hasRetained ? topics : [], isCutOff }
  }
  for (;;) {
    const more = attempted(() => frames.next())
    if (more === false) return ends(undefined)
    if (more instanceof ProtocolError) return ends(endText(version, more.reasonCode))
    const { firstByte, bytes, bodyStart, bodyEnd } = frames
    if ((firstByte & 0xf1) === 0x31) hasRetained = true
    if (firstByte >> 4 === 1) return ends(endText(version, ReasonCode.protocolError))
    const packet = attempted(() =>
      firstByte >> 4 === 3
        ? publishIn(frames, version, topics)
        : decodePacket(firstByte, bytes, bodyStart, bodyEnd, version, bounds),
    )
    if (packet instanceof ProtocolError) return ends(endText(version, packet.reasonCode))
    const end = endOf(packet, connect)
    if (end !== undefined) return ends(end)
    for (const code of doubtsAbout(packet)) possible.add(endText(version, code))
  }
}

/** The first packet, up to the CONNACK. */
function greetingOf(frames: FrameReader): Expectation {
  const nothing = {
    version: 5 as ProtocolVersion,
    connect: undefined,
    alsoPossible: new Set<string>(),
    topics: [],
    isCutOff: false,
  }
  const more = attempted(() => frames.next())
  if (more === false) return { ...nothing, end: undefined, isCutOff: true }
  if (more instanceof ProtocolError) return { ...nothing, end: "" }
  const { firstByte, bytes, bodyStart, bodyEnd } = frames
  const spoken = namedVersion(firstByte, bytes, bodyStart, bodyEnd)
  const packet = attempted(() => decodePacket(firstByte, bytes, bodyStart, bodyEnd, 4, bounds))
  if (packet instanceof ProtocolError) {
    const { reasonCode } = packet
    const isTold = spoken === 5 || reasonCode === ReasonCode.unsupportedProtocolVersion
    return { ...nothing, end: isTold ? `connack ${hex(reasonCode)}` : "" }
  }
  if (packet.type !== "connect") return { ...nothing, end: "" }
  if (packet.version === 5 && frames.isPadded) {
    return { ...nothing, end: `connack ${hex(ReasonCode.malformedPacket)}` }
  }
  return { ...nothing, version: packet.version, connect: packet, end: undefined }
}

/** A PUBLISH is read by the broker's own reader; its topic is told to `topics`. */
function publishIn(frames: FrameReader, version: ProtocolVersion, topics: string[]): Publish {
  const { firstByte, bytes, bodyStart, bodyEnd } = frames
  publishReader.read(firstByte, bytes, bodyStart, bodyEnd, version)
  const packet = decodePacket(firstByte, bytes, bodyStart, bodyEnd, version)
  if (packet.type !== "publish") throw new Error("a PUBLISH is read as something else")
  if (packet.topic !== "") topics.push(packet.topic)
  return packet
}

/** @returns how a connection ends with this packet; undefined: it goes on */
function endOf(packet: Packet, { version, properties }: Connect): string | undefined {
  switch (packet.type) {
    case "connect":
    case "connack":
    case "suback":
    case "unsuback":
    case "pingresp":
    case "auth":
      return endText(version, ReasonCode.protocolError)
    case "disconnect": {
      const wanted = packet.properties.sessionExpiryInterval ?? 0
      const isBroken = wanted > 0 && (properties.sessionExpiryInterval ?? 0) === 0
      return isBroken ? endText(version, ReasonCode.protocolError) : ""
    }
    case "publish":
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "subscribe":
    case "unsubscribe":
    case "pingreq":
      return undefined
  }
}

/** What else a packet may be answered by, for all that this file knows. */
function doubtsAbout(packet: Packet): ReasonCode[] {
  if (packet.type === "publish" && packet.properties.topicAlias !== undefined) {
    return [ReasonCode.topicAliasInvalid, ReasonCode.protocolError]
  }
  const filters =
    packet.type === "subscribe"
      ? packet.requests.length
      : packet.type === "unsubscribe"
        ? packet.filters.length
        : 0
  return filters > bounds.filters ? [ReasonCode.quotaExceeded] : []
}

/** Before MQTT 5 an end has no reason. */
function endText(version: ProtocolVersion, code: ReasonCode): string {
  return version === 5 ? `disconnect ${hex(code)}` : ""
}

function isWhole(stream: Uint8Array, version: ProtocolVersion): boolean {
  const frames = new FrameReader(packetBytes)
  frames.takesPaddedLengths = version !== 5
  frames.append(stream)
  let read = 0
  while (frames.next()) read += frames.bodyEnd - frames.frameStart
  return read === stream.length
}

function attempted<Result>(attempt: () => Result): Result | ProtocolError {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}
