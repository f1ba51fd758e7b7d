import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type Message, noBytes, type Publisher, topicOf } from "../../src/protocol/message.ts"
import {
  contentBytesOf,
  MessageUnpacker,
  parseRecord,
  recordOf,
  topicNameOf,
  topicStart,
} from "../../src/protocol/message-record.ts"
import type { ClientId } from "../../src/protocol/packet.ts"
import { parseTopicName } from "../../src/protocol/topic.ts"

const publisher: fc.Arbitrary<Publisher> = fc.record({
  origin: fc.constantFrom("client" as const, "will" as const, "broker" as const),
  clientId: fc.string({ unit: "grapheme" }).map((text) => text as ClientId),
  username: fc.option(fc.string({ unit: "grapheme" }), { nil: undefined }),
})
const topic = fc
  .string({ unit: "grapheme", minLength: 1 })
  .map((text) => parseTopicName(text))
  .filter((name) => name !== undefined)
  .map((name) => topicOf(name))
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const time = fc.oneof(fc.integer({ min: 0, max: 2 ** 48 }), fc.constant(Number.POSITIVE_INFINITY))

const message: fc.Arbitrary<Message> = fc.record({
  topic,
  payload: fc.uint8Array({ maxLength: 300 }),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  properties: fc.oneof(fc.uint8Array({ minLength: 1 }), fc.constant(noBytes)),
  expiresAtMs: time,
  publisher,
  receivedAtMs: time,
  counter: uint32,
  hops: uint32,
})

const plain = ({ topic: { name, utf8 }, ...rest }: Message) => ({ name, utf8: [...utf8], ...rest })

describe("a message record", () => {
  test("gives back the whole message", () => {
    const unpacker = new MessageUnpacker()
    fc.assert(
      fc.property(message, (given) => {
        expect(plain(unpacker.unpack(recordOf(given)))).toEqual(plain(given))
      }),
    )
  })

  test("tells all but its content without a copy of that", () => {
    const unpacker = new MessageUnpacker()
    fc.assert(
      fc.property(message, (given) => {
        const { qos, publisher, receivedAtMs, expiresAtMs } = given
        expect(unpacker.outline(recordOf(given))).toEqual({
          topic: given.topic.name,
          payloadBytes: given.payload.length,
          qos,
          publisher,
          receivedAtMs,
          expiresAtMs,
        })
      }),
    )
  })

  test("tells topic and size without unpacking", () => {
    fc.assert(
      fc.property(message, (given) => {
        const record = recordOf(given)
        expect(topicNameOf(record)).toBe(given.topic.name)
        expect(contentBytesOf(record)).toBe(
          given.topic.utf8.length + given.payload.length + given.properties.length,
        )
      }),
    )
  })

  test("is taken from anywhere as long as it says what a message can say", () => {
    fc.assert(
      fc.property(message, fc.nat(), (given, at) => {
        const record: Uint8Array = recordOf(given)
        expect(parseRecord(record) as Uint8Array).toBe(record)
        const payloadBytes = given.payload.length
        expect(parseRecord(record.slice(0, at % (record.length - payloadBytes)))).toBeUndefined()
        for (const [index, byte] of [
          [4, 9],
          [5, 3],
          [topicStart, 0x23],
          [topicStart, 0],
          [topicStart, 0xff],
          [topicStart - 1, 0xff],
        ] as const) {
          expect(parseRecord(record.with(index, byte))).toBeUndefined()
        }
      }),
    )
  })

  test("shares nothing with the message it was made of, nor with the one that is made of it", () => {
    const name = parseTopicName("a/b")
    if (name === undefined) throw new Error("a/b is a topic")
    const given: Message = {
      topic: topicOf(name),
      payload: new Uint8Array([1, 2]),
      qos: 1,
      retain: true,
      properties: noBytes,
      expiresAtMs: Number.POSITIVE_INFINITY,
      publisher: { origin: "client", clientId: "c" as ClientId, username: undefined },
      receivedAtMs: 0,
      counter: 0,
      hops: 0,
    }
    const record = recordOf(given)
    const unpacker = new MessageUnpacker()
    given.payload[0] = 9
    unpacker.unpack(record).payload[1] = 9
    expect(unpacker.unpack(record).payload).toEqual(new Uint8Array([1, 2]))
  })
})
