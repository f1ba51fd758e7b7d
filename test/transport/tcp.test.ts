import { afterAll, describe, expect, test } from "bun:test"
import { connect } from "../../src/transport/connect.ts"
import type { ListenOptions } from "../../src/transport/listen-options.ts"
import { ListenError } from "../../src/transport/listen-error.ts"
import type { Accept, Listener } from "../../src/transport/socket.ts"
import { listenTcp } from "../../src/transport/tcp.ts"
import { Recorder } from "./recorder.ts"

const listeners: Listener[] = []
afterAll(() => {
  for (const listener of listeners) listener.stop()
})

function listenAt(
  host: string,
  port: number,
  accept: Accept,
  options: Partial<ListenOptions> = {},
): Listener {
  const onBug = (error: unknown) => {
    throw error
  }
  const listener = listenTcp({ scheme: "tcp", host, port }, undefined, accept, { onBug, ...options })
  listeners.push(listener)
  return listener
}

const nobody: Accept = () => new Recorder()
const portOf = (listener: Listener) => Number(new URL(listener.url).port)

describe("a TCP listener", () => {
  test("tells the port that the system chose", () => {
    expect(listenAt("127.0.0.1", 0, nobody).url).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/)
  })

  test("writes an IPv6 address in brackets", () => {
    expect(listenAt("::1", 0, nobody).url).toMatch(/^tcp:\/\/\[::1\]:\d+$/)
  })

  test("knows an IPv4 peer of an IPv6 listener by its IPv4 address", async () => {
    const server = new Recorder()
    const listener = listenAt("::", 0, (socket) => server.owns(socket))
    const target = { scheme: "tcp", host: "127.0.0.1", port: portOf(listener) } as const
    const socket = await connect(target, new Recorder())
    await server.meeting
    expect(server.socket?.remoteAddress).toBe("127.0.0.1")
    socket.terminate()
  })

  test.each<[string, string, (used: number) => number, string]>([
    ["a port that is in use", "127.0.0.1", (used) => used, "the port is in use; stop"],
    ["an address of another machine", "192.0.2.1", () => 0, "this machine has no such address; choose"],
    ["a host that nobody knows", "no such host", () => 0, "the host name is not known; write"],
    ["a port that cannot be", "127.0.0.1", () => 70_000, "there is no such port; choose"],
  ])("names %s", (_, host, port, why) => {
    const used = portOf(listenAt("127.0.0.1", 0, nobody))
    const at = () => listenAt(host, port(used), nobody)
    expect(at).toThrow(ListenError)
    expect(at).toThrow(`Cannot listen at tcp://${host}:${port(used)}: ${why}`)
  })

  test("that stops accepts no more, and keeps whom it has", async () => {
    const server = new Recorder()
    const listener = listenAt("127.0.0.1", 0, (socket) => server.owns(socket))
    const target = { scheme: "tcp", host: "127.0.0.1", port: portOf(listener) } as const
    const client = new Recorder()
    const socket = await connect(target, client)
    await server.meeting
    listener.stop()
    await expect(connect(target, new Recorder())).rejects.toThrow(
      `Cannot connect to tcp://127.0.0.1:${target.port}: nobody listens there.`,
    )
    socket.output.append(Uint8Array.of(1))
    await server.has(1)
    socket.terminate()
    await server.closing
  })
})

describe("a TCP connection", () => {
  test("whose peer closes its half still sends what was appended", async () => {
    const server = new Recorder()
    server.onChunk = (chunk) => server.socket?.output.append(chunk)
    const listener = listenAt("127.0.0.1", 0, (socket) => {
      socket.pause()
      return server.owns(socket)
    })
    const received = Promise.withResolvers<number>()
    const peer = await Bun.connect({
      hostname: "127.0.0.1",
      port: portOf(listener),
      allowHalfOpen: true,
      socket: { data: (_, chunk) => received.resolve(chunk.length) },
    })
    await server.meeting
    peer.write(new Uint8Array(5))
    peer.shutdown()
    // Bytes and end are both there now.
    server.socket?.resume()
    expect(await received.promise).toBe(5)
    await server.closing
    peer.terminate()
  })

  test("that was ended closes although its peer never does", async () => {
    const server = new Recorder()
    const listener = listenAt("127.0.0.1", 0, (socket) => server.owns(socket), { lingerMs: 10 })
    const target = { scheme: "tcp", host: "127.0.0.1", port: portOf(listener) } as const
    const peer = await connect(target, new Recorder())
    // Who does not read does not notice the end either.
    peer.pause()
    await server.meeting
    server.socket?.end()
    await server.closing
    expect(server.closings).toBe(1)
    peer.terminate()
  })

  test("to a peer who reads nothing is given up once too much waits", async () => {
    const server = new Recorder()
    const listener = listenAt("127.0.0.1", 0, (socket) => server.owns(socket), {
      output: { maximumBytes: 1024 * 1024 },
    })
    const client = new Recorder()
    const target = { scheme: "tcp", host: "127.0.0.1", port: portOf(listener) } as const
    const socket = await connect(target, client)
    socket.pause()
    await server.meeting
    const chunk = new Uint8Array(64 * 1024)
    for (let index = 0; index < 1000; index++) server.socket?.output.append(chunk)
    await server.closing
    socket.terminate()
  })
})

describe("connect", () => {
  test("names a host that nobody knows", async () => {
    const target = { scheme: "tcp", host: "no such host", port: 1 } as const
    const message = "Cannot connect to tcp://no such host:1: the host name is not known."
    await expect(connect(target, new Recorder())).rejects.toThrow(message)
  })

  test.each(["tls", "ws", "wss"] as const)(
    "gives up on a server that says nothing over %s",
    async (scheme) => {
      const silent = new Recorder()
      const listener = listenAt("127.0.0.1", 0, (socket) => silent.owns(socket))
      const target = { scheme, host: "127.0.0.1", port: portOf(listener) }
      const client = new Recorder()
      await expect(connect(target, client, { timeoutMs: 20 })).rejects.toThrow("nobody answered in time")
      await silent.closing
      expect(client.closings).toBe(0)
    },
  )
})
