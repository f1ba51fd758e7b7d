import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type RunningBroker, startBroker } from "bantam-mqtt"
import type { Findings } from "../../cli/bench/findings.ts"
import { connectClient } from "../../src/client/client.ts"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { MosquittoBroker } from "../real-clients/mosquitto-broker.ts"
import { describeWith, mosquittoBroker } from "../real-clients/tools.ts"
import { acknowledgement, connack } from "../client/scripted-server.ts"
import { readUntil, run, start } from "./program.ts"
import { type Script, startScripted } from "./pub-sub-server.ts"

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())

/** A run that goes well, told as JSON. */
async function findings(...words: readonly string[]): Promise<Findings> {
  const { out, error, exitCode } = await run(["bench", ...words, "--json"])
  expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
  return JSON.parse(out)
}

const plain = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

/** A run that would take an hour, and of whose messages some are acknowledged. */
async function underWay({ url, host, port }: RunningBroker, ...more: readonly string[]) {
  const heard = Promise.withResolvers<void>()
  // Ten publishers have twenty on their way each.
  let left = 201
  const listener = await connectClient(
    { scheme: "tcp", host, port },
    { version: 5, clientId: "listener", onMessage: () => void (--left === 0 && heard.resolve()) },
  )
  await listener.subscribe([{ filter: "under-way/+", ...plain }])
  const words = ["-t", "under-way", "-q", "1", "--for", "1h", "--warm-up", "0s"]
  const process = start(["bench", "pub", url, ...words, ...more])
  await heard.promise
  return {
    process,
    async [Symbol.asyncDispose](): Promise<void> {
      process.kill()
      await process.exited
      await listener.disconnect()
    },
  }
}

const nothingWrong = { lost: 0, duplicated: 0, outOfOrder: 0, isBreach: false }

describe("bantam bench", () => {
  test.each([0, 1, 2])("pub: all that is published at QoS %d is acknowledged", async (qos) => {
    const found = await findings("pub", broker.url, "-q", String(qos), "--count", "700", "--publishers", "3")
    expect(found).toMatchObject({ ended: "count", faults: nothingWrong, refused: [] })
    expect(found.rates.published?.count).toBe(700)
    expect(found.rates.acknowledged?.count).toBe(qos === 0 ? undefined : 700)
    expect(found.latencies.acknowledgement?.count).toBe(qos === 0 ? undefined : 700)
  })

  test.each([0, 1, 2])("fanout: each message at QoS %d comes to each subscriber once", async (qos) => {
    const words = ["-q", String(qos), "--count", "500", "--subscribers", "4", "--topics", "3"]
    const found = await findings("fanout", broker.url, ...words)
    expect(found).toMatchObject({ ended: "count", faults: nothingWrong })
    expect(found.rates.published?.count).toBe(500)
    expect(found.rates.delivered?.count).toBe(2_000)
    expect(found.latencies.delivery?.count).toBe(2_000)
  })

  test("sub: subscribers that are dealt out among the topics get those of theirs", async () => {
    const words = ["--subscribers", "6", "--topics", "3", "--publishers", "2", "--count", "300"]
    const found = await findings("sub", broker.url, "-q", "1", "--rate", "max", ...words)
    expect(found).toMatchObject({ ended: "count", faults: nothingWrong })
    expect(found.rates.delivered?.count).toBe(600)
  })

  test("fanin: many publishers, one subscriber, at a rate", async () => {
    const words = ["--publishers", "5", "--count", "400", "--rate", "4000"]
    const found = await findings("fanin", broker.url, "-q", "1", ...words)
    expect(found).toMatchObject({ ended: "count", faults: nothingWrong })
    expect(found.rates.delivered?.count).toBe(400)
    expect(found.load.ratePerSecond).toBe(4_000)
    expect(found.generator.sentLateP99).toBeNumber()
  })

  test("fanin --share: each message comes to one of the group", async () => {
    const words = ["--share", "--subscribers", "3", "--publishers", "4", "--count", "900"]
    const found = await findings("fanin", broker.url, "-q", "1", ...words)
    expect(found).toMatchObject({ ended: "count", faults: nothingWrong })
    expect(found.rates.delivered?.count).toBe(900)
  })

  test.each(["--clients", "--rate"])("conn %s: connections come and go", async (option) => {
    const found = await findings("conn", broker.url, "--count", "60", option, "50")
    expect(found).toMatchObject({ ended: "count", refused: [] })
    expect(found.rates).toMatchObject({ connected: { count: 60, bytesPerSecond: null } })
    expect(found.latencies.connect?.count).toBe(60)
  })

  test("conn --count: the one that only sees whether we are let in is not measured", async () => {
    const heldMs = 2_000
    let isFirst = true
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, chunk) {
          // One packet comes at a time: CONNECT, then DISCONNECT.
          if (chunk[0] !== 0x10) return void socket.end()
          const answer = () => void socket.write(encodePacket(connack(), 5))
          if (isFirst) setTimeout(answer, heldMs)
          else answer()
          isFirst = false
        },
      },
    })
    const found = await findings("conn", `mqtt://127.0.0.1:${server.port}`, "--count", "1", "--clients", "1")
    expect(found.rates.connected?.count).toBe(1)
    expect(found.seconds).toBeLessThan(heldMs / 1000)
  })

  test.each([1, 2])("offline: what has queued up at QoS %d comes once, in order", async (qos) => {
    const words = ["-q", String(qos), "--count", "600", "--subscribers", "3", "--publishers", "2"]
    const found = await findings("offline", broker.url, ...words)
    expect(found).toMatchObject({ ended: "count", faults: nothingWrong })
    expect(found.rates.filled?.count).toBe(600)
    expect(found.rates.drained?.count).toBe(600)
  })

  test("by time: nothing is lost of what was under way at the end", async () => {
    const words = ["--for", "300ms", "--warm-up", "100ms", "-q", "1"]
    const found = await findings("fanout", broker.url, ...words)
    expect(found).toMatchObject({ ended: "time", faults: nothingWrong })
    expect(found.rates.delivered?.count).toBeGreaterThan(0)
  })

  test("leaves nothing behind: no session, no retained message", async () => {
    await findings("offline", broker.url, "--count", "50", "--subscribers", "2", "--id-prefix", "left")
    await findings("fanin", broker.url, "--count", "50", "-q", "2")
    const marker = Promise.withResolvers<string>()
    const sessions: boolean[] = []
    for (const clientId of ["left-away-0", "left-away-1"]) {
      const client = await connectClient(
        { scheme: "tcp", host: broker.host, port: broker.port },
        {
          version: 5,
          clientId,
          cleanStart: false,
          onPacket: (_, packet) => void (packet.type === "connack" && sessions.push(packet.sessionPresent)),
          onMessage: ({ topic }) => marker.resolve(topic),
        },
      )
      await client.subscribe([{ filter: "#", ...plain }])
      await client.publish({ topic: "marker", payload: new Uint8Array(0), qos: 1 })
      expect(await marker.promise).toBe("marker")
      await client.disconnect()
    }
    expect(sessions).toEqual([false, false])
  })

  test("has a stable JSON", async () => {
    const found = await findings(
      "fanout",
      broker.url,
      "--count",
      "20",
      "-q",
      "1",
      "--size",
      "100",
      "-V",
      "311",
    )
    expect(Object.keys(found)).toEqual(
      "format shape broker load ended seconds rates latencies faults refused generator remarks".split(" "),
    )
    expect(found.format).toBe(1)
    expect(found.broker).toBe(broker.url.replace("mqtt:", "tcp:"))
    expect(found.load).toEqual({
      publishers: 1,
      subscribers: 10,
      topics: 1,
      qos: 1,
      payloadBytes: 100,
      inFlight: 20,
      ratePerSecond: null,
      shared: false,
      mqtt: "3.1.1",
    })
    expect(Object.keys(found.rates)).toEqual(["published", "acknowledged", "delivered"])
    expect(Object.keys(found.rates.delivered ?? {})).toEqual(["count", "perSecond", "bytesPerSecond"])
    expect(Object.keys(found.latencies)).toEqual(["acknowledgement", "delivery"])
    expect(Object.keys(found.latencies.delivery ?? {})).toEqual(
      "count p50 p90 p99 p999 maximum histogram".split(" "),
    )
    expect(Object.keys(found.generator)).toEqual(["cpuShare", "longestAwayMs", "sentLateP99"])
  })

  test("tells a person the same, without colours or a bar in a pipe", async () => {
    const { out, error, exitCode } = await run(["bench", "fanout", broker.url, "--count", "100", "-q", "1"])
    expect({ error, exitCode }).toEqual({ error: "", exitCode: 0 })
    expect(out).toStartWith(`fanout ${broker.url.replace("mqtt:", "tcp:")}; MQTT 5.0, QoS 1, 64 bytes\n`)
    expect(out).toMatch(/^delivered +1,000 /m)
    expect(out).toMatch(/^p99\.9 +[\d.,]+ µs|ms +[\d.,]+ µs|ms$/m)
    expect(out).toMatch(/^ *≤ [\d.,]+ (µs|ms|s) +[█▏▎▍▌▋▊▉]+ +[\d.]+ %$/m)
    expect(out).toContain("lost 0, duplicated 0, out of order 0\n")
    expect(out).not.toContain("\u001B")
  })

  test("Ctrl-C ends it early, with what was measured so far", async () => {
    await using run = await underWay(broker)
    run.process.kill("SIGINT")
    expect(await readUntil(run.process.stdout, "ended early by you")).toContain("pub ")
    expect(await run.process.exited).toBe(0)
  })

  test("Ctrl-C ends a comparison, which has no figures then", async () => {
    await using run = await underWay(broker, "--compare", broker.url)
    run.process.kill("SIGINT")
    expect(await run.process.stdout.text()).toBe("ended before both brokers had a round\n")
    expect(await run.process.exited).toBe(1)
  })

  test("Ctrl-C ends it also while it waits for what a slow broker acknowledges", async () => {
    const bench = Promise.withResolvers<ReturnType<typeof start>>()
    let acknowledged = 0
    using server = startScripted(5, (packet) => {
      if (packet.type === "connect") return [connack()]
      if (packet.type === "disconnect") return ["close"]
      // Of the thousand that the measured part holds, which is over when they are on their way.
      if (packet.type !== "publish" || packet.packetId === undefined || ++acknowledged > 500) return []
      if (acknowledged === 500) void bench.promise.then((process) => process.kill("SIGINT"))
      return [acknowledgement("puback", packet.packetId, ReasonCode.success)]
    })
    const words = ["--publishers", "1", "-q", "1", "--rate", "1000000", "--for", "1ms", "--warm-up", "0s"]
    bench.resolve(start(["bench", "pub", ...server.flags, ...words, "--json"]))
    const process = await bench.promise
    expect(JSON.parse(await process.stdout.text())).toMatchObject({ ended: "interrupted" })
    await process.exited
  })

  test.each([
    ["pub", "--publishers"],
    ["offline", "--subscribers"],
  ])("%s: Ctrl-C ends it also while its clients connect", async (shape, option) => {
    const connected = Promise.withResolvers<void>()
    using server = startScripted(5, (packet) => {
      // Nobody is told that he has subscribed.
      if (packet.type === "connect") return [connack()]
      if (packet.type === "disconnect") return ["close"]
      connected.resolve()
      return []
    })
    const words = [option, "1000", "--connect-rate", "1", "-q", "1", "--json"]
    const process = start(["bench", shape, ...server.flags, ...words])
    if (shape === "offline") await connected.promise
    else while (server.heard.length === 0) await Bun.sleep(1)
    process.kill("SIGINT")
    expect(JSON.parse(await process.stdout.text())).toMatchObject({ ended: "interrupted" })
    expect(await process.exited).toBe(1)
  })

  test("compares two brokers by turns", async () => {
    await using other = await startBroker()
    const words = ["--count", "200", "-q", "1", "--rounds", "2", "--compare", other.url]
    const first = ["-h", broker.host, "-p", String(broker.port)]
    const { out, exitCode } = await run(["bench", "pub", ...first, ...words, "--json"])
    expect(exitCode).toBe(0)
    const { a, b, figures } = JSON.parse(out)
    expect([a, b].map((rounds) => rounds.length)).toEqual([2, 2])
    expect(a[0].broker).toBe(broker.url.replace("mqtt:", "tcp:"))
    expect(b[0].broker).toBe(other.url.replace("mqtt:", "tcp:"))
    expect(figures.map(({ figure }: { figure: string }) => figure)).toEqual(
      "rate p50 p90 p99 p999 maximum".split(" "),
    )
    const told = await run(["bench", "pub", broker.url, ...words])
    expect(told.out).toMatch(/^acknowledged\/s .*(better|worse|within the spread)$/m)
  })
})

/** A server for one subscriber that loses the third message, sends the fifth three times, and the eighth behind the ninth. */
function startFaulty() {
  let hand: ((packet: Packet) => void) | undefined
  const kept: Packet[] = []
  let count = 0
  const deliver = (packet: Packet) => {
    count += 1
    if (count === 3) return
    if (count === 8) return void kept.push(packet)
    for (let copy = 0; copy < (count === 5 ? 3 : 1); copy++) hand?.(packet)
    for (const late of kept.splice(0)) hand?.(late)
  }
  return Bun.listen<FrameReader>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = new FrameReader(1_000_000)),
      data: (socket, chunk) => {
        const frames = socket.data
        const say = (packet: Packet) => void socket.write(encodePacket(packet, 5))
        frames.append(chunk)
        while (frames.next()) {
          const packet = decodePacket(frames.firstByte, frames.bytes, frames.bodyStart, frames.bodyEnd, 5)
          const plain = { reasonCode: ReasonCode.success, properties: {} }
          if (packet.type === "connect") say({ type: "connack", sessionPresent: false, ...plain })
          if (packet.type === "subscribe") {
            hand = say
            const { packetId } = packet
            say({ type: "suback", packetId, reasonCodes: [ReasonCode.grantedQos1], properties: {} })
          }
          if (packet.type === "publish" && packet.packetId !== undefined) {
            say({ type: "puback", packetId: packet.packetId, ...plain })
            deliver(packet)
          }
          if (packet.type === "disconnect") socket.end()
        }
      },
    },
  })
}

describe("bantam bench tells what went wrong", () => {
  test.each(["1", "2"])("publishes that are refused at QoS %s, by reason code", async (qos) => {
    await using closed = await startBroker({ settings: { "security.default_access": "deny" }, log: "none" })
    const words = [closed.url, "-q", qos, "--count", "30", "--publishers", "2"]
    const { out, exitCode } = await run(["bench", "pub", ...words, "--json"])
    expect(exitCode).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      refused: [{ what: "publish", reasonCode: 0x87, reason: "not authorized", count: 30 }],
      faults: nothingWrong,
      rates: { acknowledged: { count: 0 } },
    })
    const told = await run(["bench", "pub", ...words])
    expect(told.out).toContain("publishes refused: 30, not authorized (135)\n")
  })

  test("connections that are refused, in one line", async () => {
    await using closed = await startBroker({ settings: { "security.allow_anonymous": false }, log: "none" })
    for (const shape of ["pub", "conn", "offline"]) {
      const { out, error, exitCode } = await run(["bench", shape, closed.url, "--count", "10"])
      expect({ out, exitCode }).toEqual({ out: "", exitCode: 1 })
      expect(error).toMatch(/^bantam: the server refused the connection: [^\n]+\n$/)
    }
  })

  test("offline: a broker that goes away, and that the sessions could not be ended", async () => {
    const own = await startBroker({ log: "none" })
    const arrived = Promise.withResolvers<void>()
    const listener = await connectClient(
      { scheme: "tcp", host: own.host, port: own.port },
      { version: 5, clientId: "listener", onMessage: () => arrived.resolve() },
    )
    await listener.subscribe([{ filter: "gone/+", ...plain }])
    const words = ["-t", "gone", "--count", "10000000", "--id-prefix", "left", "--json"]
    const process = start(["bench", "offline", own.url, ...words])
    await arrived.promise
    await own.stop()
    const found: Findings = JSON.parse(await process.stdout.text())
    expect(found.ended).toBe("connection-lost")
    expect(found.remarks[0]).toContain("server shutting down")
    expect(found.remarks.at(-1)).toContain("the sessions of left-away-0 and so on could not be ended: ")
    expect(await process.exited).toBe(1)
    await listener.disconnect()
  })

  test("that nothing came, which keeps no bound either", async () => {
    const deaf: Script = (packet) => {
      if (packet.type === "connect") return [connack()]
      if (packet.type === "disconnect") return ["close"]
      if (packet.type !== "subscribe") return []
      const { packetId } = packet
      return [{ type: "suback", packetId, reasonCodes: [ReasonCode.grantedQos0], properties: {} }]
    }
    using server = startScripted(5, deaf)
    const words = ["--subscribers", "1", "--count", "5", "-q", "0"]
    const bench = ["bench", "fanout", ...server.flags, ...words]
    expect(await run(bench)).toMatchObject({ error: "", exitCode: 1 })
    const bound = await run([...bench, "--require", "p99<1s"])
    expect(bound).toMatchObject({
      error: "bantam: p99<1s: not met, there is no latency to tell of\n",
      exitCode: 1,
    })
  })

  test("a broker that grants a lower QoS", async () => {
    await using lower = await startBroker({ settings: { "mqtt.maximum_qos": 1 }, log: "none" })
    for (const shape of ["fanout", "offline"]) {
      const { error, exitCode } = await run(["bench", shape, lower.url, "-q", "2", "--count", "10"])
      expect(exitCode).toBe(1)
      expect(error).toBe("bantam: the broker grants no more than QoS 1: try -q 1\n")
    }
  })

  test("a broker that goes away, with what was measured so far", async () => {
    await using own = await startBroker()
    await using run = await underWay(own)
    await own.stop()
    expect(
      await readUntil(run.process.stdout, "note: the server disconnected: server shutting down"),
    ).toContain("ended early: a connection was lost")
    expect(await run.process.exited).toBe(1)
  })

  test.each(["pub", "conn", "offline"])("%s: that nobody listens there", async (shape) => {
    const { error, exitCode } = await run(["bench", shape, "mqtt://127.0.0.1:1"])
    expect({ error, exitCode }).toEqual({
      error: "bantam: Cannot connect to tcp://127.0.0.1:1: nobody listens there\n",
      exitCode: 1,
    })
  })

  test("a message that comes again, late, or not at all, above QoS 0", async () => {
    const server = startFaulty()
    const words = [
      "-h",
      "127.0.0.1",
      "-p",
      String(server.port),
      "-q",
      "1",
      "--count",
      "20",
      "--subscribers",
      "1",
    ]
    const { out, exitCode } = await run(["bench", "fanout", ...words, "--json"])
    expect(exitCode).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      faults: { lost: 1, duplicated: 2, outOfOrder: 1, isBreach: true },
      rates: { published: { count: 20 }, acknowledged: { count: 20 } },
    })
    server.stop(true)
  })

  test("bounds that do not hold", async () => {
    const words = ["--count", "50", "-q", "1"]
    const kept = await run(["bench", "pub", broker.url, ...words, "--require", "p99<1000s,rate>1,lost<=0"])
    expect({ error: kept.error, exitCode: kept.exitCode }).toEqual({ error: "", exitCode: 0 })
    const broken = await run(["bench", "pub", broker.url, ...words, "--require", "p50<1us,refused<1"])
    expect(broken.exitCode).toBe(1)
    expect(broken.error).toMatch(/^bantam: p50<1us: not met, it was [\d.,]+ (µs|ms|s)\n$/)
  })

  test("options that cannot be", async () => {
    const wrong = async (...words: readonly string[]) => (await run(["bench", ...words])).error
    expect(await wrong("pub", "--size", "3")).toContain("whole number from 12")
    expect(await wrong("pub", "--count", "1", "--for", "1s")).toContain("exclude each other")
    expect(await wrong("offline", "-q", "0")).toContain("-q 0")
    expect(await wrong("sub", "--subscribers", "5", "--topics", "2")).toContain("choose a multiple")
    expect(await wrong("pub", "--require", "p99<10")).toContain("It must be such as p99<10ms")
    expect(await wrong("pub", "--rounds", "1")).toContain("whole number from 2")
    expect(await wrong("pub", "http://localhost")).toContain("It must be mqtt://")
    expect(await wrong("pub", "mqtt://localhost", "-p", "1883")).toContain("stands there twice")
  })
})

describeWith("mosquitto", mosquittoBroker(), "bantam bench puts a load on Mosquitto too", (program) => {
  test("and loses nothing there", async () => {
    const mosquitto = new MosquittoBroker(program)
    try {
      await mosquitto.start("allow_anonymous true\n")
      const url = `unix://${mosquitto.socket}`
      const fanout = await findings("fanout", url, "-q", "1", "--count", "300")
      expect(fanout.rates.delivered?.count).toBe(3_000)
      const offline = await findings("offline", url, "-q", "2", "--count", "300")
      expect(offline.rates.drained?.count).toBe(300)
      const shared = await findings(
        "fanin",
        url,
        "--share",
        "--subscribers",
        "2",
        "-q",
        "2",
        "--count",
        "300",
      )
      expect(shared.rates.delivered?.count).toBe(300)
    } finally {
      await mosquitto.remove()
    }
  })
})
