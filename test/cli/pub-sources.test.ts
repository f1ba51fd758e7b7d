import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Publish } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, connack } from "../client/scripted-server.ts"
import { freshDirectory, run, start } from "./program.ts"
import { type Script, startScripted } from "./pub-sub-server.ts"

let folder: string
beforeEach(() => {
  folder = freshDirectory()
})
afterEach(() => rmSync(folder, { recursive: true }))

const accepts: Script = (packet) => {
  if (packet.type === "connect") return [connack()]
  if (packet.type !== "publish" || packet.packetId === undefined) return []
  return [acknowledgement(packet.qos === 1 ? "puback" : "pubrec", packet.packetId, ReasonCode.success)]
}

function fileOf(text: string): string {
  const file = join(folder, "messages")
  writeFileSync(file, text)
  return file
}

/** What a server hears of a call of pub. */
async function published(words: readonly string[], stdin = "") {
  using server = startScripted(5, accepts)
  const { exitCode, out, error } = await run(["pub", ...server.flags, ...words], { stdin })
  const messages = server.heard.filter((packet): packet is Publish => packet.type === "publish")
  return {
    exitCode,
    out,
    error,
    messages,
    lines: messages.map(({ topic, qos, retain, payload }) => {
      return `${topic} ${qos}${retain ? " retained" : ""} ${Buffer.from(payload).toString()}`
    }),
    saidGoodbye: server.heard.at(-1)?.type === "disconnect",
  }
}

const fine = { exitCode: 0, out: "", error: "" }

describe("pub --template", () => {
  test("fills in the topic and the payload, and counts", async () => {
    const words = ["--template", "-t", "t/{{n}}", "-m", '{"v":{{random 5 5}},"n":{{n}}}', "--repeat", "3"]
    expect(await published(words)).toMatchObject({
      ...fine,
      lines: ['t/1 0 {"v":5,"n":1}', 't/2 0 {"v":5,"n":2}', 't/3 0 {"v":5,"n":3}'],
    })
  })

  test("takes -f and -s as well", async () => {
    expect((await published(["--template", "-t", "t", "-f", fileOf("f {{n}}")])).lines).toEqual(["t 0 f 1"])
    expect((await published(["--template", "-t", "t", "-s"], "s {{n}}\n")).lines).toEqual(["t 0 s 1\n"])
  })

  test("surrounds the lines of -l", async () => {
    const words = ["-l", "--template", "-t", "t/{{n}}", "-m", "<{{line}}>"]
    expect((await published(words, "a\nb {{n}}\n")).lines).toEqual(["t/1 0 <a>", "t/2 0 <b {{n}}>"])
  })

  const homeAssistant = "{{ states('sensor.x') }} {{n}} \\{{"

  test("without it, braces are braces", async () => {
    const words = [["-m", homeAssistant], ["-f", fileOf(homeAssistant)], ["-s"], ["-l"]]
    for (const each of words) {
      expect((await published(["-t", "{{n}}", ...each], homeAssistant)).lines).toEqual([
        `{{n}} 0 ${homeAssistant}`,
      ])
    }
    const [object] = [{ topic: "{{n}}", payload: homeAssistant }]
    expect((await published(["--jsonl", "-"], JSON.stringify(object))).lines).toEqual([
      `{{n}} 0 ${homeAssistant}`,
    ])
  })
})

describe("pub --csv", () => {
  const table = `topic,payload,qos,retain\r\na,"x, ""y""\nz",1,true\r\nb,é,,\r\n\r\nc,,0,false\r\n`

  test("takes topic, payload, QoS and retain flag from the columns", async () => {
    const expected = ['a 1 retained x, "y"\nz', "b 0 é", "c 0 "]
    expect(await published(["--csv", fileOf(table)])).toMatchObject({ ...fine, lines: expected })
    expect(await published(["--csv", "-"], `\ufeff"topic"${table.slice(5)}`)).toMatchObject({
      ...fine,
      lines: expected,
    })
  })

  test("fills templates from any columns", async () => {
    const words = ["--csv", "-", "--template", "-t", "device/{{id}}", "-m", "{{room name}} {{n}}"]
    expect((await published(words, "id,room name\n7,study\n8,{{n}}\n")).lines).toEqual([
      "device/7 0 study 1",
      "device/8 0 {{n}} 2",
    ])
  })

  test.each([
    ["", "standard input: is empty; the first row must name the columns"],
    ["a,b\n", "standard input:1: no column is called topic; name one so, or add -t TOPIC"],
    ["topic,text\n", "standard input:1: no column is called payload; name one so, or add --template -m TEXT"],
    ["a,a\n", "standard input:1: two columns are called a; rename one"],
    [new Uint8Array([0x61, 0xe9, 0x0a]), "standard input: is no UTF-8 text; save it as UTF-8"],
  ])("%j is no such table, and nobody is connected to", async (text, problem) => {
    using server = startScripted(5, accepts)
    const outcome = await run(["pub", ...server.flags, "--csv", "-"], { stdin: text })
    expect(outcome).toEqual({ exitCode: 1, out: "", error: `bantam: ${problem}\n` })
    expect(server.heard).toEqual([])
  })

  test.each([
    ["a,x,3,\n", ':3: qos must be 0, 1 or 2, and is "3"; 1 message published before'],
    ["a,x,,ja\n", ':3: retain must be true or false, and is "ja"; 1 message published before'],
    ["a/+,x,,\n", ':3: topic "a/+" is empty, or holds + or #; 1 message published before'],
    ["a,x\n", "on line 3; 1 message published before"],
    ['a,"x\n', "; 1 message published before"],
    ['a,x"\n', "; 1 message published before"],
  ])("%j ends it", async (row, problem) => {
    const outcome = await published(
      ["--csv", "-", "-q", "1"],
      `topic,payload,qos,retain\nok,x,,\n${row}last,x,,\n`,
    )
    expect(outcome).toMatchObject({ exitCode: 1, out: "", lines: ["ok 1 x"], saidGoodbye: true })
    expect(outcome.error).toStartWith("bantam: standard input")
    expect(outcome.error).toEndWith(`${problem}\n`)
  })
})

describe("pub --jsonl", () => {
  test("takes what sub -F %j prints", async () => {
    const printed =
      '{"tst":"2026-11-30T07:10:00.000000+0000","topic":"a","qos":1,"retain":true,"payloadlen":1,"mid":3,' +
      '"properties":{"content-type":"text","user-properties":[{"a":"b"}]},"payload":"x"}\n'
    const { messages, lines, error } = await published(["--jsonl", "-"], `${printed}\n`)
    expect({ lines, error }).toEqual({ lines: ["a 1 retained x"], error: "" })
    expect(messages[0]?.properties).toEqual({ contentType: "text", userProperties: [["a", "b"]] })
  })

  test("-D, -q, -r and -t say what the objects leave open", async () => {
    const words = ["--jsonl", "-", "-t", "mine", "-q", "1", "-r", "-D", "publish", "content-type", "text"]
    const { messages, lines } = await published(
      words,
      '{"topic":"a","payload":1}\n{"payload":2,"qos":0,"retain":false}\n',
    )
    expect(lines).toEqual(["mine 1 retained 1", "mine 0 2"])
    expect(messages[0]?.properties).toEqual({ contentType: "text" })
  })

  test("fills templates from any keys", async () => {
    const words = [
      "--jsonl",
      "-",
      "--template",
      "-t",
      "e/{{kind}}",
      "-m",
      "{{data.text}} {{data.list}} {{a.b}}",
    ]
    const objects = '{"kind":"x","data":{"text":"hi","list":[1, 2]},"a.b":true}\n'
    expect((await published(words, objects)).lines).toEqual(["e/x 0 hi [1,2] true"])
  })

  test("numbers are published as they were written", async () => {
    const object = '{"topic":"a","payload":{"id":12345678901234567890,"t":1.50,"e":1e400}}'
    expect((await published(["--jsonl", "-"], object)).lines).toEqual([
      'a 0 {"id":12345678901234567890,"t":1.50,"e":1e400}',
    ])
  })

  test.each([
    ["no json", ":2: is no JSON ("],
    ["[1]", ":2: must be an object in braces; 1 message published before"],
    ["{}", ":2: no topic; write one there, or add -t TOPIC; 1 message published before"],
    [
      '{"topic":"a"}',
      ":2: no payload; write one there, or add --template -m TEXT; 1 message published before",
    ],
    ['{"topic":"a","payload":"","qos":9}', ":2: qos must be 0, 1 or 2; 1 message published before"],
    ['{"format":"bantam-recording","version":1}', ":2: this is a recording; play it with bantam replay"],
  ])("%s ends it", async (line, problem) => {
    const outcome = await published(
      ["--jsonl", "-"],
      `{"topic":"ok","payload":"x"}\n${line}\n{"topic":"b","payload":"x"}`,
    )
    expect(outcome).toMatchObject({ exitCode: 1, out: "", lines: ["ok 0 x"], saidGoodbye: true })
    expect(outcome.error).toStartWith(`bantam: standard input${problem}`)
  })
})

describe("pub --every and --rate", () => {
  test("publish as often as --repeat says", async () => {
    for (const each of [
      ["--every", "1ms"],
      ["--rate", "1000"],
    ]) {
      const { lines, saidGoodbye } = await published(["-t", "t", "-m", "x", ...each, "--repeat", "3"])
      expect({ lines, saidGoodbye }).toEqual({ lines: ["t 0 x", "t 0 x", "t 0 x"], saidGoodbye: true })
    }
  })

  /** Ends a call when the server has heard so many messages. */
  async function interrupted(words: readonly string[], after: number) {
    const heardEnough = Promise.withResolvers<void>()
    let count = 0
    using server = startScripted(5, (packet) => {
      if (packet.type === "publish" && ++count === after) heardEnough.resolve()
      return accepts(packet)
    })
    const running = start(["pub", ...server.flags, "-t", "t", "-m", "x", ...words])
    await heardEnough.promise
    running.kill("SIGINT")
    const exitCode = await running.exited
    return { exitCode, error: await running.stderr.text(), last: server.heard.at(-1)?.type }
  }

  test("go on until Ctrl-C, which is no failure, and says goodbye", async () => {
    const goodbye = { exitCode: 0, error: "", last: "disconnect" } as const
    expect(await interrupted(["-q", "1", "--every", "1ms"], 3)).toEqual(goodbye)
    expect(await interrupted(["--rate", "500"], 3)).toEqual(goodbye)
    // Nobody waits for the next one.
    expect(await interrupted(["--every", "1d"], 1)).toEqual(goodbye)
  })

  test("Ctrl-C before the last one is a failure, and says goodbye", async () => {
    const words = ["--every", "1ms", "--repeat", "1000000"]
    expect(await interrupted(words, 3)).toEqual({ exitCode: 130, error: "", last: "disconnect" })
  })

  test("Ctrl-C ends the wait for a server that says nothing", async () => {
    const asked = Promise.withResolvers<void>()
    using server = startScripted(5, () => {
      asked.resolve()
      return []
    })
    const running = start(["pub", ...server.flags, "-t", "t", "-m", "x"])
    await asked.promise
    running.kill("SIGINT")
    expect(await running.exited).toBe(130)
  })
})

test("pub -l, a line that is no text fills no template", async () => {
  using server = startScripted(4, (packet) => (packet.type === "connect" ? [connack()] : []))
  const words = ["pub", ...server.flags, "-t", "t", "-l", "--template", "-m", "{{line}}!"]
  const { exitCode, error } = await run(words, { stdin: Uint8Array.of(0x61, 0xff, 0x0a) })
  expect(exitCode).toBe(1)
  expect(error).toBe(
    "bantam: standard input: hex 61ff is no UTF-8 text, so it fills no template; nothing published before\n",
  )
})

describe("pub, a wrong command line", () => {
  test.each([
    ["-t t -m x --every 0s", "It must be a time, such as 500ms"],
    ["-t t -m x --every 1", "It must be a time, such as 500ms"],
    ["-t t -m x --rate 0", "It must be a number of messages a second"],
    ["-t t -m x --every 1s --rate 1", "--every and --rate exclude each other"],
    ["-t t -m x --every 1s --repeat-delay 1", "--repeat-delay waits after each message"],
    ["--csv f --jsonl f", "-l, --csv and --jsonl exclude each other"],
    ["-l -t t --csv f", "-l, --csv and --jsonl exclude each other"],
    ["--csv f -m x", "beside --csv or --jsonl are templates: add --template"],
    ["--csv f -m x --template --repeat 2", "--repeat repeats one message"],
    ["--jsonl - -s --template", "-s reads all of standard input"],
    ["--csv /nonexistent/f", "/nonexistent/f: cannot be read (ENOENT)"],
    ["-t t --template", "say what to publish with one of"],
    ["-t t/{{x}} -m x --template", "-t: {{x}} is not known; known are n, now,"],
    ["-t t -m {{x}} --template", "payload: {{x}} is not known; known are n, now,"],
    ["-t t -m {{n --template", "payload: {{n: no }} ends it"],
    ["-t t -l -m {{x}} --template", "and the field line"],
    ["-m {{n}} --template", "no topic: add -t TOPIC"],
  ])("%s", async (words, problem) => {
    const { exitCode, out, error } = await run(["pub", ...words.split(" ")])
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
    expect(error).toContain(problem)
    expect(error.trimEnd()).not.toContain("\n")
  })
})
