import { beforeEach, describe, expect, test } from "bun:test"
import type { Log, LogFields } from "../../src/foundation/log.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { ExchangeAuthenticator } from "../../src/security/authentication/exchange.ts"
import { connect } from "../support/packets.ts"
import { silentLog } from "../support/silent-log.ts"
import { TestBroker, type TestBrokerOptions } from "../support/test-broker.ts"

const here = "192.0.2.7"
const elsewhere = "198.51.100.9"

let said: (LogFields & { sentence: string })[] = []
const log: Log = { ...silentLog, warn: (sentence, fields) => void said.push({ sentence, ...fields }) }
beforeEach(() => {
  said = []
})

const brokerWith = (options: TestBrokerOptions) => TestBroker.start({ ...options, log })

function come(broker: TestBroker, count: number, remoteAddress: string) {
  return Array.from({ length: count }, (_, number) => broker.client(`c${number}`, { remoteAddress }))
}

function open(clients: ReturnType<typeof come>): number {
  return clients.filter(({ state }) => state === "open").length
}

describe("New connections of one address", () => {
  const limits = { connectionRatePerAddress: 10 }

  test("are closed at once when there are too many a second; others come in", async () => {
    const broker = await brokerWith({ limits })
    const clients = come(broker, 30, here)
    expect(open(clients)).toBe(20)
    expect(clients.at(-1)?.state).toBe("terminated")
    expect(broker.client("a", { remoteAddress: elsewhere }).state).toBe("open")
    expect(broker.counters.turnedAway["address-rate"]).toBe(10)
    await broker.passes(1)
    expect(open(come(broker, 30, here))).toBe(10)
  })

  test("count together when they come from one /64 of IPv6", async () => {
    const broker = await brokerWith({ limits })
    come(broker, 15, "2001:db8::1")
    expect(open(come(broker, 15, "2001:db8::2"))).toBe(5)
    expect(open(come(broker, 15, "2001:db8:0:1::2"))).toBe(15)
  })

  test.each(["127.0.0.1", "::1", "unix"])("may be any number from %s", async (address) => {
    const broker = await brokerWith({ limits: { connectionRatePerAddress: 10, halfOpenPerAddress: 10 } })
    expect(open(come(broker, 300, address))).toBe(300)
  })

  test("are told of once, and summed up after a while", async () => {
    const broker = await brokerWith({ limits })
    come(broker, 30, here)
    const why = "too many new connections from its address"
    expect(said).toEqual([{ sentence: "a connection was turned away", address: here, why }])
    await broker.passes(10)
    expect(said.slice(1)).toEqual([
      { sentence: "more connections were turned away", count: 9, "last-address": here, why },
    ])
  })

  test("are summed up at once when nobody is let in any more", async () => {
    const broker = await brokerWith({ limits })
    const clients = come(broker, 30, here)
    for (const client of clients) client.cuts()
    await broker.acceptor.close(ReasonCode.serverShuttingDown)
    expect(said.at(-1)).toMatchObject({ sentence: "more connections were turned away", count: 9 })
    expect(broker.clock.waiting).toBe(0)
  })
})

describe("New connections of everybody", () => {
  test("are closed at once when there are more than limits.connection_rate a second", async () => {
    const broker = await brokerWith({ limits: { connectionRate: 5 } })
    expect(open([...come(broker, 3, here), ...come(broker, 3, "127.0.0.1")])).toBe(5)
    expect(broker.counters.turnedAway.rate).toBe(1)
  })

  test("leave some for the others when one address comes too often", async () => {
    const broker = await brokerWith({ limits: { connectionRate: 100, connectionRatePerAddress: 10 } })
    expect(open(come(broker, 500, here))).toBe(20)
    expect(open(come(broker, 20, elsewhere))).toBe(20)
  })

  test("are closed at once when there are more than their listener bears a second", async () => {
    const broker = await brokerWith({ entrance: { connectionRate: 2 } })
    expect(open(come(broker, 3, here))).toBe(2)
    expect(broker.counters.turnedAway["listener-rate"]).toBe(1)
  })

  test("are closed at once while their listener has as many as it bears", async () => {
    const broker = await brokerWith({ entrance: { connections: 2 } })
    const [first] = come(broker, 2, here)
    expect(open(come(broker, 1, here))).toBe(0)
    first?.cuts()
    expect(open(come(broker, 2, here))).toBe(1)
    expect(broker.counters.turnedAway["listener-full"]).toBe(2)
  })

  test("are closed at once while there are limits.connections of them", async () => {
    const broker = await brokerWith({ limits: { connections: 2 } })
    const clients = come(broker, 3, here)
    expect(open(clients)).toBe(2)
    clients[0]?.cuts()
    expect(open(come(broker, 2, here))).toBe(1)
    expect(broker.counters.turnedAway.full).toBe(2)
  })
})

describe("Connections that have not said CONNECT", () => {
  test("are so many of one address at a time, and one more is closed at once", async () => {
    const broker = await brokerWith({ limits: { halfOpenPerAddress: 3 } })
    const clients = come(broker, 3, here)
    expect(open(come(broker, 1, here))).toBe(0)
    expect(open(come(broker, 1, elsewhere))).toBe(1)
    await clients[0]?.connects()
    clients[1]?.cuts()
    expect(open(come(broker, 3, here))).toBe(2)
    expect(broker.counters.turnedAway["address-half-open"]).toBe(2)
  })

  test("are so many in all, and the one that has been silent for longest gives way to the next", async () => {
    const broker = await brokerWith({ limits: { halfOpen: 3 } })
    const [first, second, third] = come(broker, 3, here)
    await first?.connects()
    await broker.passes(5)
    const [fourth, honest] = come(broker, 2, elsewhere)
    expect([first, second, third, fourth].map((client) => client?.state)).toEqual([
      "open",
      "terminated",
      "open",
      "open",
    ])
    expect((await honest?.asks())?.reasonCode).toBe(ReasonCode.success)
    expect(broker.counters.turnedAway["half-open"]).toBe(1)
  })

  test("are not taken for silent in their first five seconds, when many come at once", async () => {
    const broker = await brokerWith({ limits: { halfOpen: 3 } })
    const clients = come(broker, 50, here)
    await broker.passes(4)
    expect(open(come(broker, 1, elsewhere))).toBe(1)
    expect(open(clients)).toBe(50)
    await broker.passes(1)
    expect(open(come(broker, 1, elsewhere))).toBe(1)
    expect(open(clients)).toBe(49)
  })

  test("give way to the next after a second where there is no room for anybody else", async () => {
    const broker = await brokerWith({ limits: { connections: 3 } })
    await broker.connected("a")
    const silent = come(broker, 2, here)
    expect(open(come(broker, 1, elsewhere))).toBe(0)
    await broker.passes(1)
    expect(open(come(broker, 2, elsewhere))).toBe(2)
    expect(open(silent)).toBe(0)
    expect(open(come(broker, 1, elsewhere))).toBe(0)
    expect(broker.counters.clientsConnected).toBe(1)
  })

  test("are those as well that were asked who they are, and keep silent", async () => {
    const asks: ExchangeAuthenticator = {
      method: "ASKS",
      begin: () => ({ step: async () => ({ verdict: "continue", data: new Uint8Array(1) }) }),
    }
    const broker = await brokerWith({ limits: { connections: 3 }, exchanges: [asks] })
    const silent = come(broker, 3, here)
    for (const client of silent) {
      client.sends(connect(5, { clientId: "c", properties: { authenticationMethod: "ASKS" } }))
    }
    await broker.passes(1)
    const [honest] = come(broker, 1, elsewhere)
    expect((await honest?.asks())?.reasonCode).toBe(ReasonCode.success)
    expect(open(silent)).toBe(2)
  })

  test("do not pile up when they are refused and do not read why", async () => {
    const broker = await brokerWith({
      limits: { halfOpen: 3 },
      authenticator: {
        authenticate: () => ({ verdict: "reject", reasonCode: ReasonCode.notAuthorized, why: "" }),
      },
    })
    for (const id of ["a", "b", "c", "d", "e"]) {
      const client = broker.client(id)
      client.stalls()
      await client.asks({ username: "a" })
    }
    expect(broker.counters.turnedAway["half-open"]).toBe(0)
    expect(broker.acceptor.size).toBe(3)
  })
})
