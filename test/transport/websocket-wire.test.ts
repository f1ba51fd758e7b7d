import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { TcpSocket } from "../../src/transport/tcp-socket.ts"
import { WebSocketWire } from "../../src/transport/websocket-wire.ts"

/** As much of a socket as a wire needs: it takes so many bytes of each write, then the next number of them. */
class Sink {
  readonly taken: number[] = []
  state: "open" | "shut down" | "terminated" = "open"
  readonly #takes: readonly number[]
  #writes = 0

  constructor(takes: readonly number[]) {
    this.#takes = takes
  }

  write(bytes: Uint8Array, start = 0, length = bytes.length - start): number {
    const most = this.#takes[this.#writes++ % this.#takes.length] ?? length
    const written = Math.min(most, length)
    for (let index = 0; index < written; index++) this.taken.push(bytes[start + index] ?? 0)
    return written
  }

  shutdown(): void {
    this.state = "shut down"
  }

  terminate(): void {
    this.state = "terminated"
  }
}

function wireTo(sink: Sink): WebSocketWire {
  return new WebSocketWire(sink as unknown as TcpSocket)
}

/** What a client makes of it. */
function framesOf(bytes: readonly number[]): { readonly opcode: number; readonly payload: number[] }[] {
  const frames = []
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1] ?? 0
    const length = short < 126 ? short : (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
    const start = at + (short < 126 ? 2 : 4)
    frames.push({ opcode: (bytes[at] ?? 0) & 0x0f, payload: bytes.slice(start, start + length) })
    at = start + length
  }
  return frames
}

describe("A wire", () => {
  test("sends every byte once and in order, whatever the kernel takes, and pongs in between", () => {
    const step = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
        (steps, takes) => {
          // One that takes nothing at all is never done.
          const sink = new Sink([...takes, 7])
          const wire = wireTo(sink)
          for (const { bytes, ping } of steps) {
            for (let at = 0; at < bytes.length;) at += wire.write(bytes.subarray(at))
            if (ping !== undefined) wire.answer(ping)
          }
          while (!wire.relieve());
          const frames = framesOf(sink.taken)
          const stream = frames.filter(({ opcode }) => opcode === 2).flatMap(({ payload }) => payload)
          expect(stream).toEqual(steps.flatMap(({ bytes }) => [...bytes]))
          const pongs = frames.filter(({ opcode }) => opcode === 10)
          const lastPing = steps.findLast(({ ping }) => ping !== undefined)?.ping
          if (lastPing !== undefined) expect(pongs.at(-1)?.payload).toEqual([...lastPing])
        },
      ),
    )
  })

  test("cuts what is longer than a message into several", () => {
    const sink = new Sink([Number.POSITIVE_INFINITY])
    expect(wireTo(sink).write(new Uint8Array(150_000))).toBe(150_000)
    expect(framesOf(sink.taken).map(({ payload }) => payload.length)).toEqual([65_535, 65_535, 18_930])
  })

  test("answers the last of the pings that came before it is relieved, and no other", () => {
    const sink = new Sink([Number.POSITIVE_INFINITY])
    const wire = wireTo(sink)
    for (const ping of [1, 2, 3]) wire.answer(new Uint8Array([ping]))
    wire.relieve()
    expect(framesOf(sink.taken)).toEqual([{ opcode: 10, payload: [3] }])
    expect(wire.owesPong).toBe(false)
  })

  test("says close once, with its code, and then nothing more", () => {
    const sink = new Sink([Number.POSITIVE_INFINITY])
    const wire = wireTo(sink)
    wire.closeCode = 1003
    wire.shutdown()
    wire.close()
    expect(framesOf(sink.taken)).toEqual([{ opcode: 8, payload: [3, 235] }])
    expect(sink.state).toBe("shut down")
  })

  test("closes its half when the kernel has taken the last byte of the close", () => {
    const sink = new Sink([1])
    const wire = wireTo(sink)
    wire.shutdown()
    expect(sink.state).toBe("open")
    while (!wire.relieve());
    expect(framesOf(sink.taken)).toEqual([{ opcode: 8, payload: [3, 232] }])
    expect(sink.state).toBe("shut down")
  })

  test("says close behind a pong that has left in part, and forgets one that has not", () => {
    const sink = new Sink([3, 0, 2])
    const wire = wireTo(sink)
    wire.answer(new Uint8Array([1, 2, 3]))
    wire.relieve()
    wire.answer(new Uint8Array([4]))
    wire.shutdown()
    expect(sink.state).toBe("open")
    while (!wire.relieve());
    wire.answer(new Uint8Array([5]))
    wire.relieve()
    expect(framesOf(sink.taken)).toEqual([
      { opcode: 10, payload: [1, 2, 3] },
      { opcode: 8, payload: [3, 232] },
    ])
    expect(sink.state).toBe("shut down")
  })

  test("cannot say close in the middle of a message", () => {
    const sink = new Sink([100])
    const wire = wireTo(sink)
    wire.write(new Uint8Array(200))
    wire.shutdown()
    expect(sink.state).toBe("terminated")
  })
})
