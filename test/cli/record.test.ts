import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { connack, publish } from "../client/scripted-server.ts"
import { freshDirectory, readRest, readUntil, run, start } from "./program.ts"
import { startBroker, startScripted } from "./pub-sub-server.ts"

let folder: string
beforeEach(() => {
  folder = freshDirectory()
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Messages as pub --jsonl takes them: all that a message may have. */
const messages = [
  { topic: "r/text", payload: "hellö", qos: 0 },
  { topic: "r/empty", payload: "", qos: 1 },
  { topic: "r/json", payload: '{"a": 12345678901234567890}', qos: 2, retain: true },
  { topic: "r/bytes", payloadBase64: Buffer.from([0, 0xff, 0xc3, 0x28]).toString("base64"), qos: 1 },
  { topic: "r/mark", payload: "\ufeffx\u0000\u2028", qos: 2 },
  {
    topic: "r/properties",
    payload: "x",
    qos: 1,
    properties: {
      payloadFormatIndicator: 1,
      contentType: "text/plain",
      responseTopic: "answers",
      correlationDataBase64: "/wB7",
      userProperties: [
        ["a", "1"],
        ["a", "2"],
      ],
    },
  },
  { topic: "r/last", payload: "{{n}}", qos: 2 },
]

type Broker = Awaited<ReturnType<typeof startBroker>>

/** Records what `publish` brings about: so many messages, and one that was there before. */
async function recorded({ flags }: Broker, count: number, publish: () => Promise<unknown>): Promise<string> {
  await run(["pub", ...flags, "-t", "begin", "-m", "stored", "-r", "-q", "1"])
  const words = ["record", "-", ...flags, "-t", "begin", "-t", "r/#", "-C", String(count + 1)]
  const recording = start(words)
  // Whoever has what was retained is subscribed.
  const before = await readUntil(recording.stdout, '"stored":true')
  await publish()
  const rest = await readRest(recording.stdout)
  expect(await recording.stderr.text()).toContain(`recorded ${count + 1} messages in`)
  expect(await recording.exited).toBe(0)
  return before + rest
}

/** All but the times. */
function untimed(recording: string): unknown[] {
  const [, , ...lines] = recording.trimEnd().split("\n")
  return lines.map((line): unknown => ({ ...JSON.parse(line), at: 0 }))
}

describe("bantam record and bantam replay", () => {
  let first: Broker
  let second: Broker
  beforeAll(async () => {
    ;[first, second] = await Promise.all([startBroker(), startBroker()])
  })
  afterAll(() => Promise.all([first.stop(), second.stop()]))

  test("what is replayed is what was recorded", async () => {
    const file = join(folder, "messages")
    writeFileSync(file, messages.map((message) => `${JSON.stringify(message)}\n`).join(""))
    const published = () => run(["pub", ...first.flags, "--jsonl", file])
    const one = await recorded(first, messages.length, published)
    expect(untimed(one)).toMatchObject([
      ...messages.map((message) => ({ retain: false, ...message })),
      { end: true, messages: messages.length + 1 },
    ])

    const recording = join(folder, "recording")
    writeFileSync(recording, one)
    const replayed = () => run(["replay", recording, ...second.flags, "-t", "r/#", "--speed", "max"])
    const other = await recorded(second, messages.length, replayed)
    expect(untimed(other)).toEqual(untimed(one))
  })

  test("tells what was retained before from what is retained now", async () => {
    const publish = () => run(["pub", ...first.flags, "-t", "r/now", "-m", "x", "-r"])
    const stored = await run(["pub", ...first.flags, "-t", "r/json", "-n", "-r"])
    expect(stored.exitCode).toBe(0)
    const lines = (await recorded(first, 1, publish)).trimEnd().split("\n")
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { format: "bantam-recording", version: 1, filters: ["begin", "r/#"] },
      { topic: "begin", retain: true, stored: true },
      { topic: "r/now", retain: true },
      { end: true },
    ])
    expect(lines[2]).not.toContain("stored")
    await run(["pub", ...first.flags, "-t", "r/now", "-n", "-r"])
  })

  test("--no-stored leaves out what was retained before, also before MQTT 5", async () => {
    await run(["pub", ...first.flags, "-t", "kept", "-m", "x", "-r", "-q", "1"])
    for (const version of ["5", "311"]) {
      const words = [
        "record",
        "-",
        ...first.flags,
        "-V",
        version,
        "-t",
        "kept",
        "--no-stored",
        "--for",
        "1ms",
      ]
      const { out, error, exitCode } = await run(words)
      expect({ exitCode, lines: out.trimEnd().split("\n").length }).toEqual({ exitCode: 0, lines: 2 })
      expect(error).toContain("recorded 0 messages")
    }
  })

  /** A recording to a file of which it is seen what is written, and when. */
  function startSeen(topic: string) {
    const file = join(folder, "pipe")
    Bun.spawnSync(["mkfifo", file])
    const reader = Bun.spawn(["cat", file], { stdout: "pipe" })
    return { seen: reader.stdout, recording: start(["record", file, "--force", ...first.flags, "-t", topic]) }
  }

  test("a message is in the file before the next one comes, whatever ends us then", async () => {
    await run(["pub", ...first.flags, "-t", "kill", "-m", "x", "-r", "-q", "1"])
    const { seen, recording } = startSeen("kill")
    const text = await readUntil(seen, "}\n{")
    recording.kill("SIGKILL")
    const file = join(folder, "recording")
    writeFileSync(file, text + (await readRest(seen)))
    const { exitCode, error } = await run(["replay", file, ...first.flags])
    expect(exitCode).toBe(0)
    expect(error).toStartWith("bantam: replayed 1 message in ")
  })

  test("a last line that was not finished is told of, and the rest replayed", async () => {
    const file = join(folder, "recording")
    const line = '{"at":0,"topic":"torn","qos":0,"retain":false,"payload":"x"}\n'
    writeFileSync(file, `{"format":"bantam-recording","version":1}\n${line}{"at":5,"topic":"to`)
    const { exitCode, error } = await run(["replay", file, ...first.flags])
    expect(exitCode).toBe(0)
    expect(error).toContain(`${file}:3: the line was not written to its end, and is left out\n`)
    expect(error).toContain("replayed 1 message in")
  })

  test("a full disk is a failure", async () => {
    const { exitCode, error } = await run(["record", "/dev/full", "--force", ...first.flags, "-t", "x"])
    expect(exitCode).toBe(1)
    expect(error).toStartWith("bantam: /dev/full: ENOSPC: no space left on device")
    expect(error.trimEnd()).not.toContain("\n")
  })

  test("Ctrl-C ends a recording, and says how many there are", async () => {
    const { seen, recording } = startSeen("begin")
    await readUntil(seen, '"stored":true')
    recording.kill("SIGINT")
    expect(await readRest(seen)).toContain('"end":true,"messages":1}')
    expect(await recording.stderr.text()).toStartWith("bantam: recorded 1 message in ")
    expect(await recording.exited).toBe(0)
  })

  test("a file that is there stays as it is", async () => {
    const file = join(folder, "recording")
    writeFileSync(file, "mine")
    const { exitCode, error } = await run(["record", file, ...first.flags])
    expect({ exitCode, error }).toEqual({
      exitCode: 1,
      error: `bantam: ${file}: is there already; add --append or --force, or choose another file\n`,
    })
    expect(readFileSync(file, "utf8")).toBe("mine")
  })

  test("no file is left of a recording that nobody allowed", async () => {
    const closed = await startBroker("--set", "security.default_access=deny")
    const file = join(folder, "recording")
    const { exitCode, error } = await run(["record", file, ...closed.flags])
    await closed.stop()
    expect({ exitCode, error }).toEqual({
      exitCode: 135,
      error: "bantam: all subscription requests were denied: not authorized (135)\n",
    })
    expect(await Bun.file(file).exists()).toBe(false)
  })

  test("all options of a connection hold, -L and -D among them", async () => {
    const url = `mqtt://${first.flags[1]}:${first.flags[3]}/begin`
    const words = ["record", "-", "-L", url, "-C", "1", "-D", "connect", "user-property", "a", "b"]
    const { exitCode, out } = await run(words)
    expect(exitCode).toBe(0)
    expect(out).toContain('"filters":["begin"]')
    expect(out).toContain('"topic":"begin"')
  })
})

describe("what bantam record asks a server for", () => {
  const kept = { subscriptionIdentifiers: [1] }
  const live = { subscriptionIdentifiers: [2] }

  test.each([
    [
      "MQTT 5",
      5,
      {},
      [],
      [
        [0, true, kept],
        [2, true, live],
      ],
    ],
    ["MQTT 5 and --no-stored", 5, {}, ["--no-stored"], [[2, true, live]]],
    ["no subscription identifiers", 5, { subscriptionIdentifiersAvailable: false }, [], [[0, true, {}]]],
    // It has no word for either option.
    ["MQTT 3.1.1", 4, {}, [], [[0, false, {}]]],
  ] as const)("%s", async (_, version, properties, words, expected) => {
    using server = startScripted(version, (packet) => {
      if (packet.type === "connect") return [connack({ properties })]
      if (packet.type !== "subscribe") return []
      return [
        { type: "suback", packetId: packet.packetId, reasonCodes: [ReasonCode.success], properties: {} },
      ]
    })
    const { exitCode } = await run(["record", "-", ...server.flags, "-q", "1", "--for", "1ms", ...words])
    expect(exitCode).toBe(0)
    const asked = server.heard
      .filter((packet) => packet.type === "subscribe")
      .map(({ requests, properties: ours }) => [
        requests[0]?.retainHandling,
        requests[0]?.retainAsPublished,
        ours,
      ])
    expect(asked).toEqual(expected.map((each) => [...each]))
  })
})

test("what a session sends before it is asked stands behind the header", async () => {
  using server = startScripted(5, (packet) =>
    packet.type === "connect" ? [connack({ sessionPresent: true }), publish({ topic: "early" })] : [],
  )
  const words = ["record", "-", ...server.flags, "-c", "-i", "me", "-C", "1"]
  const { exitCode, out } = await run(words)
  expect(exitCode).toBe(0)
  const [header = "", message = ""] = out.split("\n")
  expect(JSON.parse(header)).toMatchObject({ format: "bantam-recording" })
  expect(JSON.parse(message)).toMatchObject({ topic: "early" })
})

describe("a wrong command line", () => {
  test.each([
    ["record", "missing required argument 'file'"],
    ["record f -t a/#/b", "-t a/#/b: in a topic filter"],
    ["record f --force --append", "--force and --append exclude each other"],
    ["record - -d", "-d prints to standard output, where the recording goes"],
    ["record f --for soon", "It must be a time, such as 10s"],
    ["record f --as-mosquitto", "Mosquitto has no record: leave out --as-mosquitto"],
    ["record /nonexistent/f --ws -A ::1", "--proxy and -A are for TCP"],
    ["replay", "missing required argument 'file'"],
    ["replay - --loop", "standard input cannot be read again"],
    ["replay f --speed fast", "It must be a factor, such as 2x"],
    ["replay f --speed 0x", "It must be a factor, such as 2x"],
    ["replay f --from 2s --until 1s", "--from must be before --until"],
    ["replay f --topic-prefix a/+/", "without + and #"],
    ["replay f -t a/#/b", "-t a/#/b: in a topic filter"],
  ])("%s", async (words, problem) => {
    const { exitCode, out, error } = await run(words.split(" "))
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
    expect(error).toContain(problem)
    expect(error.trimEnd()).not.toContain("\n")
  })
})
