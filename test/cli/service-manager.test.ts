import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, rmSync } from "node:fs"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { connectClient } from "../../src/client/client.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { DatagramListener, listeningPath, listeningPort } from "../support/raw-sockets.ts"
import { freshDirectory, readUntil, run } from "./program.ts"

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
    using manager = new DatagramListener(path)
    const broker = await WatchedBroker.launch({
      words: [...words, "--config", "/proc/self/fd/0"],
      shell: "exec < <(:)",
      env: { NOTIFY_SOCKET: path },
    })
    await manager.hears("READY")
    broker.signal("SIGHUP")
    await manager.hears("RELOADING")
    await manager.hears("READY")
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

  test("hears none that is meant for another process, and none from a broker that does not run", async () => {
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
  function startWith(descriptors: readonly number[], more: readonly string[]) {
    const given = `export LISTEN_PID=$$ LISTEN_FDS=${descriptors.length}; exec "$0" "$@"`
    return Bun.spawn({
      cmd: ["bash", "-c", given, program, "serve", "--log-format", "json", "--ephemeral", ...more],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
      stdio: ["ignore", "ignore", "pipe", ...descriptors],
    })
  }

  test("may listen for the broker, which takes what is bound at its addresses, and tells of what is not", async () => {
    const path = join(folder, "mqtt.sock")
    using tcp = listeningPort()
    using unix = listeningPath(path)
    using stray = listeningPort()
    const listen = `listen=tcp://127.0.0.1:${tcp.port},unix://${path}`
    const broker = startWith([tcp.descriptor, unix.descriptor, stray.descriptor], ["--set", listen])
    const said = await readUntil(broker.stderr, '"serving"')
    expect(said).toContain(`"address":"127.0.0.1:${stray.port}"`)
    for (const address of [
      { scheme: "tcp", host: "127.0.0.1", port: tcp.port },
      { scheme: "unix", path },
    ] as const) {
      const client = await connectClient(address, {
        version: 5,
        keepAliveSeconds: 0,
        clientId: address.scheme,
      })
      await client.disconnect()
    }
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
  })

  test("may listen for TLS too, and a reload of the certificates goes on at the same socket", async () => {
    const made = await run(["cert", "server", "localhost", "--dir", folder], { program: [program] })
    expect(made.exitCode).toBe(0)
    using tls = listeningPort()
    const caFile = join(folder, "ca.pem")
    const files = [
      `tls.cert_file=${join(folder, "localhost.pem")}`,
      `tls.key_file=${join(folder, "localhost.key")}`,
    ]
    const listen = `listen=tls://127.0.0.1:${tls.port}`
    const broker = startWith([tls.descriptor], ["--set", listen, ...files.flatMap((file) => ["--set", file])])
    await readUntil(broker.stderr, '"serving"')
    const meet = async () => {
      const address = { scheme: "tls", host: "127.0.0.1", port: tls.port, tls: { caFile } } as const
      const client = await connectClient(address, { version: 5, keepAliveSeconds: 0, clientId: "tls" })
      await client.disconnect()
    }
    await meet()
    broker.kill("SIGHUP")
    await readUntil(broker.stderr, "reading settings")
    await meet()
    broker.kill("SIGTERM")
    expect(await broker.exited).toBe(0)
    expect(await broker.stderr.text()).not.toContain("not reloaded")
  })

  test("may not listen for WebSocket, which is refused rather than served elsewhere", async () => {
    using ws = listeningPort()
    const broker = startWith([ws.descriptor], ["--set", `listen=ws://127.0.0.1:${ws.port}`])
    expect(await broker.exited).toBe(1)
    expect(await broker.stderr.text()).toContain("take it out of the socket unit")
  })

  test("that passed its sockets to another process has passed none to this one", async () => {
    const broker = await WatchedBroker.serving({ words, env: { LISTEN_PID: "1", LISTEN_FDS: "5" } })
    expect(broker.all("a socket was opened for us")).toEqual([])
    expect(await broker.stop()).toBe(0)
  })

  test("that is systemd finds nothing wrong with the units, and little exposed", async () => {
    if (Bun.which("systemd-analyze") === null) return
    const copy = join(folder, "units")
    await Bun.$`mkdir -p ${copy} && cp packaging/bantam.service packaging/bantam.socket ${copy}`.quiet()
    // The unit names where a package would put the program.
    await Bun.$`sed -i ${`s#/usr/bin/bantam#${program}#`} ${join(copy, "bantam.service")}`.quiet()
    chmodSync(join(copy, "bantam.service"), 0o644)
    const verified =
      await Bun.$`systemd-analyze verify ${join(copy, "bantam.service")} ${join(copy, "bantam.socket")}`
        .nothrow()
        .quiet()
    expect(verified.stderr.toString()).toBe("")
    expect(verified.exitCode).toBe(0)
    const rated =
      await Bun.$`systemd-analyze security --offline=true --threshold=20 ${join(copy, "bantam.service")}`
        .nothrow()
        .quiet()
    expect(rated.exitCode).toBe(0)
  })
})
