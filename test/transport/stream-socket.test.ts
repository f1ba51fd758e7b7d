import { describe, expect, test } from "bun:test"
import type { Socket, SocketOwner } from "../../src/transport/socket.ts"
import { plainAddress } from "../../src/transport/stream-socket.ts"
import { MemorySocket } from "../support/memory-socket.ts"
import type { MemorySocketOptions } from "../support/memory-socket.ts"

/** An owner that writes down what it is told. */
class Diary implements SocketOwner {
  readonly entries: string[] = []
  readonly socket: Socket
  onReceived: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
  }

  received(chunk: Uint8Array): void {
    this.entries.push(`received ${chunk.length}`)
    this.onReceived()
  }

  writable(): void {
    this.entries.push("writable")
  }

  closed(): void {
    this.entries.push("closed")
  }
}

function setUp(options: MemorySocketOptions = {}) {
  const diaries: Diary[] = []
  const memory = new MemorySocket((socket) => {
    const diary = new Diary(socket)
    diaries.push(diary)
    return diary
  }, options)
  const [diary] = diaries
  if (diary === undefined) throw new Error("nobody was met")
  return { memory, diary, entries: diary.entries, socket: diary.socket }
}

const one = Uint8Array.of(1)

describe("the owner of a socket", () => {
  test("is told of what arrives in its order, and of the end once", () => {
    const { memory, entries } = setUp()
    memory.deliver(new Uint8Array(1), new Uint8Array(2))
    memory.cut()
    memory.cut()
    expect(entries).toEqual(["received 1", "received 2", "closed"])
  })

  test.each(["end", "terminate"] as const)("is not called from within its own call of %s", (verb) => {
    const { memory, diary, entries, socket } = setUp()
    diary.onReceived = () => {
      socket.output.append(one)
      socket[verb]()
      entries.push("returned")
    }
    memory.deliver(one, one)
    expect(entries).toEqual(["received 1", "returned", "closed"])
    expect(memory.state).toBe(verb === "end" ? "ended" : "terminated")
    expect(memory.sent().length).toBe(verb === "end" ? 1 : 0)
  })

  test("may go on appending to a socket that has closed; nobody gets it", () => {
    const { memory, socket } = setUp()
    memory.cut()
    socket.output.append(one)
    socket.pause()
    socket.resume()
    socket.end()
    socket.terminate()
    expect(memory.sent().length).toBe(0)
    expect(memory.state).toBe("cut")
  })

  test("hears nothing of what arrives after it ended the socket", () => {
    const { memory, entries, socket } = setUp()
    memory.stall()
    socket.output.append(one)
    socket.end()
    memory.deliver(one)
    expect(entries).toEqual([])
    memory.drain()
    expect(entries).toEqual(["closed"])
    expect(memory.sent().length).toBe(1)
  })

  test("is told when the output is below its mark again, and only then", () => {
    const { memory, entries, socket } = setUp({ limits: { highWaterBytes: 100 } })
    memory.stall()
    socket.output.append(one)
    memory.flush()
    memory.drain()
    expect(entries).toEqual([])
    memory.stall()
    socket.output.append(new Uint8Array(200))
    memory.flush()
    expect(socket.output.writable).toBe(false)
    memory.drain(50)
    expect(entries).toEqual([])
    memory.drain()
    expect(entries).toEqual(["writable"])
    expect(memory.sent().length).toBe(201)
  })
})

describe("a socket", () => {
  test("that is ended takes as long as its peer does", () => {
    const { memory, socket } = setUp()
    memory.stall(3)
    socket.output.append(new Uint8Array(10))
    socket.end()
    memory.drain(3)
    expect(memory.state).toBe("open")
    memory.drain()
    expect(memory.state).toBe("ended")
    expect(memory.sent().length).toBe(10)
  })

  test("that is ended for a peer that is done is closed as soon as all is sent", () => {
    const { memory, entries, socket } = setUp()
    memory.stall(3)
    socket.output.append(new Uint8Array(10))
    socket.end(true)
    expect(memory.state).toBe("open")
    memory.drain()
    expect(memory.state).toBe("closed")
    expect(memory.sent().length).toBe(10)
    expect(entries).toEqual(["closed"])
  })

  test("of a network that says goodbye itself waits even for a peer that is done", () => {
    const { memory, socket } = setUp({ waitsForPeer: true })
    socket.end(true)
    expect(memory.state).toBe("ended")
  })

  test("that is ended while paused reads on, for unread bytes would turn the end into a reset", () => {
    const { memory, socket } = setUp()
    memory.stall()
    socket.output.append(one)
    socket.pause()
    socket.end()
    expect(memory.paused).toBe(false)
  })

  test("whose output overflows is terminated at the end of the turn", () => {
    const { memory, diary, entries, socket } = setUp({ limits: { maximumBytes: 70_000 } })
    memory.stall()
    diary.onReceived = () => {
      for (let index = 0; index < 10; index++) socket.output.append(new Uint8Array(40_000))
      entries.push(memory.state)
    }
    memory.deliver(one)
    expect(entries).toEqual(["received 1", "open", "closed"])
    expect(memory.state).toBe("terminated")
  })

  test("that is paused delivers what has arrived after it is resumed", () => {
    const { memory, entries, socket } = setUp()
    socket.pause()
    memory.deliver(one)
    expect(entries).toEqual([])
    socket.resume()
    memory.flush()
    expect(entries).toEqual(["received 1"])
  })
})

describe("an owner that throws", () => {
  const bug = new Error("on purpose")
  const throws = () => {
    throw bug
  }

  test.each(["received", "writable"] as const)("in %s is reported, and its socket terminated", (where) => {
    const bugs: unknown[] = []
    let closings = 0
    const owner = { received() {}, writable() {}, closed: () => (closings += 1), [where]: throws }
    const options = { limits: { highWaterBytes: 1 }, onBug: (error: unknown) => bugs.push(error) }
    const memory = new MemorySocket(() => owner, options)
    memory.stall()
    memory.socket.output.append(new Uint8Array(2))
    memory.deliver(one)
    memory.drain()
    expect(bugs).toEqual([bug])
    expect(memory.state).toBe("terminated")
    expect(closings).toBe(1)
  })

  test("in closed, or before there is one, is reported too", () => {
    const bugs: unknown[] = []
    const onBug = (error: unknown) => bugs.push(error)
    new MemorySocket(() => ({ received() {}, writable() {}, closed: throws }), { onBug }).cut()
    const unmet = new MemorySocket(throws, { onBug })
    unmet.deliver(one)
    expect(unmet.state).toBe("terminated")
    expect(bugs).toEqual([bug, bug])
  })

  test("makes a test fail that did not ask to be told", () => {
    const memory = new MemorySocket(() => ({ received: throws, writable() {}, closed() {} }))
    expect(() => memory.deliver(one)).toThrow(bug)
  })
})

test.each([
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8::7", "2001:db8::7"],
  ["::ffff:0:7", "::ffff:0:7"],
])("the peer %s is known as %s", (address, plain) => {
  expect(plainAddress(address)).toBe(plain)
})
