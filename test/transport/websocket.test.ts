import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connect } from "../../src/transport/connect.ts"
import type { WebSocketListenOptions } from "../../src/transport/listen-options.ts"
import type { Listener } from "../../src/transport/socket.ts"
import { listenWebSocket } from "../../src/transport/websocket.ts"
import { Recorder } from "./recorder.ts"

const listeners: Listener[] = []
afterAll(() => {
  for (const listener of listeners) listener.stop()
})

function listenWith(options: Partial<WebSocketListenOptions>) {
  const met: Recorder[] = []
  const accept = (socket: Parameters<Recorder["owns"]>[0]) => {
    const owner = new Recorder().owns(socket)
    met.push(owner)
    return owner
  }
  const onBug = (error: unknown) => {
    throw error
  }
  const address = { scheme: "ws", host: "127.0.0.1", port: 0 } as const
  const listener = listenWebSocket(address, undefined, accept, { onBug, ...options })
  listeners.push(listener)
  return { url: listener.url, http: listener.url.replace("ws:", "http:"), met }
}

/** The headers of a well-made upgrade. */
const upgrade = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol": "mqtt",
}

describe("a WebSocket listener refuses", () => {
  let http = ""
  beforeAll(() => {
    http = listenWith({ origins: ["https://good.example"] }).http
  })

  test.each<[string, string, Record<string, string>, number]>([
    ["a path that is not its own", "/elsewhere", upgrade, 404],
    ["a request that wants no upgrade", "/mqtt", {}, 426],
    ["a page of another origin", "/mqtt", { ...upgrade, Origin: "https://bad.example" }, 403],
    ["another subprotocol", "/mqtt", { ...upgrade, "Sec-WebSocket-Protocol": "chat, stomp" }, 400],
    ["no subprotocol", "/mqtt", { ...upgrade, "Sec-WebSocket-Protocol": "" }, 400],
    ["an upgrade without a key", "/mqtt", { ...upgrade, "Sec-WebSocket-Key": "" }, 400],
  ])("%s", async (_, path, headers, status) => {
    const response = await fetch(`${http}${path}`, { headers })
    expect(response.status).toBe(status)
  })

  test("and says with 426 what it would take", async () => {
    const response = await fetch(`${http}/mqtt`)
    expect(response.headers.get("upgrade")).toBe("websocket")
  })
})

describe("a WebSocket listener welcomes", () => {
  test.each([
    [["mqtt"], "mqtt"],
    [["mqttv3.1"], "mqttv3.1"],
    [["chat", "mqttv3.1", "mqtt"], "mqtt"],
  ])("the subprotocols %p as %s [MQTT-6.0.0-4]", async (protocols, chosen) => {
    const socket = await opened(`${listenWith({}).url}/mqtt`, protocols)
    expect(socket.protocol).toBe(chosen)
    socket.terminate()
  })

  test.each(["https://good.example", undefined])("the origin %p", async (origin) => {
    const { url } = listenWith({ origins: ["https://good.example"] })
    const headers = origin === undefined ? {} : { Origin: origin }
    const socket = new WebSocket(`${url}/mqtt`, { protocols: ["mqtt"], headers })
    await new Promise((resolve) => socket.addEventListener("open", resolve))
    socket.terminate()
  })

  test("the paths it is told, and no others", async () => {
    const { url, http } = listenWith({ paths: ["/broker"] })
    const socket = await opened(`${url}/broker`, ["mqtt"])
    socket.terminate()
    const response = await fetch(`${http}/mqtt`, { headers: upgrade })
    expect(response.status).toBe(404)
  })
})

describe("whoever does not end his request", () => {
  async function begins(options: Partial<WebSocketListenOptions>, text: string) {
    const refused = Promise.withResolvers<string>()
    const { url, met } = listenWith({
      onRefused: (_, at, why) => refused.resolve(`${at}: ${why}`),
      ...options,
    })
    const closed = Promise.withResolvers<void>()
    await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(url).port),
      socket: { open: (socket) => void socket.write(text), data: () => {}, close: () => closed.resolve() },
    })
    return { refused: refused.promise, closed: closed.promise, met }
  }

  test("is closed on in time, before anybody has met him", async () => {
    const { refused, closed, met } = await begins({ handshakeTimeoutMs: 20 }, "GET /mqtt HTT")
    expect(await refused).toBe("WebSocket upgrade: it did not come to an end in time")
    await closed
    expect(met).toEqual([])
  })

  test("is one of as many as there may be", async () => {
    const greetings = { most: 0, mostOfSource: 0, sourceOf: () => undefined }
    const { refused, closed } = await begins({ greetings }, "")
    expect(await refused).toBe("WebSocket upgrade: too many have not come to an end")
    await closed
  })
})

describe("a WebSocket connection", () => {
  test("closes with 1003 at a text message [MQTT-6.0.0-1]", async () => {
    const { url, met } = listenWith({})
    const socket = await opened(`${url}/mqtt`, ["mqtt"])
    socket.send("not binary")
    expect(await closeCode(socket)).toBe(1003)
    await met[0]?.closing
    expect(met[0]?.bytes).toBe(0)
  })

  test("answers a ping with what it says, and goes on", async () => {
    const { url, met } = listenWith({})
    const socket = await opened(`${url}/mqtt`, ["mqtt"])
    const pong = new Promise((resolve) => socket.addEventListener("pong", ({ data }) => resolve(data)))
    socket.ping(Buffer.from("are you there?"))
    expect(Buffer.from((await pong) as Uint8Array).toString()).toBe("are you there?")
    socket.send(new Uint8Array(3))
    socket.close(4001)
    expect(await closeCode(socket)).toBe(4001)
    await met[0]?.closing
    expect(met[0]?.bytes).toBe(3)
  })

  test("answers the last of 1,000 pings that come together, and none before [RFC 6455, section 5.5.3]", async () => {
    const { url } = listenWith({})
    const pings = Array.from({ length: 1_000 }, (_, index) => maskedFrame(9, Buffer.from(`ping ${index}`)))
    const close = maskedFrame(8, Buffer.from([3, 232]))
    const answers = await answersTo(url, Buffer.concat([...pings, close]))
    expect(answers).toEqual(
      Buffer.concat([Buffer.from([0x8a, 8]), Buffer.from("ping 999"), Buffer.from([0x88, 2, 3, 232])]),
    )
  })

  test("closes with 1000 when its owner ends it, after the last byte", async () => {
    const { url, met } = listenWith({})
    const socket = await opened(`${url}/mqtt`, ["mqtt"])
    socket.binaryType = "arraybuffer"
    let got = 0
    socket.addEventListener("message", ({ data }) => (got += data.byteLength))
    met[0]?.socket?.output.append(new Uint8Array(100_000))
    met[0]?.socket?.end()
    expect(await closeCode(socket)).toBe(1000)
    expect(got).toBe(100_000)
  })

  test("knows the address of its peer", async () => {
    const { url, met } = listenWith({})
    const port = Number(new URL(url).port)
    const socket = await connect({ scheme: "ws", host: "127.0.0.1", port }, new Recorder())
    await met[0]?.meeting
    expect(met[0]?.socket?.remoteAddress).toBe("127.0.0.1")
    socket.terminate()
  })

  test("that is refused rejects its client with a sentence", async () => {
    const { url } = listenWith({})
    const port = Number(new URL(url).port)
    const dialing = connect({ scheme: "ws", host: "127.0.0.1", port, path: "/elsewhere" }, new Recorder())
    await expect(dialing).rejects.toThrow(/^Cannot connect to ws:\/\/127\.0\.0\.1:\d+\/elsewhere: .+[^.]\.$/)
  })
})

async function opened(url: string, protocols: string[]): Promise<WebSocket> {
  const socket = new WebSocket(url, { protocols })
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve)
    socket.addEventListener("error", reject)
  })
  return socket
}

/** A short frame as a client sends it, with a mask that changes nothing. */
function maskedFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

/** What a listener says until it closes, behind its upgrade, to frames that come in one write with the request. */
async function answersTo(url: string, frames: Buffer): Promise<Buffer> {
  const headers = Object.entries({ Host: "localhost", ...upgrade }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const request = Buffer.from(["GET /mqtt HTTP/1.1", ...headers, "", ""].join("\r\n"))
  const said: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(url).port),
    socket: {
      open: (socket) => void socket.write(Buffer.concat([request, frames])),
      data: (_, chunk) => void said.push(Buffer.from(chunk)),
      close: () => resolve(),
    },
  })
  await promise
  const all = Buffer.concat(said)
  return all.subarray(all.indexOf("\r\n\r\n") + 4)
}

async function closeCode(socket: WebSocket): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  socket.addEventListener("close", ({ code }) => resolve(code))
  return promise
}
