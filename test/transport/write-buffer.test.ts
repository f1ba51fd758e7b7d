import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { WriteBuffer } from "../../src/transport/write-buffer.ts"
import type { Sink } from "../../src/transport/write-buffer.ts"
import { ManualTurn } from "../support/memory-socket.ts"

const kib = 1024

/** A kernel that has room for so many bytes. */
class FakeSink implements Sink {
  room = Number.POSITIVE_INFINITY
  overflows = 0
  readonly writes: Uint8Array[] = []

  get taken(): Buffer {
    return Buffer.concat(this.writes)
  }

  write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room)
    this.room -= taken
    this.writes.push(bytes.slice(0, taken))
    return taken
  }

  overflowed(): void {
    this.overflows += 1
  }
}

function setUp(limits = {}) {
  const sink = new FakeSink()
  const turn = new ManualTurn()
  return { sink, turn, buffer: new WriteBuffer(sink, turn, limits) }
}

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill)

describe("a write buffer gathers what a turn has to say", () => {
  test("nothing is written before the turn ends, and then all of it at once", () => {
    const { sink, turn, buffer } = setUp()
    buffer.append(Uint8Array.of(1, 2))
    buffer.append(Uint8Array.of(3))
    expect(sink.writes).toEqual([])
    expect(buffer.size).toBe(3)
    turn.end()
    expect(sink.writes).toEqual([Uint8Array.of(1, 2, 3)])
    expect(buffer.size).toBe(0)
  })

  test("what an append returns is where a packet identifier may be patched", () => {
    const { sink, turn, buffer } = setUp()
    buffer.append(bytes(5))
    const offset = buffer.append(bytes(3))
    buffer.bytes[offset + 1] = 9
    turn.end()
    expect(sink.writes).toEqual([Uint8Array.of(1, 1, 1, 1, 1, 1, 9, 1)])
  })

  test("reserved room is written by the caller", () => {
    const { sink, turn, buffer } = setUp()
    const offset = buffer.reserve(2)
    buffer.bytes[offset] = 7
    buffer.bytes[offset + 1] = 8
    turn.end()
    expect(sink.writes).toEqual([Uint8Array.of(7, 8)])
  })

  test("the append that would pass 64 KiB flushes before it writes, so its own bytes can still be patched", () => {
    const { sink, buffer } = setUp()
    buffer.append(bytes(64 * kib))
    expect(sink.writes).toEqual([])
    const offset = buffer.append(bytes(2, 5))
    expect(sink.taken.length).toBe(64 * kib)
    expect(Array.from(buffer.bytes.subarray(offset, offset + 2))).toEqual([5, 5])
    expect(buffer.size).toBe(2)
  })

  test("it holds no memory while nothing waits", () => {
    const { turn, buffer } = setUp()
    buffer.append(bytes(10))
    turn.end()
    expect(buffer.bytes.length).toBe(0)
  })
})

describe("a write buffer keeps what the kernel does not take", () => {
  test("the tail waits for the drain, and what is appended meanwhile comes after it", () => {
    const { sink, turn, buffer } = setUp()
    sink.room = 2
    buffer.append(Uint8Array.of(1, 2, 3, 4))
    turn.end()
    buffer.append(Uint8Array.of(5))
    turn.end()
    expect(sink.taken).toEqual(Buffer.of(1, 2))
    sink.room = 10
    buffer.drained()
    expect(sink.taken).toEqual(Buffer.of(1, 2, 3, 4, 5))
  })

  test("it is writable until the kernel is full and more than the mark waits, and again below the mark", () => {
    const { sink, turn, buffer } = setUp({ highWaterBytes: 100 })
    buffer.append(bytes(500))
    expect(buffer.writable).toBe(true)
    sink.room = 350
    turn.end()
    expect(buffer.writable).toBe(false)
    sink.room = 20
    buffer.drained()
    expect(buffer.writable).toBe(false)
    sink.room = 30
    buffer.drained()
    expect(buffer.writable).toBe(true)
    expect(buffer.size).toBe(100)
  })

  test("whatever the kernel takes and whenever, the stream that arrives is the stream that was appended", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ does: fc.constant("append" as const), length: fc.nat(3000) }) },
      { weight: 1, arbitrary: fc.record({ does: fc.constant("append" as const), length: fc.nat(200_000) }) },
      { weight: 3, arbitrary: fc.record({ does: fc.constant("turn" as const), length: fc.nat(4000) }) },
      { weight: 3, arbitrary: fc.record({ does: fc.constant("drain" as const), length: fc.nat(100_000) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        // Two share the pool of arrays: one that touched the other's bytes would show.
        const [a, b] = [setUp(), setUp()]
        const appended: Uint8Array[] = []
        let next = 0
        for (const { does, length } of steps) {
          const chunk = new Uint8Array(length).map(() => next++)
          if (does === "append") appended.push(chunk)
          for (const { sink, turn, buffer } of [a, b]) {
            sink.room = does === "append" ? sink.room : length
            if (does === "append") buffer.append(chunk)
            if (does === "turn") turn.end()
            if (does === "drain") buffer.drained()
          }
        }
        for (const { sink, turn, buffer } of [a, b]) {
          sink.room = Number.POSITIVE_INFINITY
          buffer.drained()
          turn.end()
          expect(buffer.size).toBe(0)
          expect(sink.taken.equals(Buffer.concat(appended))).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe("a write buffer gives up on a reader who takes nothing", () => {
  test("beyond the maximum all is thrown away, and the sink hears of it at the end of the turn, once", () => {
    const { sink, turn, buffer } = setUp({ maximumBytes: 100 * kib })
    sink.room = 0
    buffer.append(bytes(101 * kib))
    turn.end()
    buffer.append(bytes(1))
    expect(sink.overflows).toBe(0)
    turn.end()
    buffer.append(bytes(70 * kib))
    turn.end()
    expect(sink.overflows).toBe(1)
    expect(sink.taken.length).toBe(0)
    expect(buffer.writable).toBe(false)
  })

  test("a single append is never too long", () => {
    const { sink, turn, buffer } = setUp({ maximumBytes: 100 * kib })
    buffer.append(bytes(500 * kib))
    turn.end()
    expect(sink.overflows).toBe(0)
    expect(sink.taken.length).toBe(500 * kib)
  })
})

describe("a closed write buffer", () => {
  test("takes what is appended and forgets it, holding at most a turn's worth", () => {
    const { sink, turn, buffer } = setUp()
    buffer.append(bytes(10))
    buffer.close()
    for (let index = 0; index < 100; index++) buffer.append(bytes(10 * kib))
    expect(buffer.size).toBeLessThanOrEqual(64 * kib)
    turn.end()
    expect(sink.writes).toEqual([])
    expect(buffer.bytes.length).toBe(0)
  })

  test("stays closed when it was closed by its sink, in the middle of a write", () => {
    const turn = new ManualTurn()
    const sink = { write: () => (buffer.close(), 0), overflowed() {} }
    const buffer = new WriteBuffer(sink, turn)
    buffer.append(bytes(1))
    turn.end()
    expect(buffer.size).toBe(0)
    expect(buffer.writable).toBe(false)
  })
})
