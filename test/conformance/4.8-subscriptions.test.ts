import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { type ShareStrategy, shareStrategies } from "../../src/routing/share-groups.ts"
import {
  allVersions,
  disconnect,
  lasting,
  named,
  payloads,
  puback,
  publishes,
  pubrec,
  subscribe,
  unsubscribe,
} from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { TestBroker } from "../support/test-broker.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

async function group(
  strategy: ShareStrategy,
  size: number,
  client: Parameters<TestBroker["connected"]>[1] = {},
): Promise<{ broker: TestBroker; publisher: ScriptedClient; members: ScriptedClient[] }> {
  const broker = await TestBroker.start({ shareStrategy: strategy })
  const publisher = await broker.connected("p")
  const members: ScriptedClient[] = []
  for (const index of numbers(size)) {
    const member = await broker.connected(`m${index}`, client)
    member.subscribes([{ filter: "$share/g/t", qos: 2 }])
    members.push(member)
  }
  return { broker, publisher, members }
}

const counts = (members: readonly ScriptedClient[]) =>
  members.map((member) => payloads(member.receivesAndAnswers()).length)

describe("4.8.2 shared subscriptions", () => {
  for (const strategy of shareStrategies) {
    test(`${strategy}: each message goes to one member [4.8.2]`, async () => {
      const { publisher, members } = await group(strategy, 3)
      for (const payload of numbers(30)) publisher.publishes({ qos: 1, payload })
      const all = members.flatMap((member) => payloads(member.receivesAndAnswers()))
      expect(all.toSorted()).toEqual(numbers(30).toSorted())
    })

    test(`${strategy}: a member that takes nothing more is passed over [4.8.2]`, async () => {
      const { publisher, members } = await group(strategy, 3, { properties: { receiveMaximum: 2 } })
      const [deaf, ...others] = members
      let elsewhere = 0
      for (const payload of numbers(30)) {
        publisher.publishes({ qos: 1, payload })
        for (const member of others) elsewhere += payloads(member.receivesAndAnswers()).length
      }
      expect(publishes(deaf?.receives() ?? []).length).toBeLessThanOrEqual(2)
      expect(elsewhere).toBeGreaterThanOrEqual(28)
    })

    test(`${strategy}: a member that does not read is passed over at every QoS [4.8.2]`, async () => {
      const { broker, publisher, members } = await group(strategy, 2, {
        output: { highWaterBytes: 16 },
      })
      members[0]?.stalls()
      const filler = await broker.connected("filler")
      members[0]?.sends(subscribe(1, "fill"))
      for (const payload of numbers(3)) filler.publishes({ topic: "fill", payload: payload.repeat(30) })
      for (const payload of numbers(10)) publisher.publishes({ qos: 0, payload })
      expect(payloads(members[1]?.receives() ?? [])).toEqual(numbers(10))
    })

    test(`${strategy}: a member that is away is passed over [4.8.2]`, async () => {
      const { publisher, members } = await group(strategy, 2, lasting)
      members[0]?.cuts()
      for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
      expect(payloads(members[1]?.receivesAndAnswers() ?? [])).toEqual(numbers(10))
    })

    test(`${strategy}: a member that is busy has it wait, and one that is away does not [4.8.2]`, async () => {
      const narrow = { ...lasting, properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 1 } }
      const { publisher, members } = await group(strategy, 2, narrow)
      members[0]?.cuts()
      for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
      expect(payloads(members[1]?.receivesAndAnswers() ?? [])).toEqual(numbers(10))
    })

    test(`${strategy}: what a member has not acknowledged when it goes is given to another, without DUP [4.8.2]`, async () => {
      const { broker, publisher, members } = await group(strategy, 2, {
        ...lasting,
        properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 100 },
      })
      for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
      const seen = members.map((member) => publishes(member.receives()))
      members[0]?.cuts()
      const handed = publishes(members[1]?.receives() ?? [])
      expect(payloads(handed)).toEqual(payloads(seen[0] ?? []))
      expect(handed.every(({ dup }) => !dup)).toBe(true)
      const back = await broker.connected("m0", lasting)
      expect(back.receives()).toEqual([])
    })

    test(`${strategy}: what waits for a member when it goes is given to another [4.8.2]`, async () => {
      const narrow = { ...lasting, properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 1 } }
      const { broker, publisher, members } = await group(strategy, 1, narrow)
      for (const payload of numbers(5)) publisher.publishes({ qos: 1, payload })
      expect(payloads(members[0]?.receives() ?? [])).toEqual(["0"])
      const other = await broker.connected("other")
      other.subscribes("$share/g/t")
      members[0]?.cuts()
      expect(payloads(other.receivesAndAnswers())).toEqual(numbers(5))
      const back = await broker.connected("m0", narrow)
      expect(back.receives()).toEqual([])
      expect(broker.broker.sessions.find("m0" as never)?.load).toBe(0)
    })

    test(`${strategy}: nobody there, and the messages wait for whoever comes back [4.8.2]`, async () => {
      const { broker, publisher, members } = await group(strategy, 2, lasting)
      for (const member of members) member.cuts()
      for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
      const back = [await broker.connected("m0", lasting), await broker.connected("m1", lasting)]
      await broker.settle()
      const all = back.flatMap((member) => payloads(member.receivesAndAnswers()))
      expect(all.toSorted()).toEqual(numbers(10))
    })
  }

  test("round-robin takes turns [4.8.2]", async () => {
    const { publisher, members } = await group("round-robin", 3)
    for (const payload of numbers(9)) publisher.publishes({ qos: 1, payload })
    expect(members.map((member) => payloads(member.receives()))).toEqual([
      ["0", "3", "6"],
      ["1", "4", "7"],
      ["2", "5", "8"],
    ])
  })

  test("round-robin skips nobody when a member leaves [4.8.2]", async () => {
    const { publisher, members } = await group("round-robin", 3)
    publisher.publishes({ payload: "0" })
    members[0]?.cuts()
    for (const payload of ["1", "2", "3", "4"]) publisher.publishes({ payload })
    expect(counts(members.slice(1))).toEqual([2, 2])
  })

  test("sticky stays with one member until it cannot take more, or goes [4.8.2]", async () => {
    const { publisher, members } = await group("sticky", 3)
    for (const payload of numbers(5)) publisher.publishes({ payload })
    expect(counts(members)).toEqual([5, 0, 0])
    members[0]?.cuts()
    for (const payload of numbers(5)) publisher.publishes({ payload })
    expect(counts(members.slice(1)).toSorted()).toEqual([0, 5])
  })

  test("random reaches everybody [4.8.2]", async () => {
    const { publisher, members } = await group("random", 2)
    for (const payload of numbers(200)) publisher.publishes({ payload })
    for (const count of counts(members)) expect(count).toBeGreaterThan(0)
  })

  test("least-inflight gives to whoever has acknowledged most [4.8.2]", async () => {
    const { publisher, members } = await group("least-inflight", 2)
    publisher.publishes({ qos: 1, payload: "0" })
    publisher.publishes({ qos: 1, payload: "1" })
    members[1]?.receivesAndAnswers()
    publisher.publishes({ qos: 1, payload: "2" })
    expect(payloads(members[1]?.receives() ?? [])).toEqual(["2"])
    expect(payloads(members[0]?.receives() ?? [])).toEqual(["0"])
  })

  test("what is going out at QoS 2 stays with its member, and waits for it [MQTT-4.8.2-5]", async () => {
    const { broker, publisher, members } = await group("round-robin", 2, lasting)
    publisher.publishes({ qos: 2, payload: "sent" })
    publisher.publishes({ qos: 2, payload: "received" })
    const [sent] = publishes(members[0]?.receives() ?? [])
    members[0]?.cuts()
    expect(payloads(members[1]?.receives() ?? [])).toEqual(["received"])
    const back = await broker.connected("m0", lasting)
    expect(publishes(back.receives())).toMatchObject([{ dup: true, packetId: sent?.packetId as never }])
  })

  test("QoS 2 whose session ends is given to nobody else [MQTT-4.8.2-5]", async () => {
    const { publisher, members } = await group("round-robin", 2)
    publisher.publishes({ qos: 2, payload: "sent" })
    members[0]?.receives()
    members[0]?.cuts()
    expect(members[1]?.receives()).toEqual([])
  })

  test("what a member refuses is given to nobody else [MQTT-4.8.2-6]", async () => {
    const { publisher, members } = await group("round-robin", 2)
    publisher.publishes({ qos: 1, payload: "1" })
    publisher.publishes({ qos: 2, payload: "2" })
    const [first] = publishes(members[0]?.receives() ?? [])
    const [second] = publishes(members[1]?.receives() ?? [])
    members[0]?.sends(puback(first?.packetId ?? 0, ReasonCode.unspecifiedError))
    members[1]?.sends(pubrec(second?.packetId ?? 0, ReasonCode.unspecifiedError))
    members[0]?.cuts()
    expect(members[1]?.receives()).toEqual([])
  })

  test("of a session that ends, what was not acknowledged at QoS 1 goes to another member [4.8.2]", async () => {
    const { publisher, members } = await group("round-robin", 2)
    publisher.publishes({ qos: 1, payload: "x" })
    members[0]?.receives()
    members[0]?.sends(disconnect())
    expect(payloads(members[1]?.receives() ?? [])).toEqual(["x"])
  })

  test("each member gets it at the QoS that it was granted [MQTT-4.8.2-4]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    const members = []
    for (const qos of [0, 1, 2] as const) {
      const member = await broker.connected(`m${qos}`)
      member.subscribes([{ filter: "$share/g/t", qos }], 10 + qos)
      members.push(member)
    }
    for (const payload of numbers(3)) publisher.publishes({ qos: 2, payload })
    expect(members.map((member) => publishes(member.receives())[0])).toMatchObject([
      { qos: 0, properties: { subscriptionIdentifiers: [10] } },
      { qos: 1, properties: { subscriptionIdentifiers: [11] } },
      { qos: 2, properties: { subscriptionIdentifiers: [12] } },
    ])
  })

  test("no retained messages come by it [4.8.2]", async () => {
    const broker = await TestBroker.start()
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x", retain: true })
    const member = await broker.connected("m")
    member.subscribes("$share/g/t")
    expect(member.receives()).toEqual([])
  })

  test("groups of another name, or on another filter, have a copy of their own, as do subscriptions without a group [4.8.2]", async () => {
    const broker = await TestBroker.start()
    const clients = []
    for (const filter of ["$share/g/t", "$share/h/t", "$share/g/+", "$share/g/#", "t", "+"]) {
      const client = await broker.connected(filter)
      client.subscribes(filter)
      clients.push(client)
    }
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x" })
    expect(counts(clients)).toEqual([1, 1, 1, 1, 1, 1])
  })

  test("a client's own subscription and its shared one are two [4.8.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes([{ filter: "t" }, { filter: "$share/g/t" }])
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x" })
    expect(payloads(client.receives())).toEqual(["x", "x"])
  })

  for (const version of allVersions) {
    test(`can be made in ${named(version)} as well, and $SYS stays hidden from its wildcards`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.subscribes("$share/g/#")
      const publisher = await broker.connected("p")
      publisher.publishes({ topic: "$x", payload: "hidden" })
      publisher.publishes({ topic: "t", payload: "x" })
      expect(payloads(client.receives())).toEqual(["x"])
    })
  }

  test("No Local on it is a protocol error [MQTT-3.8.3-4]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.sends(subscribe(1, [{ filter: "$share/g/t", noLocal: true }]))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
  })

  test("a member that unsubscribes gets no more, and what it had waiting it keeps [MQTT-3.10.4-3]", async () => {
    const { publisher, members } = await group("round-robin", 2, { properties: { receiveMaximum: 1 } })
    for (const payload of numbers(4)) publisher.publishes({ qos: 1, payload })
    members[0]?.sends(unsubscribe(1, "$share/g/t"))
    for (const payload of ["4", "5"]) publisher.publishes({ qos: 1, payload })
    const first = payloads(members[0]?.receivesAndAnswers() ?? [])
    const second = payloads(members[1]?.receivesAndAnswers() ?? [])
    expect([...first, ...second].toSorted()).toEqual(numbers(6))
    expect(second).toContain("4")
    expect(second).toContain("5")
  })
})
