import { describe, expect, test } from "bun:test"
import { lookUpServer } from "../../cli/srv-lookup.ts"
import type { Packet, Publish } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, bytesOf, connack, publish } from "../client/scripted-server.ts"
import { run } from "./program.ts"
import { type Script, startScripted } from "./pub-sub-server.ts"

/** Grants the subscription, and answers the request. */
function answers(answer: (request: Publish) => readonly Packet[], kept: readonly Packet[] = []): Script {
  return (packet) => {
    switch (packet.type) {
      case "connect":
        return [connack()]
      case "subscribe": {
        const reasonCodes = packet.requests.map(() => ReasonCode.grantedQos2)
        return [{ type: "suback", packetId: packet.packetId, reasonCodes, properties: {} }, ...kept]
      }
      case "publish":
        return answer(packet)
      default:
        return []
    }
  }
}

const response = (payload: string, fields = {}) =>
  publish({ topic: "r", payload: bytesOf(payload), ...fields })

describe("4.10 Request / response: bantam rr", () => {
  test("subscribes before it asks, names the response topic and prints the first response", async () => {
    using server = startScripted(
      5,
      answers(() => [response("1"), response("2")]),
    )
    const words = ["-t", "q", "-e", "r", "-m", "?", "-q", "0", "-D", "publish", "user-property", "a", "b"]
    expect(await run(["rr", ...server.flags, ...words])).toEqual({ exitCode: 0, out: "1\n", error: "" })
    expect(server.heard).toMatchObject([
      { type: "connect", version: 5 },
      { type: "subscribe", requests: [{ filter: "r" }] },
      {
        type: "publish",
        topic: "q",
        payload: bytesOf("?"),
        properties: { responseTopic: "r", userProperties: [["a", "b"]] },
      },
      { type: "disconnect" },
    ])
  })

  test("before MQTT 5 the request names nothing, and is answered all the same", async () => {
    using server = startScripted(
      4,
      answers(() => [response("1")]),
    )
    expect(await run(["rr", ...server.flags, "-t", "q", "-e", "r", "-n"])).toEqual({
      exitCode: 0,
      out: "1\n",
      error: "",
    })
  })

  test("a message that was kept is no response", async () => {
    using server = startScripted(
      5,
      answers(() => [response("new")], [response("old", { retain: true })]),
    )
    expect((await run(["rr", ...server.flags, "-t", "q", "-e", "r", "-m", "?"])).out).toBe("new\n")
  })

  test("a response with other correlation data answers somebody else's request [4.10.1]", async () => {
    const others = response("other", { properties: { correlationData: bytesOf("8") } })
    const ours = response("ours", { properties: { correlationData: bytesOf("7") } })
    using server = startScripted(
      5,
      answers(() => [others, ours]),
    )
    const words = ["-t", "q", "-e", "r", "-m", "?", "-D", "publish", "correlation-data", "7"]
    expect((await run(["rr", ...server.flags, ...words])).out).toBe("ours\n")
  })

  test("a refused request is not waited for", async () => {
    using server = startScripted(
      5,
      answers(({ packetId }) =>
        packetId === undefined ? [] : [acknowledgement("puback", packetId, ReasonCode.notAuthorized)],
      ),
    )
    expect(await run(["rr", ...server.flags, "-t", "q", "-e", "r", "-m", "?", "-q", "1"])).toEqual({
      exitCode: 135,
      out: "",
      error: "bantam: publish to q refused: not authorized (135)\n",
    })
  })

  test("-W bounds the wait", async () => {
    using server = startScripted(
      5,
      answers(() => []),
    )
    expect(await run(["rr", ...server.flags, "-t", "q", "-e", "r", "-m", "?", "-W", "1"])).toEqual({
      exitCode: 27,
      out: "",
      error: "bantam: timed out\n",
    })
  })

  test("--latency prints the time before the response", async () => {
    using server = startScripted(
      5,
      answers(() => [response("1")]),
    )
    const { out } = await run(["rr", ...server.flags, "-t", "q", "-e", "r", "-m", "?", "--latency", "-v"])
    expect(out).toMatch(/^\d+\.\d{3} ms\nr 1\n$/)
  })

  test.each([
    ["-e r -m x", "no topic: add -t TOPIC"],
    ["-t q -m x", "no response topic: add -e TOPIC"],
    ["-t q -e r/+ -m x", "holds neither + nor #"],
    ["-t q -e r", "say what to publish with one of -m, -f, -s and -n"],
    ["-t q -e r -m x -n", "only one message can be published"],
    ["-t q -e r -m x -D publish response-topic r", "-e names the response topic already"],
    ["-t q -e r -m x -r", "unknown option '-r'"],
  ])("%s is refused", async (words, problem) => {
    const { exitCode, out, error } = await run(["rr", ...words.split(" ")])
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" })
    expect(error).toContain(problem)
  })
})

describe("-S asks the DNS", () => {
  const record = (name: string, priority: number, weight: number) => ({ name, port: 1, priority, weight })
  const target = { scheme: "tls", host: "example.org", port: 8883 } as const

  test("the smallest priority is asked first, and there the heaviest", async () => {
    const asked: string[] = []
    const found = await lookUpServer(target, async (name) => {
      asked.push(name)
      return [record("c", 2, 9), record("a", 1, 1), record("b", 1, 5)]
    })
    expect(asked).toEqual(["_secure-mqtt._tcp.example.org"])
    expect(found).toEqual({ ...target, host: "b", port: 1 })
  })

  test("what is not there is told of", async () => {
    const nothing = async () => []
    const failing = async () => Promise.reject(new Error("queryName ENOTFOUND"))
    for (const resolve of [nothing, failing]) {
      const asked = lookUpServer({ scheme: "tcp", host: "h", port: 1883 }, resolve)
      await expect(asked).rejects.toThrow("The DNS has no _mqtt._tcp.h.")
    }
  })
})
