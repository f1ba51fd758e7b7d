import { describe, expect, test } from "bun:test"
import { messageIn } from "../../cli/message-object.ts"

const read = (object: Readonly<Record<string, unknown>>) => messageIn(object, "f:3")

describe("a message as an object of JSON", () => {
  test("says what it says, and nothing else", () => {
    expect(read({})).toEqual({})
    expect(read({ topic: "a", qos: 2, retain: true, mid: 7, tst: "x" })).toEqual({
      topic: "a",
      qos: 2,
      retain: true,
    })
    expect(read({ retain: 1 })).toEqual({ retain: true })
  })

  test.each([
    ["text é", "text é"],
    [null, ""],
    [{ b: [1, "x"], a: null }, '{"b":[1,"x"],"a":null}'],
    [7.5, "7.5"],
    [false, "false"],
  ])("the payload %j", (payload, expected) => {
    expect(Buffer.from(read({ payload }).payload ?? "absent").toString()).toBe(expected)
  })

  test.each(["payloadBase64", "payload-base64", "payload_base64"])(
    "bytes in %s go before the payload",
    (key) => {
      expect(read({ payload: "�", [key]: "/wA=" }).payload).toEqual(new Uint8Array([0xff, 0]))
    },
  )

  test("properties by any spelling of their names, and without those of a connection", () => {
    const ours = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 60,
      contentType: "text",
      responseTopic: "r",
      correlationDataBase64: "/wA=",
      userProperties: [["a", "b"]],
      subscriptionIdentifiers: [3],
      topicAlias: 1,
    }
    const theirs = {
      "payload-format-indicator": 1,
      "message-expiry-interval": 60,
      "content-type": "text",
      "response-topic": "r",
      "correlation-data": "�",
      "correlation-data-base64": "/wA=",
      "user-properties": [{ a: "b" }],
      "subscription-identifier": 3,
    }
    const expected = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 60,
      contentType: "text",
      responseTopic: "r",
      correlationData: new Uint8Array([0xff, 0]),
      userProperties: [["a", "b"]],
    }
    expect(read({ properties: ours }).properties).toEqual(expected as object)
    expect(read({ properties: theirs }).properties).toEqual(expected as object)
    expect(read({ properties: { "user-properties": { a: "b", c: "d" } } }).properties).toEqual({
      userProperties: [
        ["a", "b"],
        ["c", "d"],
      ],
    })
    expect(read({ properties: { correlationData: "é" } }).properties).toEqual({
      correlationData: Buffer.from("é"),
    })
  })

  test.each([
    [{ topic: 7 }, "topic must be a string"],
    [{ qos: 3 }, "qos must be 0, 1 or 2"],
    [{ qos: "1" }, "qos must be 0, 1 or 2"],
    [{ retain: "yes" }, "retain must be true or false"],
    [{ payloadBase64: "?" }, "payloadBase64 must be base64"],
    [{ properties: [] }, "properties must be an object"],
    [{ properties: { colour: 1 } }, "colour is no property of a message in MQTT 5"],
    [{ properties: { receiveMaximum: 1 } }, "receivemaximum is no property of a message"],
    [{ properties: { contentTypeBase64: "eA==" } }, "contenttypebase64 is no property of a message"],
    [{ properties: { contentType: 1 } }, "contentType must be a string"],
    [{ properties: { contentType: "é".repeat(32_768) } }, "contentType has more than 65535 bytes"],
    [
      { properties: { correlationDataBase64: Buffer.alloc(65_536).toString("base64") } },
      "correlationDataBase64 has more than 65535 bytes",
    ],
    [
      { properties: { userProperties: { a: "x".repeat(65_536) } } },
      "userProperties has more than 65535 bytes",
    ],
    [
      { properties: { messageExpiryInterval: -1 } },
      "messageExpiryInterval must be a whole number from 0 to 4294967295",
    ],
    [
      { properties: { payloadFormatIndicator: 2 } },
      "payloadFormatIndicator must be a whole number from 0 to 1",
    ],
    [{ properties: { userProperties: [["a"]] } }, "userProperties must be pairs of strings"],
    [{ properties: { userProperties: ["a"] } }, "userProperties must be pairs of strings"],
    [{ properties: { userProperties: [{ a: 1 }] } }, "userProperties must be pairs of strings"],
  ])("%j is none", (object, problem) => {
    expect(() => read(object)).toThrow(`f:3: ${problem}`)
  })
})
