import { afterAll, describe, expect, test } from "bun:test"
import { Doors, schemes } from "./doors.ts"
import { Pump, Recorder } from "./recorder.ts"

const mib = 1024 * 1024
const doors = new Doors()
afterAll(() => doors.close())

describe.each(schemes)("a stream over %s", (scheme) => {
  test("comes back whole from an echo, though its reader is slow", async () => {
    const echo = new Recorder()
    const stalled = Promise.withResolvers<void>()
    echo.onChunk = (chunk) => {
      echo.socket?.output.append(chunk)
      if (echo.socket?.output.writable !== false) return
      echo.socket.pause()
      stalled.resolve()
    }
    echo.onWritable = () => echo.socket?.resume()
    const dial = await doors.open(scheme, (socket) => echo.owns(socket))

    const client = new Recorder()
    const socket = await dial(client)
    socket.pause()
    const total = 24 * mib
    const pump = new Pump(socket, total)
    client.onWritable = () => pump.run()
    pump.run()
    await stalled.promise
    socket.resume()
    await client.has(total)
    expect(client.bytes).toBe(total)
    expect(client.digest()).toBe(pump.digest())
    socket.end()
    await Promise.all([client.closing, echo.closing])
    expect([client.closings, echo.closings]).toEqual([1, 1])
  }, 20_000)

  test("that is ended with much unsent is read to its last byte, whatever else its reader still says", async () => {
    const tail = 8 * mib
    const server = new Recorder()
    const ended = Promise.withResolvers<Pump>()
    const dial = await doors.open(scheme, (socket) => server.owns(socket), {
      output: { highWaterBytes: tail },
    })
    const client = new Recorder()
    const socket = await dial(client)
    socket.pause()
    socket.output.append(new Uint8Array(100))
    server.onChunk = () => {
      if (server.socket === undefined) return
      server.socket.pause()
      const pump = new Pump(server.socket, tail)
      pump.run()
      // What the client says now finds the server's ears closed.
      socket.output.append(new Uint8Array(100_000))
      socket.output.flush()
      server.socket.end()
      ended.resolve(pump)
    }
    const pump = await ended.promise
    socket.resume()
    await Promise.all([client.closing, server.closing])
    expect(client.bytes).toBe(tail)
    expect(client.digest()).toBe(pump.digest())
  })

  test("that is ended for a reader who is done is read to its last byte", async () => {
    const tail = 8 * mib
    const server = new Recorder()
    const ended = Promise.withResolvers<Pump>()
    const dial = await doors.open(scheme, (socket) => server.owns(socket), {
      output: { highWaterBytes: tail },
    })
    const client = new Recorder()
    const socket = await dial(client)
    socket.pause()
    socket.output.append(new Uint8Array(100))
    server.onChunk = () => {
      if (server.socket === undefined) return
      const pump = new Pump(server.socket, tail)
      pump.run()
      server.socket.end(true)
      ended.resolve(pump)
    }
    const pump = await ended.promise
    socket.resume()
    await Promise.all([client.closing, server.closing])
    expect(client.bytes).toBe(tail)
    expect(client.digest()).toBe(pump.digest())
    expect([client.closings, server.closings]).toEqual([1, 1])
  })

  test("that is ended by the client arrives whole as well", async () => {
    const tail = 8 * mib
    const server = new Recorder()
    const dial = await doors.open(scheme, (socket) => {
      socket.pause()
      return server.owns(socket)
    })
    const client = new Recorder()
    const socket = await dial(client)
    const pump = new Pump(socket, tail)
    const go = () => {
      pump.run()
      if (pump.sent === tail) socket.end()
    }
    client.onWritable = go
    go()
    await server.meeting
    server.socket?.resume()
    await Promise.all([client.closing, server.closing])
    expect(server.bytes).toBe(tail)
    expect(server.digest()).toBe(pump.digest())
  })

  test("waits at its source while it is paused", async () => {
    const server = new Recorder()
    const dial = await doors.open(scheme, (socket) => {
      socket.pause()
      return server.owns(socket)
    })
    const client = new Recorder()
    const socket = await dial(client)
    const total = 24 * mib
    const pump = new Pump(socket, total)
    pump.run()
    expect(socket.output.writable).toBe(false)
    expect(pump.sent).toBeLessThan(total)
    client.onWritable = () => pump.run()
    await server.meeting
    server.socket?.resume()
    await server.has(total)
    expect(server.digest()).toBe(pump.digest())
    socket.terminate()
    await Promise.all([client.closing, server.closing])
  })

  test("whose owner throws is closed and reported; the others go on", async () => {
    const bug = new Error("on purpose")
    const sound = new Recorder()
    let owners = 0
    const dial = await doors.open(scheme, (socket) => {
      const owner = owners++ === 0 ? sound : new Recorder()
      if (owner !== sound) {
        owner.onChunk = () => {
          throw bug
        }
      }
      return owner.owns(socket)
    })
    const good = await dial(new Recorder())
    const client = new Recorder()
    const bad = await dial(client)
    bad.output.append(Uint8Array.of(1))
    await client.closing
    expect(doors.bugs).toContain(bug)
    good.output.append(Uint8Array.of(1))
    await sound.has(1)
    good.end()
    await sound.closing
  })

  test("ends at once when its owner terminates it while it is met", async () => {
    const server = new Recorder()
    const dial = await doors.open(scheme, (socket) => {
      socket.terminate()
      return server.owns(socket)
    })
    const client = new Recorder()
    // Whether the client saw the connection stand before it fell is the network's affair.
    const stood = await dial(client).then(
      () => true,
      () => false,
    )
    await server.closing
    if (stood) await client.closing
    expect(server.closings).toBe(1)
  })
})
