import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { MosquittoBroker } from "../real-clients/mosquitto-broker.ts"
import { describeWith, mosquittoBroker } from "../real-clients/tools.ts"
import { freshDirectory, readUntil, run, start } from "./program.ts"
import { startBroker } from "./pub-sub-server.ts"
import { startAtTerminal } from "./terminal.ts"

let broker: Awaited<ReturnType<typeof startBroker>>
beforeAll(async () => {
  broker = await startBroker("--set", "mqtt.sys_interval_seconds=1")
})
afterAll(() => broker.stop())

const entered = "\u001b[?1049h\u001b[?25l"
const restored = "\u001b[?25h\u001b[?1049l"

describe("bantam top by MQTT, at a terminal", () => {
  const watched = () => startAtTerminal(["top", ...broker.flags, "--every", "200ms"])

  test("draws the broker and its topics, and q gives the terminal back", async () => {
    await using terminal = watched()
    await terminal.until(entered)
    await terminal.until("bantam 0.1.0")
    await terminal.until("Loudest topics")
    await run(["pub", ...broker.flags, "-t", "house/lamp", "-m", "on"])
    await terminal.until("house/lamp")
    // Only what has changed is drawn.
    terminal.type("?")
    await terminal.until("any key goes back")
    terminal.resize(40, 12)
    await terminal.until("\u001b[2J")
    terminal.type(" q")
    const { exitCode, rest } = await terminal.ended()
    expect(exitCode).toBe(0)
    expect(rest).toEndWith(restored)
  })

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s gives the terminal back as well",
    async (signal) => {
      await using terminal = watched()
      await terminal.until("Loudest topics")
      terminal.running.kill(signal)
      const { exitCode, rest } = await terminal.ended()
      expect(exitCode).toBe(0)
      expect(rest).toEndWith(restored)
    },
  )

  test("and so does Ctrl-C", async () => {
    await using terminal = watched()
    await terminal.until("Loudest topics")
    terminal.type("\u0003")
    expect((await terminal.ended()).rest).toEndWith(restored)
  })

  test("that was left right after Ctrl-Z stays given back, however long the broker takes for its farewell", async () => {
    const silent = createServer({ allowHalfOpen: true }, (socket) => {
      const connack = Buffer.from([0x20, 3, 0, 0, 0])
      const suback = Buffer.from([0x90, 5, 0, 1, 0, 0, 0])
      socket.once("data", () => socket.write(connack) && socket.once("data", () => socket.write(suback)))
      socket.on("error", () => {})
    })
    await once(silent.listen(0, "127.0.0.1"), "listening")
    const address = silent.address()
    if (address === null || typeof address === "string") throw new Error("it has no port")
    await using terminal = startAtTerminal(["top", `mqtt://127.0.0.1:${address.port}`])
    await terminal.until("Loudest topics")
    terminal.type("\u001aq")
    expect((await terminal.ended()).rest).toEndWith(restored)
    silent.close()
  })

  test("one that can do nothing gets lines, without escapes", async () => {
    await using terminal = startAtTerminal(["top", ...broker.flags, "--every", "200ms"], {
      env: { TERM: "dumb" },
    })
    await terminal.until("clients ")
    terminal.running.kill("SIGINT")
    const { exitCode, rest } = await terminal.ended()
    expect(exitCode).toBe(0)
    expect(rest).not.toContain("\u001b")
  })
})

describe("bantam top at the admin socket of a broker", () => {
  let directory: string
  let serving: ReturnType<typeof start>
  let flags: readonly string[]
  beforeAll(async () => {
    directory = freshDirectory()
    const ready = join(directory, "ready")
    const data = ["--data", join(directory, "data")]
    serving = start(["serve", ...data, "--port", "0", "--ready-file", ready])
    await readUntil(serving.stdout, "durability")
    const { urls } = await Bun.file(ready).json()
    flags = ["-h", "127.0.0.1", "-p", new URL(urls[0]).port]
  })
  afterAll(async () => {
    serving.kill()
    await serving.exited
    rmSync(directory, { recursive: true })
  })
  const top = (...words: readonly string[]) => ["top", "--data", join(directory, "data"), ...words]

  test("shows clients, and ends the connection of the one that is chosen", async () => {
    const noisy = start([
      "pub",
      ...flags,
      "-i",
      "noisy",
      "-t",
      "house/lamp",
      "-m",
      "on",
      "--repeat",
      "100000",
      "--repeat-delay",
      "0.02",
    ])
    await using terminal = startAtTerminal(top("--every", "200ms"))
    await terminal.until("Busy clients")
    await terminal.until("noisy")
    await terminal.until("house/lamp")
    // The other table, its first row, kick it, and not after all; then do.
    terminal.type("\t")
    terminal.type("\u001b[B")
    terminal.type("k")
    await terminal.until("end the connection of noisy? y/n")
    terminal.type("n")
    await terminal.until("q quit")
    expect(noisy.exitCode).toBeNull()
    terminal.type("k")
    await terminal.until("end the connection of noisy? y/n")
    terminal.type("y")
    await terminal.until("the connection of noisy is ended")
    expect(await noisy.exited).not.toBe(0)
    terminal.type("q")
    expect((await terminal.ended()).rest).toEndWith(restored)
  }, 20_000)

  test("--json tells of the clients too", async () => {
    const listening = start(["sub", ...flags, "-i", "listener", "-t", "counted/#"])
    const publishing = start([
      "pub",
      ...flags,
      "-i",
      "noisy",
      "-t",
      "counted/a",
      "-m",
      "12345",
      "--repeat",
      "100000",
      "--repeat-delay",
      "0.02",
    ])
    await readUntil(listening.stdout, "12345")
    const { out, error } = await run(top("--once", "--json", "--every", "500ms"))
    publishing.kill()
    listening.kill()
    await Promise.all([publishing.exited, listening.exited])
    expect(error).toBe("")
    const found = JSON.parse(out)
    expect(found).toMatchObject({
      source: "management",
      version: "bantam 0.1.0",
      clients: 2,
      queued: 0,
      warnings: [],
    })
    expect(found.topics[0].topic).toBe("counted/a")
    expect(found.topics[0].bytesPerSecond / found.topics[0].messagesPerSecond).toBeCloseTo(5, 1)
    expect(found.rates.messagesIn).toBeGreaterThan(0)
    const clients = found.clientList.map(({ client }: { client: string }) => client).toSorted()
    expect(clients).toEqual(["listener", "noisy"])
  }, 20_000)

  test("says what else can be done where no broker answers", async () => {
    const { exitCode, out, error } = await run(["top", "--data", join(directory, "nowhere"), "--once"])
    expect({ exitCode, out, lines: error.split("\n").length }).toEqual({ exitCode: 1, out: "", lines: 2 })
    expect(error).toStartWith("bantam: no broker answers at ")
    expect(error).toEndWith("; any broker can be watched by MQTT: bantam top mqtt://HOST\n")
  })
})

describe("bantam top in a pipe", () => {
  test("prints a line each interval, until it is told to stop", async () => {
    const running = start(["top", ...broker.flags, "--every", "200ms"])
    await readUntil(running.stdout, "\n")
    await readUntil(running.stdout, "\n")
    running.kill("SIGINT")
    expect([await running.exited, await running.stderr.text()]).toEqual([0, ""])
  })

  test("--once --json is one object, and counts what is published meanwhile", async () => {
    const looking = start(["top", ...broker.flags, "--once", "--json", "--every", "1s", "-t", "counted/#"])
    const publishing = start([
      "pub",
      ...broker.flags,
      "-t",
      "counted/a",
      "-m",
      "1",
      "--repeat",
      "100000",
      "--repeat-delay",
      "0.02",
    ])
    const found = JSON.parse(await looking.stdout.text())
    publishing.kill()
    await publishing.exited
    expect(await looking.exited).toBe(0)
    expect(found).toMatchObject({ source: "mqtt", version: "bantam 0.1.0", clientList: null, trouble: null })
    expect(found.topics[0]).toMatchObject({ topic: "counted/a" })
    expect(found.totals.messagesIn).toBeGreaterThan(0)
  }, 20_000)

  test("without a broker is one line of what is wrong", async () => {
    const outcome = await run(["top", "mqtt://127.0.0.1:1", "--once"])
    expect(outcome).toMatchObject({ exitCode: 14, out: "" })
    expect(outcome.error).toStartWith("bantam: Cannot connect to tcp://127.0.0.1:1: nobody listens there")
    expect((await run(["top", "--every", "fast"])).error).toContain("It must be a time from 200ms to 1h")
  })
})

describeWith("mosquitto", mosquittoBroker(), "bantam top watches Mosquitto too", (program) => {
  test("by what it publishes under $SYS", async () => {
    const mosquitto = new MosquittoBroker(program)
    try {
      await mosquitto.start("allow_anonymous true\nsys_interval 1\n")
      const { out, error } = await run(["top", `unix://${mosquitto.socket}`, "--once", "--json"])
      expect(error).toBe("")
      const found = JSON.parse(out)
      expect(found.version).toStartWith("mosquitto 2")
      expect(found).toMatchObject({ source: "mqtt", clients: 1 })
      expect(found.rates.messagesIn).toBeNumber()
    } finally {
      await mosquitto.remove()
    }
  })
})
