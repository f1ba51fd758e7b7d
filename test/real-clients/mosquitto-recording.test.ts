import { afterEach, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { MosquittoBroker } from "./mosquitto-broker.ts"
import { RunningProgram } from "./program-output.ts"
import { describeWith, mosquittoBroker, mosquittoClients } from "./tools.ts"

describeWith(
  "mosquitto",
  mosquittoClients() === undefined ? undefined : mosquittoBroker(),
  "a real Mosquitto is recorded, and gets it back",
  (program) => {
    let mosquitto: MosquittoBroker
    beforeEach(async () => {
      mosquitto = new MosquittoBroker(program)
      await mosquitto.start("allow_anonymous true\n")
    })
    afterEach(() => mosquitto.remove())

    const theirs = (name: string, words: readonly string[]) => {
      const door = ["--unix", mosquitto.socket, "-V", "mqttv5"]
      return new RunningProgram([join(mosquittoClients() ?? "", name), ...door, ...words])
    }
    const publish = (...words: readonly string[]) => theirs("mosquitto_pub", words).rest()
    const ours = async (words: readonly string[]) => {
      return new RunningProgram([await executable(), ...words, "--unix", mosquitto.socket, "--quiet"])
    }

    test("with retain flags, properties and bytes that are no text", async () => {
      await publish("-t", "old", "-m", "before", "-r", "-q", "1")
      const recording = await ours(["record", "-", "-t", "#", "-C", "4"])
      const stored = await recording.line(/stored/)
      await publish("-t", "new", "-m", "now", "-r", "-q", "2")
      const property = ["-D", "publish", "user-property", "a", "b"]
      await publish("-t", "properties", "-m", "x", ...property, ...property)
      const file = mosquitto.write("bytes", "")
      await Bun.write(file, new Uint8Array([0xff, 0, 0x0a]))
      await publish("-t", "bytes", "-f", file, "-q", "1")
      const lines = [stored, ...(await recording.rest())]
      expect(lines.map((line) => ({ ...JSON.parse(line), at: 0 }) as unknown)).toEqual([
        { at: 0, topic: "old", qos: 1, retain: true, stored: true, payload: "before" },
        { at: 0, topic: "new", qos: 2, retain: true, payload: "now" },
        {
          at: 0,
          topic: "properties",
          qos: 0,
          retain: false,
          properties: {
            userProperties: [
              ["a", "b"],
              ["a", "b"],
            ],
          },
          payload: "x",
        },
        { at: 0, topic: "bytes", qos: 1, retain: false, payloadBase64: "/wAK" },
        { at: 0, end: true, messages: 4 },
      ])

      const words = [
        "-t",
        "again/#",
        "-q",
        "2",
        "-C",
        "4",
        "--retain-as-published",
        "-F",
        "got %t %q %r %P %x",
      ]
      const subscriber = theirs("mosquitto_sub", ["-d", ...words])
      await subscriber.line(/^Subscribed/)
      const recorded = mosquitto.write(
        "recording",
        `{"format":"bantam-recording","version":1}\n${lines.join("\n")}`,
      )
      await (await ours(["replay", recorded, "--topic-prefix", "again/"])).rest()
      expect((await subscriber.rest()).filter((line) => line.startsWith("got"))).toEqual([
        "got again/old 1 1  6265666f7265",
        "got again/new 2 1  6e6f77",
        "got again/properties 0 0 a:b a:b 78",
        "got again/bytes 1 0  ff000a",
      ])
    })

    test("pub --csv, --jsonl and templates arrive as they are written", async () => {
      const subscriber = theirs("mosquitto_sub", [
        "-d",
        "-t",
        "#",
        "-q",
        "2",
        "-C",
        "5",
        "-F",
        "got %t %q %p",
      ])
      await subscriber.line(/^Subscribed/)
      const table = mosquitto.write("table", 'topic,payload,qos\na,"x, ""y""",1\nb,{{n}},2\n')
      await (await ours(["pub", "--csv", table])).rest()
      const objects = mosquitto.write("objects", '{"topic":"c","payload":{"n":12345678901234567890}}\n')
      await (await ours(["pub", "--jsonl", objects])).rest()
      const words = ["--template", "-t", "d/{{n}}", "-m", "{{random 7 7}}", "--repeat", "2", "--rate", "1000"]
      await (await ours(["pub", ...words])).rest()
      expect((await subscriber.rest()).filter((line) => line.startsWith("got"))).toEqual([
        'got a 1 x, "y"',
        "got b 2 {{n}}",
        'got c 0 {"n":12345678901234567890}',
        "got d/1 0 7",
        "got d/2 0 7",
      ])
    })
  },
)
