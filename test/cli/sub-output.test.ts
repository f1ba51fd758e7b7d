import { describe, expect, test } from "bun:test"
import { ByteOutput } from "../../cli/byte-output.ts"

type Done = (error: NodeJS.ErrnoException | null, taken: number) => void

/** A reader that takes when the test says so. */
class Reader {
  readonly output = new ByteOutput((bytes, done) => {
    this.writes += 1
    this.#offered = { bytes: bytes.slice(), done }
    this.#asked.resolve()
  })
  taken = ""
  writes = 0
  #offered: { readonly bytes: Uint8Array; readonly done: Done } | undefined
  #asked = Promise.withResolvers<void>()

  /** Resolves once a write waits for the reader. */
  asked(): Promise<void> {
    return this.#asked.promise
  }

  async takes(most = Number.POSITIVE_INFINITY): Promise<void> {
    const { bytes, done } = await this.#next()
    const length = Math.min(most, bytes.length)
    this.taken += Buffer.from(bytes.subarray(0, length)).toString("latin1")
    done(null, length)
  }

  async fails(code: string): Promise<void> {
    const { done } = await this.#next()
    done(Object.assign(new Error(code), { code }), 0)
  }

  async #next() {
    await this.#asked.promise
    const offered = this.#offered
    if (offered === undefined) throw new Error("nothing was offered")
    this.#offered = undefined
    this.#asked = Promise.withResolvers<void>()
    return offered
  }
}

describe("standard output", () => {
  test("what a turn prints leaves in one write", async () => {
    const reader = new Reader()
    for (let line = 0; line < 1000; line++) reader.output.text(`line ${line}\n`)
    reader.output.bytes(Uint8Array.of(0xff, 0))
    await reader.takes()
    await reader.output.drained()
    expect(reader.writes).toBe(1)
    expect(reader.taken).toEndWith("line 999\n\xff\0")
  })

  test("a reader that takes little loses nothing, and order stays", async () => {
    const reader = new Reader()
    reader.output.text("abcdef")
    await reader.takes(2)
    reader.output.text("ghi")
    await reader.takes(1)
    await reader.takes()
    await reader.takes()
    await reader.output.drained()
    expect(reader.taken).toBe("abcdefghi")
  })

  test("text beyond ASCII has room", async () => {
    const reader = new Reader()
    for (let count = 0; count < 10_000; count++) reader.output.text("€")
    await reader.takes()
    expect(Buffer.from(reader.taken, "latin1").toString()).toBe("€".repeat(10_000))
  })

  test("what was begun can be taken back", async () => {
    const reader = new Reader()
    reader.output.text("whole\n")
    const { position } = reader.output
    reader.output.text("half a li")
    reader.output.rollBack(position)
    reader.output.text("next\n")
    await reader.takes()
    expect(reader.taken).toBe("whole\nnext\n")
  })

  test("a slow reader is told of once, and again when it has caught up", async () => {
    const reader = new Reader()
    const told: string[] = []
    reader.output.onFull = () => told.push("full")
    reader.output.onDrained = () => told.push("drained")
    reader.output.text("x")
    await reader.asked()
    for (let count = 0; count < 10; count++) reader.output.bytes(new Uint8Array(100_000))
    expect(told).toEqual(["full"])
    await reader.takes()
    expect(told).toEqual(["full", "drained"])
    await reader.takes()
    await reader.output.drained()
    expect(reader.taken).toHaveLength(1_000_001)
  })

  test("a reader that went away is told of once, and nothing waits for it", async () => {
    const reader = new Reader()
    const codes: unknown[] = []
    reader.output.onBroken = ({ code }) => codes.push(code)
    reader.output.text("x")
    const drained = reader.output.drained()
    await reader.fails("EPIPE")
    await drained
    for (let count = 0; count < 100; count++) reader.output.bytes(new Uint8Array(100_000))
    await reader.output.drained()
    expect(codes).toEqual(["EPIPE"])
    expect(reader.writes).toBe(1)
  })

  test("a pipe that says EAGAIN is asked again", async () => {
    const reader = new Reader()
    reader.output.text("again")
    await reader.fails("EAGAIN")
    await reader.takes()
    await reader.output.drained()
    expect(reader.taken).toBe("again")
  })
})
