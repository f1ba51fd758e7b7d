import { describe, expect, test } from "bun:test"
import type { Ticket } from "../../src/foundation/ticket.ts"
import type { ClientId } from "../../src/protocol/packet.ts"
import {
  GroupCommit,
  type BatchWriter,
  type WriteWay,
  type Written,
} from "../../src/storage/sqlite/group-commit.ts"
import { HandClock, message, outcome, packetId, queued, sessionRecord } from "./samples.ts"

/** Holds each batch until the test says how it went. */
class HeldWriter implements BatchWriter {
  readonly batches: { readonly bytes: number; readonly way: WriteWay; answer(failure?: string): void }[] = []
  #arrival = Promise.withResolvers<void>()

  write(packed: Uint8Array<ArrayBuffer>, way: WriteWay): Promise<Written> {
    const { promise, resolve } = Promise.withResolvers<Written>()
    this.batches.push({
      bytes: packed.length,
      way,
      answer: (failure) => resolve({ failure, buffer: packed.buffer }),
    })
    this.#arrival.resolve()
    this.#arrival = Promise.withResolvers()
    return promise
  }

  /** The nth batch, once it has come. */
  async batch(number: number) {
    while (this.batches.length < number) await this.#arrival.promise
    const batch = this.batches[number - 1]
    if (batch === undefined) throw new Error("no such batch")
    return batch
  }
}

function setUp(limits = { bytes: 1_000_000, messages: 1000 }) {
  const writer = new HeldWriter()
  const clock = new HandClock()
  const commits = new GroupCommit(writer, clock, limits)
  const moods: string[] = []
  commits.onMood((mood) => moods.push(mood))
  let last = 0
  const enqueue = (
    payload = new Uint8Array(10),
    qos: 1 | 2 = 1,
  ): { sequence: number; ticket: Ticket | undefined } => {
    const batch = commits.promising()
    const sequence = ++last
    batch?.enqueue(1, queued(sequence, { message: message("", { payload }), qos }), sequence - 1)
    return { sequence, ticket: batch && commits.promised(batch) }
  }
  const release = () => {
    const batch = commits.gathering()
    batch.add({ op: "identifierReleased", session: 1, packetId: packetId(1) })
    return batch.carriedTicket
  }
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { writer, clock, commits, moods, enqueue, release, turn }
}

describe("group commit", () => {
  test("everything of one turn of the event loop is one batch", async () => {
    const { writer, enqueue } = setUp()
    enqueue()
    await Promise.resolve()
    enqueue()
    expect(writer.batches).toHaveLength(0)
    const batch = await writer.batch(1)
    expect(batch.bytes).toBeGreaterThan(2 * 10)
    expect(writer.batches).toHaveLength(1)
  })

  test("while one batch is written the next gathers, and is written as one", async () => {
    const { writer, enqueue, turn } = setUp()
    const first = enqueue().ticket
    const batch = await writer.batch(1)
    const second = enqueue().ticket
    await turn()
    const third = enqueue().ticket
    expect(third).toBe(second as Ticket)
    await turn()
    expect(writer.batches).toHaveLength(1)
    batch.answer()
    expect(await outcome(first)).toBe("committed")
    expect(second?.state).toBe("pending")
    ;(await writer.batch(2)).answer()
    expect(await outcome(second)).toBe("committed")
  })

  test("what is struck while the writer is busy is done without it", async () => {
    const { writer, commits, enqueue } = setUp()
    enqueue()
    await writer.batch(1)
    const { sequence, ticket } = enqueue()
    commits.gathering().remove(1, sequence)
    expect(await outcome(ticket)).toBe("committed")
    expect(writer.batches).toHaveLength(1)
  })

  test("a failed batch fails every promise that waits, and new ones at once", async () => {
    const { writer, moods, commits, enqueue } = setUp()
    const first = enqueue().ticket
    const batch = await writer.batch(1)
    const second = enqueue().ticket
    batch.answer("the disk is full")
    expect(await outcome(first)).toBe("failed")
    expect(second?.state).toBe("failed")
    expect(moods).toEqual(["failed"])
    expect(commits.promising()).toBeUndefined()
  })

  test("what is noted of a session is carried over, and stands behind what was promised before it", async () => {
    const { writer, clock, commits, turn } = setUp()
    const note = (name: string) => commits.gathering().note(1, sessionRecord(name))
    const update = () => {
      commits.promising()?.add({ op: "updated", session: 1, record: sessionRecord("refused") })
    }
    const waiting = () => {
      return commits.gathering().operations.map((each) => each.op === "noted" && each.record.clientId)
    }
    note("first")
    update()
    note("second")
    expect(commits.gathering().operations.map(({ op }) => op)).toEqual(["noted", "updated", "noted"])
    ;(await writer.batch(1)).answer("the disk is full")
    await turn()
    expect(waiting()).toEqual(["second" as ClientId])
    update()
    note("third")
    expect(waiting()).toEqual(["third" as ClientId])
    clock.advance(1000)
    ;(await writer.batch(2)).answer()
    await turn()
    expect(waiting()).toEqual([])
  })

  test("what takes away is carried over, in order, until it can be written", async () => {
    const { writer, clock, moods, enqueue, release } = setUp()
    const carried = release()
    const dropped = enqueue().ticket
    ;(await writer.batch(1)).answer("the disk is full")
    expect(await outcome(dropped)).toBe("failed")
    expect(carried.state).toBe("pending")
    const later = release()
    clock.advance(1000)
    const retry = await writer.batch(2)
    expect(retry.way).toBe("probe")
    retry.answer("still full")
    await Promise.resolve()
    await Promise.resolve()
    expect([carried.state, later.state]).toEqual(["pending", "pending"])
    clock.advance(1000)
    const last = await writer.batch(3)
    expect(last.bytes).toBe(2 * (1 + 4 + 4 + 4))
    last.answer()
    expect(await Promise.all([carried, later].map(outcome))).toEqual(["committed", "committed"])
    expect(moods).toEqual(["failed", "healthy"])
    expect(await outcomeOfNext(enqueue, writer, 4)).toBe("committed")
  })

  test("with nothing to carry it still tries each second whether it can write", async () => {
    const { writer, clock, moods, enqueue } = setUp()
    const dropped = enqueue().ticket
    ;(await writer.batch(1)).answer("the disk is full")
    await outcome(dropped)
    clock.advance(999)
    expect(writer.batches).toHaveLength(1)
    clock.advance(1)
    const probe = await writer.batch(2)
    expect([probe.bytes, probe.way]).toEqual([0, "probe"])
    probe.answer()
    expect(await outcomeOfNext(enqueue, writer, 3)).toBe("committed")
    expect(moods).toEqual(["failed", "healthy"])
  })

  test("it is behind when too many messages wait, and healthy again below half", async () => {
    const { writer, moods, enqueue, turn } = setUp({ bytes: 1_000_000, messages: 4 })
    for (let count = 0; count < 3; count++) enqueue()
    const first = await writer.batch(1)
    enqueue()
    expect(moods).toEqual([])
    enqueue()
    expect(moods).toEqual(["behind"])
    await turn()
    enqueue()
    first.answer()
    const second = await writer.batch(2)
    expect(moods).toEqual(["behind"])
    second.answer()
    await turn()
    expect(moods).toEqual(["behind", "healthy"])
  })

  test("it is behind when too many bytes wait", () => {
    const { moods, enqueue } = setUp({ bytes: 1000, messages: 100 })
    enqueue(new Uint8Array(900))
    enqueue(new Uint8Array(200))
    expect(moods).toEqual(["behind"])
  })

  test("a question is asked after the hand-over of what was told before, never in the middle of it", async () => {
    const { writer, commits, enqueue } = setUp()
    const order: string[] = []
    enqueue()
    commits.afterwards(() => order.push(`asked after ${writer.batches.length}`))
    enqueue()
    expect(order).toEqual([])
    await writer.batch(1)
    expect(order).toEqual(["asked after 1"])
  })

  test("a batch whose messages are on the wire waits a moment for their acknowledgements", async () => {
    const { writer, clock, commits, enqueue, turn } = setUp()
    for (let count = 0; count < 600; count++) enqueue()
    commits.gathering().sent(1, 600, 0)
    await turn()
    expect(writer.batches).toHaveLength(0)
    for (let sequence = 1; sequence <= 50; sequence++) commits.gathering().remove(1, sequence)
    clock.advance(4)
    await turn()
    expect(writer.batches).toHaveLength(0)
    clock.advance(1)
    await writer.batch(1)
  })

  test("and no longer than until most of them have come", async () => {
    const { writer, commits, enqueue, turn } = setUp()
    for (let count = 0; count < 600; count++) enqueue()
    commits.gathering().sent(1, 600, 0)
    await turn()
    for (let sequence = 1; sequence <= 200; sequence++) commits.gathering().remove(1, sequence)
    await writer.batch(1)
  })

  test("messages that nobody was sent wait for nothing, and neither does a question", async () => {
    const { writer, commits, enqueue, turn } = setUp()
    for (let count = 0; count < 600; count++) enqueue()
    await turn()
    expect(writer.batches).toHaveLength(1)
    writer.batches[0]?.answer()
    for (let count = 0; count < 600; count++) enqueue()
    commits.gathering().sent(1, 1200, 0)
    const asked = Promise.withResolvers<void>()
    commits.afterwards(asked.resolve)
    await asked.promise
    expect(writer.batches).toHaveLength(2)
  })

  test("many messages that hardly anybody was sent are written where they will stay", async () => {
    const { writer, commits, enqueue } = setUp()
    for (let count = 0; count < 63; count++) enqueue()
    expect((await writer.batch(1)).way).toBe("log")
    for (let count = 0; count < 64; count++) enqueue()
    commits.gathering().sent(1, 63 + 7, 63)
    writer.batches[0]?.answer()
    expect((await writer.batch(2)).way).toBe("tables")
    for (let count = 0; count < 64; count++) enqueue()
    commits.gathering().sent(1, 63 + 64 + 8, 63 + 64)
    writer.batches[1]?.answer()
    expect((await writer.batch(3)).way).toBe("log")
  })

  test("of QoS 2 it is not known before the commit whether anybody is there, so they go by way of the log", async () => {
    const { writer, commits, enqueue } = setUp()
    for (let count = 0; count < 64; count++) enqueue(undefined, 2)
    expect((await writer.batch(1)).way).toBe("log")
    for (let count = 0; count < 64; count++) enqueue(undefined, 2)
    for (let sequence = 65; sequence <= 128; sequence++) commits.gathering().remove(1, sequence)
    for (let count = 0; count < 64; count++) enqueue()
    writer.batches[0]?.answer()
    expect((await writer.batch(2)).way).toBe("tables")
  })

  test("a disk that fails for a day is tried each second, and keeps what it has to write", async () => {
    const { writer, clock, commits, moods, release, turn } = setUp()
    const released = release()
    ;(await writer.batch(1)).answer("the disk is full")
    for (let retry = 2; retry <= 86_400; retry++) {
      await turn()
      clock.advance(1000)
      writer.batches.shift()
      writer.batches[0]?.answer("still full")
    }
    await turn()
    clock.advance(1000)
    expect(released.state).toBe("pending")
    writer.batches.at(-1)?.answer()
    await turn()
    expect(released.state).toBe("committed")
    expect(moods).toEqual(["failed", "healthy"])
    expect(await commits.close()).toBe(0)
  })

  test("closing writes what waits", async () => {
    const { writer, commits, enqueue } = setUp()
    enqueue()
    const first = await writer.batch(1)
    const waiting = enqueue().ticket
    const closed = commits.close()
    first.answer()
    ;(await writer.batch(2)).answer()
    expect(await closed).toBe(0)
    expect(waiting?.state).toBe("committed")
  })

  test("closing while nothing can be written tells how much is lost", async () => {
    const { writer, commits, release, turn } = setUp()
    release()
    ;(await writer.batch(1)).answer("the disk is full")
    await turn()
    const closed = commits.close()
    ;(await writer.batch(2)).answer("still full")
    await turn()
    for (const batch of writer.batches.slice(2)) batch.answer("still full")
    expect(await closed).toBe(1)
  })
})

async function outcomeOfNext(
  enqueue: () => { ticket: Ticket | undefined },
  writer: HeldWriter,
  number: number,
): Promise<Ticket["state"]> {
  await new Promise<void>((resolve) => setImmediate(resolve))
  const { ticket } = enqueue()
  ;(await writer.batch(number)).answer()
  return outcome(ticket)
}
