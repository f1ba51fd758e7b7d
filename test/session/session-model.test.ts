import { newCounters } from "../../src/foundation/counters.ts"
import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { type Message, noBytes, topicOf } from "../../src/protocol/message.ts"
import type { PacketId, Qos } from "../../src/protocol/packet.ts"
import { SharedPublish } from "../../src/protocol/shared-publish.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Link, LinkOutcome } from "../../src/session/link.ts"
import { Session } from "../../src/session/session.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"

type Step =
  | { readonly does: "publish"; readonly count: number; readonly qos: 1 | 2 }
  | { readonly does: "acknowledge"; readonly which: number }
  | { readonly does: "stall" | "drain" | "reconnect" | "leave" | "wait" }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant("publish" as const),
      count: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 1, max: 8 }) },
        { weight: 1, arbitrary: fc.constant(1_100) },
      ),
      qos: fc.constantFrom(1 as const, 2 as const),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ does: fc.constant("acknowledge" as const), which: fc.nat({ max: 20 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom(
        "stall" as const,
        "drain" as const,
        "reconnect" as const,
        "leave" as const,
        "wait" as const,
      ),
    }),
  },
)

/** A message is its number. */
function numbered(number: number, qos: Qos): SharedPublish {
  const message: Message = {
    topic: topicOf("t" as never),
    payload: Buffer.from(String(number)),
    qos,
    retain: false,
    properties: noBytes,
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher: { origin: "client", clientId: "", username: undefined },
    receivedAtMs: 0,
    counter: number,
    hops: 0,
  }
  return new SharedPublish(message)
}

interface Sent {
  readonly number: number
  readonly qos: Qos
  /** Whether it is the PUBCOMP that is still to come. */
  received: boolean
}

/** The client's side: checks what it gets as it comes, and remembers what it owes. */
class Receiver implements Link {
  readonly receiveMaximum: number
  takesMore = true
  readonly inFlight = new Map<PacketId, Sent>()
  readonly #client: Client
  #last = -1

  constructor(client: Client, receiveMaximum: number) {
    this.#client = client
    this.receiveMaximum = receiveMaximum
  }

  mayRead(): boolean {
    return true
  }

  publish(
    { message }: SharedPublish,
    qos: Qos,
    _retain: boolean,
    dup: boolean,
    packetId: PacketId | undefined,
  ): LinkOutcome {
    const number = message.counter
    if (packetId === undefined) throw new Error("a message of QoS 1 or 2 has a packet identifier")
    expect(this.takesMore).toBe(true)
    expect(this.inFlight.has(packetId)).toBe(false)
    this.inFlight.set(packetId, { number, qos, received: false })
    expect([...this.inFlight.values()].filter(({ received }) => !received).length).toBeLessThanOrEqual(
      this.receiveMaximum,
    )
    // In order, and with DUP exactly when an earlier connection has had it.
    expect(number).toBeGreaterThan(this.#last)
    this.#last = number
    expect(dup).toBe(this.#client.seen.has(number))
    expect(this.#client.done.has(number)).toBe(false)
    this.#client.seen.add(number)
    return "sent"
  }

  forward(): boolean {
    throw new Error("no run is delivered here")
  }

  forwardOne(): boolean {
    throw new Error("no run is delivered here")
  }

  pubrel(packetId: PacketId): void {
    const number = this.#client.received.get(packetId)
    if (number === undefined) throw new Error("PUBREL for what was not received")
    this.inFlight.set(packetId, { number, qos: 2, received: true })
  }

  caughtUp(): void {}

  close(): void {
    throw new Error("nobody asked the link to close")
  }
}

class Client {
  readonly seen = new Set<number>()
  /** Acknowledged to the end. */
  readonly done = new Set<number>()
  /** PUBREC went out, PUBCOMP did not. */
  readonly received = new Map<PacketId, number>()
  readonly session: Session
  link: Receiver | undefined

  constructor(session: Session) {
    this.session = session
  }

  connect(receiveMaximum: number): void {
    this.leave()
    this.link = new Receiver(this, receiveMaximum)
    this.session.attach(this.link)
  }

  leave(): void {
    this.session.detach()
    this.link = undefined
  }

  /** The next step of one of the conversations under way. @returns false when there is none */
  acknowledge(which: number): boolean {
    const { link } = this
    const all = [...(link?.inFlight ?? [])]
    const chosen = all[which % Math.max(1, all.length)]
    if (link === undefined || chosen === undefined) return false
    const [packetId, sent] = chosen
    if (sent.qos === 2 && !sent.received) {
      sent.received = true
      this.received.set(packetId, sent.number)
      this.done.add(sent.number)
      expect(this.session.pubrec(packetId, ReasonCode.success)).toBeUndefined()
      return true
    }
    link.inFlight.delete(packetId)
    this.done.add(sent.number)
    this.received.delete(packetId)
    const ended = sent.qos === 1 ? this.session.puback(packetId) : this.session.pubcomp(packetId)
    expect(ended).toBe(true)
    return true
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve()
}

describe("a session", () => {
  test("delivers all it took over, in order, each once or with DUP, through any window and any number of connections", async () => {
    const limits = fc.record({
      windowMessages: fc.integer({ min: 1, max: 4 }),
      receiveMaximum: fc.integer({ min: 1, max: 4 }),
      queuedMessages: fc.constantFrom(10, 1_000_000),
    })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60, size: "max" }), async (chosen, steps) => {
        const dropped = new Set<number>()
        let droppedUnseen = 0
        const record = {
          clientId: "a" as never,
          username: undefined,
          createdAtMs: 0,
          expiryIntervalSeconds: 1,
          disconnectedAtMs: undefined,
          will: undefined,
        }
        const session = new Session(
          {
            limits: {
              queuedBytes: 1e9,
              whenFull: "drop-oldest",
              ...chosen,
            },
            counters: newCounters(),
            observer: {
              dropped: (_, { message }) => void dropped.add(message.counter),
              droppedSome: (_, __, ___, messages) => void (droppedUnseen += messages),
              queueFilling: () => {},
              unreadable: (_, error) => {
                throw error
              },
            },
            storeFails: false,
            now: () => 0,
          },
          record,
          new MemoryStore().create().journal,
        )
        const client = new Client(session)
        let published = 0
        for (const each of steps) {
          switch (each.does) {
            case "publish":
              for (let count = 0; count < each.count; count++) {
                session.deliver(
                  numbered(published, each.qos),
                  { qos: 2, retainAsPublished: false, subscriptionIdentifiers: [] },
                  undefined,
                )
                published += 1
              }
              break
            case "acknowledge":
              client.acknowledge(each.which)
              break
            case "stall":
              if (client.link !== undefined) client.link.takesMore = false
              break
            case "drain":
              if (client.link !== undefined) client.link.takesMore = true
              session.writable()
              break
            case "reconnect":
              client.connect(chosen.receiveMaximum)
              break
            case "leave":
              client.leave()
              break
            case "wait":
              await settle()
              break
          }
          expect(session.load).toBeLessThanOrEqual(chosen.queuedMessages)
        }
        client.connect(chosen.receiveMaximum)
        await settle()
        while (client.acknowledge(0)) await settle()
        expect(client.done.size + dropped.size + droppedUnseen).toBe(published)
        // What the client may have is never dropped.
        for (const number of dropped) expect(client.seen.has(number)).toBe(false)
        if (chosen.queuedMessages > 10) expect(client.done.size).toBe(published)
        expect([session.load, session.queuedBytes]).toEqual([0, 0])
      }),
      { numRuns: 500 },
    )
  })
})
