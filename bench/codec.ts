import { decodePacket } from "../src/protocol/decoder.ts"
import { encodePacket, writeAcknowledgement } from "../src/protocol/encoder.ts"
import { FrameReader } from "../src/protocol/frame-reader.ts"
import { type Message, noBytes, topicOf } from "../src/protocol/message.ts"
import type { ClientId, Packet, PacketId, ProtocolVersion, Qos } from "../src/protocol/packet.ts"
import { noProperties, type PropertiesOf } from "../src/protocol/properties.ts"
import { PublishReader } from "../src/protocol/publish-reader.ts"
import { appendShared, publishFirstByte, SharedPublish } from "../src/protocol/shared-publish.ts"
import { TopicTable } from "../src/protocol/topic-table.ts"
import { defaultTopicLimits, parseTopicName } from "../src/protocol/topic.ts"
import { ReasonCode } from "../src/protocol/reason-code.ts"
import { measure } from "./stopwatch.ts"

/*
 * What reading and writing packets costs, without a network and without a broker: `bun run bench/codec.ts`.
 */

const framesPerChunk = 1_000
const payload = new Uint8Array(64).fill(0x2e)
const packetId = 1 as PacketId
const reader = new PublishReader(new TopicTable(defaultTopicLimits), 128)

function chunkOf(version: ProtocolVersion, qos: Qos, properties: PropertiesOf<"publish">): Uint8Array {
  const frames = Array.from({ length: framesPerChunk }, (_, index) =>
    encodePacket(
      {
        type: "publish",
        qos,
        dup: false,
        retain: false,
        topic: `bench/house/${index % 100}/door`,
        packetId: qos === 0 ? undefined : packetId,
        payload,
        properties,
      },
      version,
    ),
  )
  return new Uint8Array(Buffer.concat(frames))
}

function cut(chunk: Uint8Array, take: (frames: FrameReader) => void): () => void {
  const frames = new FrameReader(1_048_576)
  return () => {
    frames.append(chunk)
    while (frames.next()) take(frames)
  }
}

function readPublish(version: ProtocolVersion): (frames: FrameReader) => void {
  return ({ firstByte, bytes, bodyStart, bodyEnd }) =>
    reader.read(firstByte, bytes, bodyStart, bodyEnd, version)
}

const withProperties = {
  messageExpiryInterval: 60,
  contentType: "text/plain",
  userProperties: [["unit", "celsius"]],
} as const

console.log("Reading, for each packet; PUBLISH with 64 bytes of payload")
measure(
  "frame, 3.1.1",
  framesPerChunk,
  cut(chunkOf(4, 0, noProperties), () => {}),
)
measure("frame + PUBLISH, 3.1.1, QoS 0", framesPerChunk, cut(chunkOf(4, 0, noProperties), readPublish(4)))
measure("frame + PUBLISH, 3.1.1, QoS 1", framesPerChunk, cut(chunkOf(4, 1, noProperties), readPublish(4)))
measure("frame + PUBLISH, 5.0, QoS 1", framesPerChunk, cut(chunkOf(5, 1, noProperties), readPublish(5)))
measure(
  "frame + PUBLISH, 5.0, QoS 1, three properties",
  framesPerChunk,
  cut(chunkOf(5, 1, withProperties), readPublish(5)),
)
for (const [what, packet] of coldPackets()) {
  const bytes = encodePacket(packet, 5)
  measure(`${what}, 5.0`, 1, () => void decodePacket(bytes[0] ?? 0, bytes, 2, bytes.length, 5))
}

console.log("\nWriting")
const output = fixedOutput(1 << 16)
const message = messageOf("bench/house/7/door")
for (const [what, version, id] of [
  ["3.1.1, QoS 0", 4, 0],
  ["3.1.1, QoS 1", 4, 1],
  ["5.0, QoS 1", 5, 1],
] as const) {
  const terms = { version, maximumPacketBytes: 268_435_460 }
  const firstByte = publishFirstByte(id === 0 ? 0 : 1, false, false)
  const shared = new SharedPublish(message)
  measure(`PUBLISH encoded once and sent to many, ${what}`, 1, () => {
    appendShared(output, shared, terms, firstByte, id, 0)
  })
  measure(`PUBLISH encoded for one receiver, ${what}`, 1, () => {
    appendShared(output, new SharedPublish(message), terms, firstByte, id, 0)
  })
}
measure("PUBACK", 1, () => writeAcknowledgement(output.bytes, 0, "puback", packetId))
for (const [what, packet] of coldPackets()) measure(`${what}, 5.0`, 1, () => void encodePacket(packet, 5))

function coldPackets(): readonly (readonly [string, Packet])[] {
  return [
    [
      "CONNECT",
      {
        type: "connect",
        version: 5,
        bridge: false,
        cleanStart: true,
        keepAliveSeconds: 60,
        clientId: "bench-client-1",
        username: "alice",
        password: payload.subarray(0, 8),
        will: undefined,
        properties: { sessionExpiryInterval: 3600 },
      },
    ],
    [
      "SUBSCRIBE",
      {
        type: "subscribe",
        packetId,
        requests: [
          { filter: "bench/+/door", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        ],
        properties: noProperties,
      },
    ],
    ["SUBACK", { type: "suback", packetId, reasonCodes: [ReasonCode.grantedQos1], properties: noProperties }],
  ]
}

function messageOf(text: string): Message {
  const name = parseTopicName(text)
  if (name === undefined) throw new Error(`${text} is no topic name`)
  return {
    topic: topicOf(name),
    payload,
    qos: 1,
    retain: false,
    properties: noBytes,
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher: { origin: "client", clientId: "bench" as ClientId, username: undefined },
    receivedAtMs: 0,
    counter: 0,
    hops: 0,
  }
}

/** Takes bytes as a connection's output does, and begins anew when it is full. */
function fixedOutput(length: number) {
  const bytes = new Uint8Array(length)
  let end = 0
  const reserve = (wanted: number): number => {
    const start = end + wanted > length ? 0 : end
    end = start + wanted
    return start
  }
  return {
    bytes,
    reserve,
    append: (added: Uint8Array) => {
      const start = reserve(added.length)
      bytes.set(added, start)
      return start
    },
  }
}
