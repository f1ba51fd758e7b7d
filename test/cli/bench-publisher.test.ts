import { describe, expect, test } from "bun:test"
import { Gauge } from "../../cli/bench/gauge.ts"
import { type Pace, Publisher, type PublisherHost } from "../../cli/bench/publisher.ts"
import { quotaOf, Schedule } from "../../cli/bench/schedule.ts"
import { Belt, packetIdOf, readFour, stamp } from "../../src/client/belt.ts"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import { noProperties } from "../../src/protocol/properties.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { MemorySocket } from "../support/memory-socket.ts"

const terms = {
  receiveMaximum: 65_535,
  maximumPacketSize: Infinity,
  maximumQos: 2 as Qos,
  retainAvailable: true,
  topicAliasMaximum: 0,
  keepAliveSeconds: 0,
}

/** A publisher whose broker and clock the test plays. */
function setUp({
  qos = 1,
  inFlight = 4,
  fanOut = 0,
  perSecond,
  quota = Infinity,
  receiveMaximum = 65_535,
}: Case) {
  let microseconds = 1_000
  const gauge = new Gauge(() => microseconds * 1_000)
  const schedule = perSecond === undefined ? undefined : new Schedule(perSecond, Infinity)
  const dueAt = schedule === undefined ? undefined : (_: number, sequence: number) => schedule.dueAt(sequence)
  const pace: Pace = { qos, inFlight, fanOut, dueAt }
  const ready: Publisher[] = []
  const sendReady = () => {
    gauge.endOfChunk()
    for (const each of ready.splice(0)) each.send()
  }
  const host: PublisherHost = {
    pace,
    gauge,
    ready: (publisher) => void ready.push(publisher),
    endOfChunk: sendReady,
    lost() {},
  }
  const peer = new MemorySocket(() => ({ received() {}, writable: () => publisher.writable(), closed() {} }))
  const traffic = { topics: () => ["a"], qos, payloadBytes: 12, properties: noProperties, aliases: false }
  const client = { socket: peer.socket, terms: { ...terms, receiveMaximum }, tell() {} }
  const publisher: Publisher = new Publisher(0, client, new Belt(0, traffic, 5, 4), quota, host)
  const frames = new FrameReader(1_000)
  return {
    publisher,
    gauge,
    peer,
    schedule,
    advance: (more: number) => void (microseconds += more),
    callDue: () => {
      schedule?.call(gauge.now(), (number) => publisher.call(schedule.dueAt(number)))
      sendReady()
    },
    acknowledge: (...sequences: readonly number[]) => {
      for (const sequence of sequences) publisher.acknowledged(packetIdOf(sequence))
      publisher.endOfChunk()
    },
    deliver: (count: number) => {
      publisher.delivered(count)
      sendReady()
    },
    /** The places in the sequence that went out since it was last asked. */
    sent: (): number[] => {
      const found: number[] = []
      frames.append(peer.sent())
      while (frames.next()) {
        const packet = decodePacket(frames.firstByte, frames.bytes, frames.bodyStart, frames.bodyEnd, 5)
        if (packet.type === "publish") found.push(readFour(packet.payload, stamp.sequence))
      }
      return found
    },
  }
}

interface Case {
  readonly qos?: Qos
  readonly inFlight?: number
  readonly fanOut?: number
  readonly perSecond?: number
  readonly quota?: number
  readonly receiveMaximum?: number
}

describe("a publisher in a closed loop", () => {
  test("has no more on its way than it may, and goes on as acknowledgements come", () => {
    const { publisher, sent, acknowledge } = setUp({ inFlight: 3, quota: 6 })
    publisher.send()
    expect(sent()).toEqual([0, 1, 2])
    acknowledge(0)
    expect(sent()).toEqual([3])
    acknowledge(1, 2, 3)
    expect(sent()).toEqual([4, 5])
    acknowledge(4, 5)
    expect(sent()).toEqual([])
    expect(publisher.unacknowledged).toBe(0)
  })

  test("keeps to the broker's receive maximum [3.2.2.3.3]", () => {
    const { publisher, sent } = setUp({ inFlight: 10, receiveMaximum: 2 })
    publisher.send()
    expect(sent()).toEqual([0, 1])
  })

  test("waits for subscribers as well, and for no delivery of what was refused", () => {
    const { publisher, sent, acknowledge, deliver } = setUp({ inFlight: 2, fanOut: 3 })
    publisher.send()
    acknowledge(0, 1)
    deliver(2)
    expect(sent()).toEqual([0, 1])
    deliver(1)
    expect(sent()).toEqual([2])
    publisher.refused(packetIdOf(2), ReasonCode.notAuthorized)
    publisher.endOfChunk()
    expect(sent()).toEqual([3])
  })

  test("gives up, after a while, deliveries that do not come: its window would stay closed", () => {
    const { publisher, sent, gauge, advance, deliver } = setUp({ qos: 0, inFlight: 2, fanOut: 1 })
    publisher.send()
    expect(sent()).toEqual([0, 1])
    advance(500_000)
    publisher.writeOff(gauge.now() - 1_000_000)
    deliver(0)
    expect(sent()).toEqual([])
    advance(1_000_000)
    publisher.writeOff(gauge.now() - 1_000_000)
    deliver(0)
    expect(sent()).toEqual([2, 3])
  })

  test("measures how long each acknowledgement took, over the end of the packet identifiers too", () => {
    const { publisher, gauge, advance, acknowledge, peer } = setUp({ inFlight: 1, quota: 65_540 })
    gauge.begin()
    publisher.send()
    for (let sequence = 0; sequence < 65_540; sequence++) {
      advance(100)
      acknowledge(sequence)
      peer.sent()
    }
    expect(gauge.acknowledgement.total).toBe(65_540)
    expect(gauge.acknowledgement.percentile(0)).toBe(0)
    expect(gauge.acknowledgement.percentile(1)).toBeWithin(100, 102)
    expect(gauge.acknowledgement.percentile(0.00001)).toBeWithin(100, 102)
  })

  test("at QoS 0, with nobody listening, writes as the socket takes it", () => {
    const { publisher, sent, peer } = setUp({ qos: 0 })
    peer.stall()
    while (publisher.send()) peer.flush()
    expect(peer.socket.output.writable).toBe(false)
    const before = publisher.sequence
    peer.drain()
    expect(publisher.sequence).toBeGreaterThan(before)
    expect(sent()).toHaveLength(publisher.sequence)
  })
})

describe("a publisher in an open loop", () => {
  test("sends what is due, and nothing before", () => {
    const { sent, schedule, gauge, advance, callDue } = setUp({ perSecond: 1_000, inFlight: 100 })
    schedule?.begin(gauge.now())
    callDue()
    expect(sent()).toEqual([0])
    advance(999)
    callDue()
    expect(sent()).toEqual([])
    advance(2_001)
    callDue()
    expect(sent()).toEqual([1, 2, 3])
  })

  test("counts from when a message was due, so all that waited behind a stalled broker are late", () => {
    const { sent, schedule, gauge, advance, callDue, acknowledge } = setUp({ perSecond: 1_000, inFlight: 1 })
    schedule?.begin(gauge.now())
    gauge.begin()
    callDue()
    // The broker says nothing for ten milliseconds, in which ten more are due.
    for (let step = 0; step < 10; step++) {
      advance(1_000)
      callDue()
    }
    expect(sent()).toEqual([0])
    for (let sequence = 0; sequence <= 10; sequence++) acknowledge(sequence)
    const { histogram } = gauge.acknowledgement.summary()
    const milliseconds = histogram.map(([bound]) => Math.floor(bound / 1_000))
    expect(milliseconds).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    // None of it was the load generator's fault.
    expect(gauge.sentLate.percentile(1)).toBeLessThan(1)
  })

  test("knows when it was itself that came late", () => {
    const { schedule, gauge, advance, callDue } = setUp({ perSecond: 1_000, inFlight: 100 })
    schedule?.begin(gauge.now())
    gauge.begin()
    advance(5_000)
    callDue()
    expect(gauge.sentLate.percentile(1)).toBeWithin(5_000, 5_100)
  })

  test("still owes what was due when the time is over", () => {
    const { publisher, sent, schedule, gauge, advance, callDue, acknowledge } = setUp({
      perSecond: 1_000,
      inFlight: 1,
    })
    schedule?.begin(gauge.now())
    advance(2_000)
    callDue()
    publisher.stop()
    expect(publisher.owed).toBe(2)
    acknowledge(0)
    acknowledge(1)
    expect(sent()).toEqual([0, 1, 2])
  })
})

test("turns at publishing are dealt out to the last message", () => {
  const quotas = [0, 1, 2].map((index) => quotaOf(7, index, 3))
  expect(quotas).toEqual([3, 2, 2])
  expect(quotaOf(2, 5, 9)).toBe(0)
  expect(quotaOf(Infinity, 0, 9)).toBe(Infinity)
})

test("an open loop of so many calls no more than those", () => {
  const schedule = new Schedule(10, 3)
  const called: number[] = []
  schedule.call(1e9, (number) => called.push(number))
  expect(called).toEqual([0, 1, 2])
  expect(schedule.nextAt).toBe(Infinity)
})
