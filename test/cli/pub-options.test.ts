import { describe, expect, test } from "bun:test"
import { linesOf } from "../../cli/lines.ts"
import { parsePropertyOptions } from "../../cli/property-options.ts"
import { parseServerUrl } from "../../cli/server-url.ts"

async function* chunksOf(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, "latin1")
}

async function lines(...texts: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for await (const line of linesOf(chunksOf(texts))) found.push(Buffer.from(line).toString("latin1"))
  return found
}

describe("-l, the lines of standard input", () => {
  test("end at newlines, however the stream is cut", async () => {
    const text = "one\n\ntwo three\r\n\xff\0\nlast\n"
    const expected = ["one", "", "two three\r", "\xff\0", "last"]
    for (let cut = 0; cut <= text.length; cut++) {
      expect(await lines(text.slice(0, cut), text.slice(cut))).toEqual(expected)
    }
    expect(await lines(...text)).toEqual(expected)
  })

  test("the last one may lack its newline; no input is no line", async () => {
    expect(await lines("a\nb")).toEqual(["a", "b"])
    expect(await lines()).toEqual([])
    expect(await lines("\n")).toEqual([""])
  })

  test("may be long", async () => {
    const part = "x".repeat(65_536)
    const [line, ...others] = await lines(...Array.from({ length: 64 }, () => part), "\n")
    expect(line).toHaveLength(64 * 65_536)
    expect(others).toEqual([])
  })
})

describe("-L", () => {
  const plain = { tls: false, webSocket: false, port: undefined, username: undefined, password: undefined }

  test.each([
    ["mqtt://host/t", { ...plain, host: "host", topic: "t" }],
    ["MQTTS://host:9/a/b", { ...plain, tls: true, host: "host", port: 9, topic: "a/b" }],
    ["ws://[::1]:80//a", { ...plain, webSocket: true, host: "[::1]", port: 80, topic: "/a" }],
    ["wss://host/t", { ...plain, tls: true, webSocket: true, host: "host", topic: "t" }],
    ["mqtt://ada@host/t", { ...plain, username: "ada", host: "host", topic: "t" }],
    ["mqtt://ada:a:%20@host/t", { ...plain, username: "ada", password: "a:%20", host: "host", topic: "t" }],
  ])("%s", (text, url) => {
    expect(parseServerUrl(text)).toEqual(url)
  })

  test.each([
    ["host/t", "must begin with"],
    ["http://host/t", "must begin with"],
    ["mqtt://host", "must end with a slash and a topic"],
    ["mqtt://host/", "must end with a slash and a topic"],
    ["mqtt:///t", "must name HOST"],
    ["mqtt://host:0/t", "must name HOST"],
    ["mqtt://host:65536/t", "must name HOST"],
    ["mqtt://host:x/t", "must name HOST"],
  ])("%s is none", (text, problem) => {
    expect(parseServerUrl(text)).toContain(problem)
  })
})

describe("-D", () => {
  const parse = (text: string) => parsePropertyOptions(text.split(" "))

  test("each property in its own form", () => {
    expect(
      parse("connect receive-maximum 9 connect request-problem-information 0 CONNECT topic-alias-maximum 0")
        .connect,
    ).toEqual({ receiveMaximum: 9, requestProblemInformation: false, topicAliasMaximum: 0 })
    expect(parse("publish payload-format-indicator 1 publish correlation-data é").publish).toEqual({
      payloadFormatIndicator: 1,
      correlationData: Buffer.from("é"),
    })
    expect(parse("will will-delay-interval 4294967295 will content-type x").will).toEqual({
      willDelayInterval: 4_294_967_295,
      contentType: "x",
    })
    expect(parse("subscribe subscription-identifier 7").subscribe).toEqual({ subscriptionIdentifiers: [7] })
    expect(parse("disconnect session-expiry-interval 1").disconnect).toEqual({ sessionExpiryInterval: 1 })
  })

  test("user properties keep their order and may repeat", () => {
    const words = ["unsubscribe", "user-property", "a", "b c", "unsubscribe", "user-property", "a", ""]
    expect(parsePropertyOptions(words).unsubscribe).toEqual({
      userProperties: [
        ["a", "b c"],
        ["a", ""],
      ],
    })
  })

  test.each([
    ["ping user-property a b", "must begin with one of connect, will,"],
    ["publish nonsense 1", "must name one of payload-format-indicator,"],
    ["publish subscription-identifier 1", "must name one of"],
    ["publish", "must name one of"],
    ["publish topic-alias", "needs a value behind it"],
    ["publish user-property a", "needs a name and a value behind it"],
    ["publish topic-alias 0", "must be a whole number from 1 to 65535"],
    ["publish topic-alias x", "must be a whole number from 1 to 65535"],
    ["publish payload-format-indicator 2", "must be a whole number from 0 to 1"],
    ["connect session-expiry-interval 4294967296", "must be a whole number from 0 to 4294967295"],
    ["subscribe subscription-identifier 268435456", "must be a whole number from 1 to 268435455"],
    ["publish topic-alias 1 publish topic-alias 2", "stands there twice"],
  ])("%s is refused", (text, problem) => {
    expect(() => parse(text)).toThrow(problem)
  })
})
