import { describe, expect, test } from "bun:test"
import { rejected } from "../support/accounts.ts"
import type { BrokerEvent, BrokerEventKind } from "../../src/broker/hook.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { parseTopicFilter } from "../../src/protocol/topic.ts"
import { disconnect, lasting, pingreq, puback, publish, subscribe, unsubscribe } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

function filterOf(text: string) {
  const filter = parseTopicFilter(text)
  if (filter === undefined) throw new Error(`${text} is no topic filter`)
  return filter
}

function listening(broker: TestBroker, ...kinds: BrokerEventKind[]): BrokerEvent[] {
  const events: BrokerEvent[] = []
  for (const kind of kinds) broker.broker.hook.onEvent(kind, (event) => void events.push(event))
  return events
}

describe("the hook tells", () => {
  test("of messages, by filter, until it is let go", async () => {
    const broker = await TestBroker.start()
    const heard: string[] = []
    const unlisten = broker.broker.hook.onMessage(filterOf("a/+"), ({ topic }) => void heard.push(topic.name))
    const client = await broker.connected("a")
    client.publishes({ topic: "a/1" })
    client.publishes({ topic: "b/1" })
    unlisten()
    client.publishes({ topic: "a/2" })
    expect(heard).toEqual(["a/1"])
  })

  test("of a client's coming and going", async () => {
    const broker = await TestBroker.start()
    const events = listening(broker, "client-connected", "client-disconnected", "session-taken-over")
    const client = await broker.connected("a", { ...lasting, username: "u" })
    const second = await broker.connected("a", { ...lasting, username: "u", version: 4 })
    second.sends(disconnect())
    expect(client.state).toBe("ended")
    const who = { clientId: "a", username: "u" }
    expect(events).toMatchObject([
      { kind: "client-connected", ...who, version: "5.0", sessionPresent: false, address: "192.0.2.1" },
      { kind: "session-taken-over", clientId: "a" },
      { kind: "client-disconnected", ...who, why: "session taken over" },
      { kind: "client-connected", ...who, version: "3.1.1", sessionPresent: true },
      { kind: "client-disconnected", ...who, why: "disconnected by client" },
    ])
  })

  test("of whoever is refused, and why", async () => {
    const broker = await TestBroker.start({
      authenticator: { authenticate: () => rejected(ReasonCode.badUserNameOrPassword) },
    })
    const events = listening(broker, "client-refused", "client-connected")
    await broker.client("a").asks({ username: "u" })
    broker.client("b").sends(pingreq)
    const where = { kind: "client-refused", address: "192.0.2.1", listener: "tcp://127.0.0.1:1883" }
    expect(events).toMatchObject([
      { ...where, clientId: "a", username: "u", hasAsked: true, why: "the test says so" },
      { ...where, clientId: "", username: undefined, hasAsked: false },
    ])
  })

  test("of subscriptions as they were written, and sessions that expire", async () => {
    const broker = await TestBroker.start()
    const events = listening(broker, "subscribed", "unsubscribed", "session-expired")
    const client = await broker.connected("a", { properties: { sessionExpiryInterval: 1 } })
    client.sends(
      subscribe(1, [{ filter: "$share/g/t" }, { filter: "a#" }]),
      unsubscribe(2, "$share/g/t", "x"),
    )
    client.cuts()
    await broker.passes(2)
    expect(events).toEqual([
      { kind: "subscribed", clientId: "a" as never, filter: "$share/g/t" },
      { kind: "unsubscribed", clientId: "a" as never, filter: "$share/g/t" },
      { kind: "session-expired", clientId: "a" as never },
    ])
  })

  test("of what was dropped", async () => {
    const broker = await TestBroker.start()
    const events = listening(broker, "message-dropped")
    const client = await broker.connected("a", { properties: { maximumPacketSize: 20 } })
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ payload: "x".repeat(20) })
    expect(events).toMatchObject([{ kind: "message-dropped", clientId: "a", why: "too-large" }])
  })

  test("and a listener that throws harms nobody, though it is called a bug", async () => {
    const broker = await TestBroker.start()
    broker.broker.hook.onMessage(filterOf("#"), () => {
      throw new Error("ours")
    })
    const client = await broker.connected("a")
    client.sends(publish({ qos: 1, packetId: 1 }))
    expect(client.receives()).toEqual([puback(1)])
    await expect(broker.settle()).rejects.toThrow("ours")
  })
})
