import { describe, expect, test } from "bun:test"
import { indentedJson } from "../../cli/json-layout.ts"
import { verboseFormat } from "../../cli/message-format.ts"
import { watchFormat } from "../../cli/watch-format.ts"
import type { Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { bytesOf, connack, publish } from "../client/scripted-server.ts"
import { readUntil, run, start } from "./program.ts"
import { startScripted } from "./pub-sub-server.ts"

describe("--pretty", () => {
  test.each([
    ["1", "1"],
    ["{}", "{\n}"],
    ["[]", "[]"],
    ['{"a":1,"b":"x, {y}: [z]"}', '{\n\t"a":\t1,\n\t"b":\t"x, {y}: [z]"\n}'],
    ['{"a":{"b":[1,2.50,"\\""]}}', '{\n\t"a":\t{\n\t\t"b":\t[1, 2.50, "\\""]\n\t}\n}'],
    ["[[],[1],[{}]]", "[[], [1], [{\n\t\t}]]"],
    ['[{"a":"b","c":null}]', '[{\n\t\t"a":\t"b",\n\t\t"c":\tnull\n\t}]'],
  ])("%s", (json, indented) => {
    expect(indentedJson(json)).toBe(indented)
    expect(JSON.parse(indented)).toEqual(JSON.parse(json))
  })
})

describe("-w", () => {
  const shown = (height: number, ...topics: readonly string[]) => {
    const format = watchFormat(verboseFormat(false), height)
    let printed = ""
    const output = {
      text: (text: string) => void (printed += text),
      bytes: (bytes: Uint8Array) => void (printed += Buffer.from(bytes).toString()),
    }
    for (const [index, topic] of topics.entries()) {
      format(publish({ topic, payload: bytesOf(String(index)) }), new Date(0), output)
    }
    return printed.replaceAll("\x1b", "ESC").replaceAll("ESC[2K", "")
  }

  test("each topic has its line", () => {
    expect(shown(9, "a", "b", "a")).toBe("ESC[2JESC[1;1Ha 0ESC[2;1Hb 1ESC[1;1Ha 2")
  })

  test("where lines are few, a new topic takes the oldest one's", () => {
    expect(shown(2, "a", "b", "c", "b", "a")).toBe(
      "ESC[2JESC[1;1Ha 0ESC[2;1Hb 1ESC[1;1Hc 2ESC[2;1Hb 3ESC[2;1Ha 4",
    )
  })
})

/** Grants everything, and sends so many messages. */
function sends(count: number) {
  return startScripted(4, (packet): readonly Packet[] => {
    if (packet.type === "connect") return [connack()]
    if (packet.type !== "subscribe") return []
    const messages = Array.from({ length: count }, () => publish({ payload: bytesOf("x") }))
    return [
      { type: "suback", packetId: packet.packetId, reasonCodes: [ReasonCode.grantedQos0], properties: {} },
      ...messages,
    ]
  })
}

describe("what is printed of many messages", () => {
  test("--random-filter prints some of them, and -C counts those", async () => {
    using server = sends(1000)
    const { exitCode, out } = await run([
      "sub",
      ...server.flags,
      "-t",
      "t",
      "--random-filter",
      "50",
      "-C",
      "100",
    ])
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: "x\n".repeat(100) })
  })

  test("--random-filter 100 prints all of them", async () => {
    using server = sends(100)
    const { out } = await run(["sub", ...server.flags, "-t", "t", "--random-filter", "100", "-C", "100"])
    expect(out).toBe("x\n".repeat(100))
  })

  test("--message-rate prints how many came in each second", async () => {
    using server = sends(1)
    const running = start(["sub", ...server.flags, "-t", "t", "--message-rate"])
    expect(await readUntil(running.stdout, "1\n")).toMatch(/^(0\n)*1\n$/)
    running.kill()
    expect(await running.exited).toBe(0)
  })
})
