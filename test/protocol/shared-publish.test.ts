import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type Message, topicOf } from "../../src/protocol/message.ts"
import { recordOf } from "../../src/protocol/message-record.ts"
import type { ClientId, ProtocolVersion, Publish } from "../../src/protocol/packet.ts"
import { PublishReader } from "../../src/protocol/publish-reader.ts"
import {
  appendOwn,
  appendShared,
  publishFirstByte,
  SharedPublish,
} from "../../src/protocol/shared-publish.ts"
import { encodeForwardedProperties } from "../../src/protocol/publish-properties.ts"
import { TopicTable } from "../../src/protocol/topic-table.ts"
import { parseTopicName, wireTopicLimits } from "../../src/protocol/topic.ts"
import { asOracle, oracleReads, oracleWrites, withinOracle } from "../support/mqtt-packet-oracle.ts"
import { GrowingOutput } from "../support/growing-output.ts"
import { packetOfType } from "../support/packet-arbitraries.ts"

/** A PUBLISH as a client may send it: without subscription identifiers, and always with one user property at most. */
function fromClient(version: ProtocolVersion): fc.Arbitrary<Publish> {
  return packetOfType("publish", version)
    .map((packet) => withinOracle(packet, version))
    .filter((packet) => packet?.type === "publish")
    .map((packet) => {
      const { subscriptionIdentifiers: _, ...properties } = packet.properties
      return { ...packet, properties }
    })
}

function bodyOf(bytes: Uint8Array): number {
  let at = 1
  while ((bytes[at] ?? 0) >= 0x80) at += 1
  return at + 1
}

function readBy(reader: PublishReader, bytes: Uint8Array, version: ProtocolVersion): void {
  const plain = new Uint8Array(bytes)
  reader.read(plain[0] ?? 0, plain, bodyOf(plain), plain.length, version)
}

const newReader = () => new PublishReader(new TopicTable(wireTopicLimits), 100)

/** Buffers as plain text, so that contents alone are compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

function messageOf(packet: Publish, nowMs: number): Message {
  const {
    messageExpiryInterval,
    topicAlias: _,
    subscriptionIdentifiers: __,
    ...forwarded
  } = packet.properties
  const name = parseTopicName(packet.topic || "t", wireTopicLimits)
  if (name === undefined) throw new Error("the arbitrary makes topic names")
  return {
    topic: topicOf(name),
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    properties: encodeForwardedProperties(forwarded),
    expiresAtMs:
      messageExpiryInterval === undefined ? Number.POSITIVE_INFINITY : nowMs + messageExpiryInterval * 1000,
    publisher: { origin: "client", clientId: "", username: undefined },
    receivedAtMs: nowMs,
    counter: 0,
    hops: 0,
  }
}

const nowMs = 1_000_000

for (const version of [3, 4, 5] as const) {
  describe(`PUBLISH by hand and mqtt-packet agree, in version ${version}`, () => {
    test("we read what it writes", () => {
      const reader = newReader()
      fc.assert(
        fc.property(fromClient(version), (packet) => {
          readBy(reader, oracleWrites(packet, version), version)
          const { messageExpiryInterval = -1, topicAlias = 0, ...forwarded } = packet.properties
          expect(reader.qos).toBe(packet.qos)
          expect(reader.dup).toBe(packet.dup)
          expect(reader.retain).toBe(packet.retain)
          expect(reader.topic?.name ?? "").toBe(packet.topic as never)
          expect(reader.topicAlias).toBe(topicAlias)
          expect(reader.messageExpirySeconds).toBe(messageExpiryInterval)
          expect(reader.payloadIsText).toBe(forwarded.payloadFormatIndicator === 1)
          expect(reader.payload).toEqual(packet.payload)
          if (packet.packetId !== undefined) expect(reader.packetId).toBe(packet.packetId)
          expect(reader.properties.length).toBe(encodeForwardedProperties(forwarded).length)
        }),
        { numRuns: 300 },
      )
    })

    test("it reads what we write for many, whoever is the first of them", () => {
      const receiver = fc.record({
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        retain: fc.boolean(),
        dup: fc.boolean(),
        packetId: fc.integer({ min: 1, max: 0xffff }),
        laterMs: fc.integer({ min: 0, max: 5_000_000 }),
      })
      const receivers = fc.array(receiver, { minLength: 1, maxLength: 4 })
      fc.assert(
        fc.property(fromClient(version), receivers, (packet, all) => {
          const shared = new SharedPublish(messageOf(packet, nowMs))
          const terms = { version, maximumPacketBytes: Number.POSITIVE_INFINITY }
          for (const { qos, retain, dup, packetId, laterMs } of all) {
            const output = new GrowingOutput()
            const id = qos === 0 ? 0 : packetId
            const first = publishFirstByte(qos, retain, dup && qos > 0)
            const length = appendShared(output, shared, terms, first, id, nowMs + laterMs)
            expect(output.written).toHaveLength(length)
            expectMeant(packet, version, output.written, {
              qos,
              retain,
              dup: dup && qos > 0,
              id,
              laterMs,
              topicAlias: 0,
              withTopic: true,
              identifiers: [],
            })
          }
        }),
        { numRuns: 200 },
      )
    })
  })
}

interface Meant {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  readonly id: number
  readonly laterMs: number
  readonly topicAlias: number
  readonly withTopic: boolean
  readonly identifiers: readonly number[]
}

function expectMeant(packet: Publish, version: ProtocolVersion, written: Uint8Array, meant: Meant): void {
  const { topicAlias: _, messageExpiryInterval, subscriptionIdentifiers: __, ...kept } = packet.properties
  const left =
    messageExpiryInterval === undefined
      ? undefined
      : Math.max(0, Math.ceil(messageExpiryInterval - meant.laterMs / 1000))
  const expected = asOracle(
    {
      type: "publish",
      qos: meant.qos,
      retain: meant.retain,
      dup: meant.dup,
      topic: meant.withTopic ? packet.topic || "t" : "",
      packetId: meant.id === 0 ? undefined : (meant.id as never),
      payload: packet.payload,
      properties:
        version !== 5
          ? {}
          : {
              ...kept,
              ...(left !== undefined && { messageExpiryInterval: left }),
              ...(meant.topicAlias > 0 && { topicAlias: meant.topicAlias }),
              ...(meant.identifiers.length > 0 && { subscriptionIdentifiers: meant.identifiers }),
            },
    },
    version,
  )
  const read = oracleReads(written, version)
  expect(plain(read)).toMatchObject(plain(expected) as object)
  expect(plain(read["properties"])).toEqual(plain(expected["properties"]))
}

describe("a PUBLISH of its own, in version 5", () => {
  test("is read by mqtt-packet with its alias and all its subscription identifiers", () => {
    const own = fc.record({
      qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
      topicAlias: fc.integer({ min: 0, max: 0xffff }),
      withTopic: fc.boolean(),
      identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
      laterMs: fc.integer({ min: 0, max: 5_000_000 }),
    })
    fc.assert(
      fc.property(fromClient(5), own, (packet, { qos, topicAlias, identifiers, laterMs, ...rest }) => {
        const withTopic = rest.withTopic || topicAlias === 0
        const id = qos === 0 ? 0 : 7
        const output = new GrowingOutput()
        const shared = new SharedPublish(messageOf(packet, nowMs))
        const terms = { version: 5, maximumPacketBytes: Number.POSITIVE_INFINITY } as const
        const first = publishFirstByte(qos, false, false)
        const at = nowMs + laterMs
        const length = appendOwn(output, shared, terms, first, id, at, topicAlias, withTopic, identifiers)
        expect(output.written).toHaveLength(length)
        const meant = { qos, retain: false, dup: false, id, laterMs, topicAlias, withTopic, identifiers }
        expectMeant(packet, 5, output.written, meant)
      }),
      { numRuns: 300 },
    )
  })

  test("and a shared one are bounded by the receiver to the byte, and write nothing beyond it [MQTT-3.1.2-24]", () => {
    fc.assert(
      fc.property(fromClient(5), fc.integer({ min: -1, max: 1 }), (packet, spare) => {
        const shared = new SharedPublish(messageOf(packet, nowMs))
        const unbounded = { version: 5, maximumPacketBytes: Number.POSITIVE_INFINITY } as const
        const whole = appendShared(new GrowingOutput(), shared, unbounded, 0x32, 1, nowMs)
        const terms = { version: 5, maximumPacketBytes: whole + spare } as const
        for (const append of [
          (output: GrowingOutput) => appendShared(output, shared, terms, 0x32, 1, nowMs),
          (output: GrowingOutput) => appendOwn(output, shared, terms, 0x32, 1, nowMs, 0, true, []),
        ]) {
          const output = new GrowingOutput()
          expect(append(output)).toBe(spare < 0 ? 0 : whole)
          expect(output.written).toHaveLength(spare < 0 ? 0 : whole)
        }
      }),
      { numRuns: 100 },
    )
  })

  test("and a shared one are the same bytes where nothing is its own", () => {
    fc.assert(
      fc.property(fromClient(5), fc.boolean(), (packet, identified) => {
        const shared = new SharedPublish(messageOf(packet, nowMs))
        const terms = { version: 5, maximumPacketBytes: Number.POSITIVE_INFINITY } as const
        const id = identified ? 9 : 0
        const [first, second, own] = [new GrowingOutput(), new GrowingOutput(), new GrowingOutput()]
        appendShared(first, shared, terms, 0x30, id, nowMs)
        appendShared(second, shared, terms, 0x30, id, nowMs)
        appendOwn(own, shared, terms, 0x30, id, nowMs, 0, true, [])
        expect(first.written).toEqual(own.written)
        expect(second.written).toEqual(own.written)
      }),
    )
  })
})

describe("the topic of a PUBLISH", () => {
  test("is read as it is written, whatever stands in its slot of the table", () => {
    const reader = newReader()
    const packet = (topic: string) =>
      oracleWrites(
        {
          type: "publish",
          qos: 0,
          dup: false,
          retain: false,
          topic,
          packetId: undefined,
          payload: new Uint8Array(0),
          properties: {},
        },
        4,
      )
    readBy(reader, packet("a/b"), 4)
    const first = reader.topic
    for (let count = 0; count < 20_000; count++) {
      readBy(reader, packet(`other/${count}`), 4)
      expect(reader.topic?.name).toBe(`other/${count}` as never)
    }
    readBy(reader, packet("a/b"), 4)
    expect(reader.topic).toEqual(first as never)
  })
})

describe("a PUBLISH out of a record", () => {
  for (const version of [3, 4, 5] as const) {
    test(`is the same bytes as one out of a message, for the first receiver and for those after it, in version ${version}`, () => {
      fc.assert(
        fc.property(
          fromClient(5),
          fc.constantFrom(Number.POSITIVE_INFINITY, 61_000),
          fc.nat(3),
          (packet, expiresAtMs, packetId) => {
            const name = parseTopicName(packet.topic)
            if (name === undefined) return
            const message: Message = {
              topic: topicOf(name),
              payload: packet.payload,
              qos: packet.qos,
              retain: packet.retain,
              properties: encodeForwardedProperties(packet.properties),
              expiresAtMs,
              publisher: { origin: "client", clientId: "p" as ClientId, username: "someone" },
              receivedAtMs: 5,
              counter: 6,
              hops: 0,
            }
            const terms = { version, maximumPacketBytes: 1e9 }
            const written = [new SharedPublish(message), new SharedPublish(recordOf(message))].map(
              (publish) => {
                const output = new GrowingOutput()
                for (let receiver = 0; receiver < 2; receiver++) {
                  appendShared(output, publish, terms, 0x32, packetId, 1000)
                }
                return output.written.toHex()
              },
            )
            expect(written[1]).toBe(written[0] ?? "")
            expect(plain(new SharedPublish(recordOf(message)).message)).toEqual(plain(message))
          },
        ),
      )
    })
  }
})
