import { describe, expect, test } from "bun:test"
import { jsonLine } from "../../cli/sub/json-line.ts"
import { bytesOf, packetId, publish } from "../client/scripted-server.ts"

const at = new Date(Date.UTC(2026, 10, 21, 9, 5, 7, 42))
const line = (fields: Parameters<typeof publish>[0]) => jsonLine(publish(fields), at)
const begin = '{"time":"2026-11-21T09:05:07.042Z","topic":"a/b","qos":0,"retain":false,"dup":false'

describe("--json", () => {
  test("text is a string", () => {
    expect(line({ payload: bytesOf("on") })).toBe(`${begin},"payload":"on"}`)
    expect(line({ payload: bytesOf("") })).toBe(`${begin},"payload":""}`)
  })

  test("JSON is there as a string and as itself, its numbers as they were written", () => {
    expect(line({ payload: bytesOf('{ "n": 12345678901234567890 }') })).toBe(
      `${begin},"payload":"{ \\"n\\": 12345678901234567890 }","json":{"n":12345678901234567890}}`,
    )
    expect(line({ payload: bytesOf("21.50") })).toBe(`${begin},"payload":"21.50","json":21.50}`)
  })

  test("JSON is in one line, however long and escaped its strings are", () => {
    const long = JSON.stringify('\n "\\'.repeat(1_000_000))
    const shown = line({ payload: bytesOf(`[${long},\n 1]`) })
    expect(shown.endsWith(`,"json":[${long},1]}`)).toBe(true)
  })

  test("bytes that are no text are base64, under a key of their own", () => {
    expect(line({ payload: Uint8Array.of(0xff, 0) })).toBe(`${begin},"payloadBase64":"/wA="}`)
  })

  test("all else that is known of a message", () => {
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 33,
      contentType: "text",
      responseTopic: "re",
      correlationData: Uint8Array.of(0, 255),
      subscriptionIdentifiers: [5],
      topicAlias: 3,
      userProperties: [
        ["a", "b"],
        ["a", "c"],
      ],
    } as const
    const all = line({
      qos: 2,
      packetId: packetId(7),
      retain: true,
      dup: true,
      payload: bytesOf("x"),
      properties,
    })
    expect(JSON.parse(all)).toEqual({
      time: "2026-11-21T09:05:07.042Z",
      topic: "a/b",
      qos: 2,
      retain: true,
      dup: true,
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 33,
        contentType: "text",
        responseTopic: "re",
        correlationDataBase64: "AP8=",
        subscriptionIdentifiers: [5],
        userProperties: [
          ["a", "b"],
          ["a", "c"],
        ],
      },
      payload: "x",
    })
  })

  test("is one line without a character that a terminal obeys, and still the same text", () => {
    const evil = "\x1b[2J\x9b31m\u202e\x7f\n"
    const all = line({ topic: evil, payload: bytesOf(JSON.stringify({ [evil]: evil })) })
    expect(all).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(JSON.parse(all)).toMatchObject({ topic: evil, json: { [evil]: evil } })
  })
})
