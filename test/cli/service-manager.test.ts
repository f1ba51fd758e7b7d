import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { connectClient } from "../../src/client/client.ts"
import type { ConnectTarget } from "../../src/transport/connect.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import {
  DatagramListener,
  listeningPath,
  listeningPort,
  type ListeningSocket,
} from "../support/raw-sockets.ts"
import { describeWith } from "../real-clients/tools.ts"
import { freshDirectory, run } from "./program.ts"

/* The compiled broker under a service manager, as systemd is one. */

describe.skipIf(process.platform !== "linux")("A service manager", () => {
  let program: string
  let folder: string
  beforeAll(async () => {
    program = await executable()
    folder = freshDirectory()
  }, 60_000)
  afterEach(killWhatIsLeft)
  afterAll(() => rmSync(folder, { recursive: true }))

  const words = ["--ephemeral", "--port", "0"]

  test.each(["in a file", "without a file"])(
    "is told when the broker serves, reloads and stops, %s",
    async (where) => {
      const path = where === "in a file" ? join(folder, "notify") : `@bantam-${process.pid}`
      using manager = new DatagramListener(path)
      const broker = await WatchedBroker.launch({ words, env: { NOTIFY_SOCKET: path } })
      expect(await manager.hears("STATUS")).toBe("STATUS=Opening the store")
      expect(await manager.hears("STATUS")).toStartWith("STATUS=Serving tcp://127.0.0.1:")
      expect(await manager.hears("READY")).toBe("READY=1")
      // That is so: it can be reached by now.
      await broker.says("serving")
      const client = await broker.client({ clientId: "early" })

      broker.signal("SIGHUP")
      expect(await manager.hears("RELOADING")).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/)
      expect(await manager.hears("READY")).toBe("READY=1")

      await client.disconnect()
      const ended = broker.stop()
      expect(await manager.hears("STOPPING")).toBe("STOPPING=1\nSTATUS=Stopping")
      expect(await ended).toBe(0)
      expect(manager.rest()).toEqual([])
    },
  )

  test("is told that a reload is over too when it came to nothing", async () => {
    const path = join(folder, "reload")
    const config = join(folder, "bantam.toml")
    writeFileSync(config, 'listen = ["tcp://127.0.0.1:0"]\n[storage]\nephemeral = true\n')
    using manager = new DatagramListener(path)
    const broker = await WatchedBroker.launch({ words: ["--config", config], env: { NOTIFY_SOCKET: path } })
    await manager.hears("READY")
    writeFileSync(config, "nonsense = 1\n")
    broker.signal("SIGHUP")
    await manager.hears("RELOADING")
    await manager.hears("READY")
    expect(broker.all("settings not reloaded")).toHaveLength(1)
    expect(await broker.stop()).toBe(0)
  })

  test("hears a sign of life within every half of the time that it gave", async () => {
    const path = join(folder, "watchdog")
    using manager = new DatagramListener(path)
    const broker = await WatchedBroker.launch({
      words,
      env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "20000" },
    })
    await manager.hears("READY")
    for (let signs = 0; signs < 3; signs += 1) expect(await manager.hears("WATCHDOG")).toBe("WATCHDOG=1")
    expect(await broker.stop()).toBe(0)
  })

  test("hears none where another process is to give it", async () => {
    const path = join(folder, "other")
    using manager = new DatagramListener(path)
    const broker = await WatchedBroker.launch({
      words,
      env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" },
    })
    await manager.hears("READY")
    const client = await broker.client({ clientId: "any" })
    await client.disconnect()
    expect(await broker.stop()).toBe(0)
    expect(manager.rest()).toEqual(["STOPPING=1\nSTATUS=Stopping"])
  })

  test("that nobody answers for is complained of, and the broker serves all the same", async () => {
    const broker = await WatchedBroker.serving({ words, env: { NOTIFY_SOCKET: join(folder, "nobody") } })
    await broker.says("the service manager does not listen")
    const other = await WatchedBroker.serving({ words, env: { NOTIFY_SOCKET: "vsock:2:1234" } })
    await other.says("the service manager cannot be told")
    expect([await broker.stop(), await other.stop()]).toEqual([0, 0])
  })

  /** The broker, started with these sockets as a service manager passes them on. */
  function startWith(sockets: readonly ListeningSocket[], ...settings: readonly string[]) {
    return WatchedBroker.launch({
      shell: `export LISTEN_PID=$$ LISTEN_FDS=${sockets.length}`,
      descriptors: sockets.map(({ descriptor }) => descriptor),
      words: ["--ephemeral", ...settings.flatMap((setting) => ["--set", setting])],
    })
  }

  async function meet(address: ConnectTarget): Promise<void> {
    const client = await connectClient(address, { version: 5, keepAliveSeconds: 0, clientId: address.scheme })
    await client.disconnect()
  }

  test("may listen for the broker, which takes what is bound at its addresses, and tells of what is not", async () => {
    const path = join(folder, "mqtt.sock")
    using tcp = listeningPort()
    using unix = listeningPath(path)
    using stray = listeningPort()
    const broker = await startWith([tcp, unix, stray], `listen=tcp://127.0.0.1:${tcp.port},unix://${path}`)
    const told = await broker.says("a socket was opened for us")
    expect(told["address"]).toBe(`127.0.0.1:${stray.port}`)
    await broker.says("serving")
    await meet({ scheme: "tcp", host: "127.0.0.1", port: tcp.port })
    await meet({ scheme: "unix", path })
    expect(await broker.stop()).toBe(0)
    // The file belongs to who made it.
    expect(existsSync(path)).toBe(true)
  })

  test("may listen for TLS too, and a reload of the certificates goes on at the same socket", async () => {
    const made = await run(["cert", "server", "localhost", "127.0.0.1", "--dir", folder], {
      program: [program],
    })
    expect(made.exitCode).toBe(0)
    const file = (name: string) => join(folder, name)
    using socket = listeningPort()
    const { port } = socket
    const broker = await startWith(
      [socket],
      `listen=tls://127.0.0.1:${port}`,
      `tls.cert_file=${file("localhost.pem")}`,
      `tls.key_file=${file("localhost.key")}`,
    )
    await broker.says("serving")
    await meet({ scheme: "tls", host: "127.0.0.1", port, tls: { caFile: file("ca.pem") } })
    broker.signal("SIGHUP")
    await broker.says("reading settings")
    // Whoever comes then is served by what was opened anew.
    await meet({ scheme: "tls", host: "127.0.0.1", port, tls: { caFile: file("ca.pem") } })
    expect(broker.all("settings not reloaded")).toEqual([])
    expect(await broker.stop()).toBe(0)
  })

  test("listens for WebSocket at a socket that it was passed", async () => {
    using ws = listeningPort()
    const broker = await startWith([ws], `listen=ws://127.0.0.1:${ws.port}`)
    await broker.says("serving")
    await meet({ scheme: "ws", host: "127.0.0.1", port: ws.port })
    expect(await broker.stop()).toBe(0)
  })

  test("that passed its sockets to another process has passed none to this one", async () => {
    const broker = await WatchedBroker.serving({ words, env: { LISTEN_PID: "1", LISTEN_FDS: "5" } })
    expect(broker.all("a socket was opened for us")).toEqual([])
    expect(await broker.stop()).toBe(0)
  })
})

describeWith(
  "systemd-analyze",
  Bun.which("systemd-analyze") ?? undefined,
  "systemd looks at the units",
  (analyze) => {
    let folder: string
    let unit: string
    let socket: string
    beforeAll(async () => {
      folder = freshDirectory()
      unit = join(folder, "bantam.service")
      socket = join(folder, "bantam.socket")
      await Bun.$`cp packaging/bantam.service packaging/bantam.socket ${folder}`.quiet()
      // The unit names where a package would put the program.
      await Bun.$`sed -i ${`s#/usr/bin/bantam#${await executable()}#`} ${unit}`.quiet()
      chmodSync(unit, 0o644)
    }, 60_000)
    afterAll(() => rmSync(folder, { recursive: true }))

    test("and finds nothing wrong with them", async () => {
      const { stderr, exitCode } = await Bun.$`${analyze} verify ${unit} ${socket}`.nothrow().quiet()
      expect({ said: stderr.toString(), exitCode }).toEqual({ said: "", exitCode: 0 })
    })

    test("and rates the service 1.3 of 10, or better", async () => {
      const said = await Bun.$`${analyze} security --offline=true ${unit}`.text()
      const [, exposure] = /Overall exposure level for bantam\.service: (\S+)/.exec(said) ?? []
      expect(Number(exposure)).toBeLessThanOrEqual(1.3)
    })
  },
)
