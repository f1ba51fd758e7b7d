import { describe, expect, test } from "bun:test"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connectClient } from "../src/client/client.ts"
import { noProperties } from "../src/protocol/properties.ts"
import { startBroker } from "bantam-mqtt"
import { TurnedClock } from "./support/turned-clock.ts"

const root = new URL("..", import.meta.url).pathname

async function publish(port: number): Promise<void> {
  const client = await connectClient(
    { scheme: "tcp", host: "127.0.0.1", port },
    { version: 5, clientId: "one" },
  )
  await client.publish({ topic: "news", payload: new Uint8Array(0), qos: 1, retain: true })
  await client.disconnect()
}

describe("a broker inside a program", () => {
  test("serves at a free port, and is gone when its block is left", async () => {
    let port: number
    {
      await using broker = await startBroker()
      ;({ port } = broker)
      expect(broker.url).toBe(`mqtt://127.0.0.1:${port}`)
      expect(broker.urls).toEqual([`tcp://127.0.0.1:${port}`])
      await publish(port)
    }
    await expect(publish(port)).rejects.toThrow()
  })

  test("two serve side by side, each with its own addresses and settings", async () => {
    await using one = await startBroker({ settings: { "limits.connections": 1 } })
    await using other = await startBroker({ listen: ["ws://[::1]:0", "tcp://127.0.0.1:0"], log: "none" })
    expect(other.host).toBe("::1")
    expect(other.urls[0]).toBe(`ws://[::1]:${other.port}`)
    expect(one.port).not.toBe(other.port)
    await publish(one.port)
    await publish(Number(new URL(other.urls[1] ?? "").port))
  })

  test("at a unix socket is told by its path, and one on all interfaces by where it is reached", async () => {
    const parent = mkdtempSync(join(tmpdir(), "bantam index "))
    try {
      const path = join(parent, "mqtt.sock")
      await using broker = await startBroker({ listen: [`unix://${path}`] })
      expect(broker).toMatchObject({ host: path, port: 0, url: `unix://${path}` })
      await using wide = await startBroker({ listen: ["tcp://0.0.0.0:0"], log: "none" })
      expect(wide.host).toBe("127.0.0.1")
    } finally {
      rmSync(parent, { recursive: true })
    }
  })

  test("takes each address as it is, one with a comma as well", async () => {
    const parent = mkdtempSync(join(tmpdir(), "bantam-index-"))
    try {
      const path = join(parent, "one,two.sock")
      await using broker = await startBroker({ listen: [`unix://${path}`, "tcp://127.0.0.1:0"] })
      expect(broker.host).toBe(path)
      expect(broker.urls).toHaveLength(2)
    } finally {
      rmSync(parent, { recursive: true })
    }
  })

  test("keeps in a directory what it is to keep, and can be stopped more than once", async () => {
    const parent = mkdtempSync(join(tmpdir(), "bantam-index-"))
    const directory = join(parent, "data")
    try {
      const broker = await startBroker({ directory })
      await publish(broker.port)
      await Promise.all([broker.stop(), broker.stop()])
      expect(existsSync(join(directory, "bantam.db"))).toBe(true)
      await using _ = await startBroker({ directory })
    } finally {
      rmSync(parent, { recursive: true })
    }
  })

  test("leaves nothing that keeps its program alive, when it cannot start", async () => {
    await using broker = await startBroker()
    const program = `
      import { noProperties } from "../src/protocol/properties.ts"
import { startBroker } from "bantam-mqtt"
      const listen = ["tcp://127.0.0.1:0", "tcp://127.0.0.1:${broker.port}"]
      await startBroker({ listen, log: "none" }).catch((error) => console.log(error.message))`
    const child = Bun.spawn({ cmd: [process.execPath, "-e", program], cwd: root, stdout: "pipe" })
    expect(await child.stdout.text()).toContain(`127.0.0.1:${broker.port}`)
    expect(await child.exited).toBe(0)
  })

  test("leaves nothing that keeps its program alive, when it was stopped after losses and refusals", async () => {
    const clock = new TurnedClock()
    const broker = await startBroker({ clock, log: "none", settings: { "limits.connections": 1 } })
    const { port } = broker
    const at = { scheme: "tcp", host: "127.0.0.1", port } as const
    const properties = { ...noProperties, maximumPacketSize: 50 }
    const client = await connectClient(at, { version: 5, clientId: "one", properties })
    await client.subscribe([
      { filter: "news", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
    // More than it takes itself [3.1.2.11.4].
    await client.publish({ topic: "news", payload: new Uint8Array(100), qos: 1, retain: false })
    await expect(publish(port)).rejects.toThrow()
    expect(clock.waiting).toBeGreaterThan(0)
    await client.disconnect()
    await broker.stop()
    expect(clock.waiting).toBe(0)
  })

  test("says which setting is wrong", async () => {
    const settings = { "limits.conections": 5 }
    await expect(startBroker({ settings })).rejects.toThrow(
      "startBroker: limits.conections is no setting; did you mean limits.connections?",
    )
  })
})
