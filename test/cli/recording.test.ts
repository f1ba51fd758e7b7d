import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { headerLine, messageLine, recordingLineIn } from "../../cli/recording/format.ts"
import { type Playing, playRecording } from "../../cli/recording/play-recording.ts"
import { readRecording } from "../../cli/recording/read-recording.ts"
import { RecordingFile } from "../../cli/recording/recording-file.ts"
import { Schedule } from "../../cli/schedule.ts"
import type { PublishRequest } from "../../src/client/sender.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import { parseTopicFilter } from "../../src/protocol/topic.ts"
import { HurriedClock } from "../support/hurried-clock.ts"
import { freshDirectory } from "./program.ts"

let folder: string
beforeEach(() => {
  folder = freshDirectory()
})
afterEach(() => rmSync(folder, { recursive: true }))

const header = headerLine({ startedAt: new Date(0), url: "tcp://localhost:1883", filters: ["#"] })
const plain: Publish = {
  type: "publish",
  topic: "a/b",
  qos: 1,
  dup: false,
  retain: false,
  packetId: undefined,
  payload: Buffer.from("x"),
  properties: {},
}

function fileOf(...lines: readonly string[]): string {
  const file = join(folder, "recording")
  writeFileSync(file, lines.join(""))
  return file
}

async function read(file: string) {
  const torn: string[] = []
  const messages: (readonly [atMs: number, payload: string])[] = []
  for await (const line of readRecording(file, (place) => torn.push(place))) {
    if (line.line === "message") messages.push([line.atMs, Buffer.from(line.request.payload).toString()])
  }
  return { messages, torn }
}

describe("a line of a recording", () => {
  const everything = {
    payloadFormatIndicator: 0,
    messageExpiryInterval: 60,
    contentType: "image/png",
    responseTopic: "answers",
    correlationData: new Uint8Array([0xff, 0, 0x7b]),
    userProperties: [
      ["a", "1"],
      ["a", "2"],
      ["", "\u2028\u0007"],
    ],
  } as const
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)

  test.each([
    ["text", Buffer.from("hellö")],
    ["nothing", new Uint8Array(0)],
    ["a byte order mark", Buffer.from("\ufeffx")],
    ["a nul", Buffer.from("\0")],
    ["JSON", Buffer.from('{"a": 12345678901234567890}')],
    ["bytes that are no text", bytes],
    ["half a character", Buffer.from("é").subarray(0, 1)],
    ["a character of no plane", Buffer.from([0xed, 0xa0, 0x80])],
  ])("holds %s byte for byte, and all properties", (_, payload) => {
    const written = messageLine({ ...plain, retain: true, payload, properties: everything }, 1234, true)
    const line = recordingLineIn(JSON.parse(written), "f:2")
    expect(line).toEqual({
      line: "message",
      atMs: 1234,
      request: { topic: "a/b", qos: 1, retain: true, properties: everything, payload: expect.anything() },
    })
    expect(line.line === "message" && Buffer.from(line.request.payload).equals(payload)).toBe(true)
  })

  test("reads as docs/record.md says, and on a terminal does nothing but read", () => {
    const payload = Buffer.from("\u001b[31m\u009b")
    expect(
      messageLine(
        { ...plain, payload, properties: { topicAlias: 1, subscriptionIdentifiers: [2] } },
        5,
        false,
      ),
    ).toBe('{"at":5,"topic":"a/b","qos":1,"retain":false,"payload":"\\u001b[31m\\u009b"}\n')
    expect(header).toBe(
      '{"format":"bantam-recording","version":1,"started":"1970-01-01T00:00:00.000Z","url":"tcp://localhost:1883","filters":["#"]}\n',
    )
  })

  test.each([
    [{ format: "bantam-recording", version: 2 }, "version 2 of the format is not known here"],
    [{ format: "other" }, "is no header of a recording"],
    [{ topic: "a", payload: "" }, "at must be the milliseconds"],
    [{ at: -1, topic: "a", payload: "" }, "at must be the milliseconds"],
    // What JSON.parse makes of 1e999.
    [{ at: Number.POSITIVE_INFINITY, topic: "a", payload: "" }, "at must be the milliseconds"],
    [{ at: 1, payload: "" }, "the message has no topic"],
    [{ at: 1, topic: "a" }, "the message has no payload"],
  ])("%j is none", (object, problem) => {
    expect(() => recordingLineIn(object, "f:2")).toThrow(`f:2: ${problem}`)
  })
})

describe("a recording", () => {
  const lines = ["one", "twö", "three"].map((text, index) =>
    messageLine({ ...plain, payload: Buffer.from(text) }, index * 100, false),
  )
  const end = '{"at":1000,"end":true,"messages":3}\n'

  test("cut off anywhere holds all that was finished, and says when there was more", async () => {
    const whole = Buffer.from([header, ...lines].join(""))
    const ends = [header, ...lines].map((_, index, all) =>
      Buffer.byteLength(all.slice(0, index + 1).join("")),
    )
    const file = fileOf()
    for (let cut = header.length; cut <= whole.length; cut++) {
      writeFileSync(file, whole.subarray(0, cut))
      // A line that lacks nothing but its newline is whole.
      const finished = ends.filter((each) => each - 1 <= cut).length - 1
      const isTorn = !ends.some((each) => each === cut || each - 1 === cut)
      const { messages, torn } = await read(file)
      expect(messages).toHaveLength(finished)
      expect(torn).toEqual(isTorn ? [`${file}:${finished + 2}`] : [])
    }
  })

  test("damaged elsewhere is an error that names the line", async () => {
    await expect(read(fileOf(header, '{"at":1,"to\n', ...lines))).rejects.toThrow(/recording:2: is no JSON/)
  })

  test.each([[""], ["\n"], ["hello\n"], ['{"topic":"a"}\n'], ["[1]\n"]])("%j is none", async (text) => {
    await expect(read(fileOf(text))).rejects.toThrow("is no recording")
  })

  test("that was appended to goes on where it ended", async () => {
    const { messages } = await read(fileOf(header, ...lines, end, header, ...lines))
    expect(messages.map(([atMs]) => atMs)).toEqual([0, 100, 200, 1000, 1100, 1200])
  })

  test("a file that is there is not touched unless told", async () => {
    const file = fileOf("mine")
    expect(() => new RecordingFile(file, "refuse")).toThrow("is there already; add --append or --force")
    expect(() => new RecordingFile(file, "append").open()).toThrow(
      "is no recording, so nothing is appended to it",
    )
    expect(readFileSync(file, "utf8")).toBe("mine")
    const target = new RecordingFile(file, "overwrite")
    target.open()
    target.output.text("new")
    await target.close()
    expect(readFileSync(file, "utf8")).toBe("new")
  })

  test.each([
    ["nothing", ""],
    ["a header", header],
    ["a torn line", header + "x".repeat(200_000)],
    ["a torn header", header.slice(0, 40)],
  ])("%s is appended to", async (_, text) => {
    const file = fileOf(text)
    const target = new RecordingFile(file, "append")
    target.open()
    target.output.text(header + lines[0])
    await target.close()
    expect((await read(file)).messages).toEqual([[0, "one"]])
  })

  test("what was written to its end stays when the rest is cut off", async () => {
    const many = Array.from({ length: 3000 }, () => lines[0] ?? "")
    const file = fileOf(header, ...many, "torn")
    const target = new RecordingFile(file, "append")
    target.open()
    await target.close()
    expect(readFileSync(file, "utf8")).toBe([header, ...many].join(""))
  })
})

describe("replay", () => {
  const lines = [0, 1000, 1500].map((atMs) =>
    messageLine({ ...plain, topic: `at/${atMs}`, qos: 2 }, atMs, false),
  )
  const end = '{"at":4000,"end":true,"messages":3}\n'
  const once: Playing = {
    speed: 1,
    rounds: 1,
    filters: [],
    topicPrefix: "",
    highestQos: 2,
    fromMs: 0,
    untilMs: Number.POSITIVE_INFINITY,
  }

  /** Topics and times, by a server that takes so long for each message. */
  async function played(playing: Partial<Playing>, takesMs = 0) {
    const clock = new HurriedClock()
    const schedule = new Schedule(clock)
    const requests: PublishRequest[] = []
    const times: string[] = []
    const publisher = {
      get count() {
        return requests.length
      },
      async publish(request: PublishRequest) {
        requests.push(request)
        times.push(`${request.topic} ${clock.now()}`)
        clock.pass(takesMs)
      },
    }
    const file = fileOf(header, ...lines, end)
    await playRecording(
      file,
      { ...once, ...playing },
      schedule,
      publisher,
      () => false,
      () => {},
    )
    return { times, requests, worstMs: schedule.worstLatenessMs }
  }

  test("keeps the times", async () => {
    expect(await played({})).toMatchObject({ times: ["at/0 0", "at/1000 1000", "at/1500 1500"], worstMs: 0 })
  })

  test("a server that is slow shifts nothing", async () => {
    const { times, worstMs } = await played({}, 700)
    expect(times).toEqual(["at/0 0", "at/1000 1000", "at/1500 1700"])
    expect(worstMs).toBe(900)
  })

  test.each([
    [{ speed: 2 }, ["at/0 0", "at/1000 500", "at/1500 750"]],
    [{ speed: Number.POSITIVE_INFINITY }, ["at/0 0", "at/1000 0", "at/1500 0"]],
    [{ fromMs: 500 }, ["at/1000 500", "at/1500 1000"]],
    [{ untilMs: 1000 }, ["at/0 0", "at/1000 1000"]],
    [{ topicPrefix: "test/" }, ["test/at/0 0", "test/at/1000 1000", "test/at/1500 1500"]],
    [{ rounds: 2 }, ["at/0 0", "at/1000 1000", "at/1500 1500", "at/0 4000", "at/1000 5000", "at/1500 5500"]],
    [{ rounds: 2, fromMs: 900, untilMs: 1200 }, ["at/1000 100", "at/1000 400"]],
    [{ rounds: 2, speed: 4, fromMs: 1200 }, ["at/1500 75", "at/1500 775"]],
  ])("%j", async (playing, times) => {
    expect((await played(playing)).times).toEqual(times)
  })

  test("publishes what a filter chooses, at no higher QoS than wanted", async () => {
    const filter = parseTopicFilter("+/1000")
    if (filter === undefined) throw new Error("no filter")
    const { times, requests } = await played({ filters: [filter], highestQos: 1 })
    expect(times).toEqual(["at/1000 1000"])
    expect(requests[0]).toMatchObject({ qos: 1 })
  })

  test("nothing to publish is an error, even when it is to be done for ever", async () => {
    await expect(played({ fromMs: 2000, rounds: Number.POSITIVE_INFINITY })).rejects.toThrow(
      "holds no message of what is wanted",
    )
  })
})
