import { describe, expect, test } from "bun:test"
import {
  allQos,
  lasting,
  payloads,
  puback,
  pubcomp,
  publish,
  publishes,
  pubrec,
  pubrel,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

const numbers = (length: number) => Array.from({ length }, (_, index) => String(index))

describe("4.6 message ordering", () => {
  for (const qos of allQos) {
    test(`messages of QoS ${qos} arrive in the order in which they were published [MQTT-4.6.0-5, 4.6.0-6]`, async () => {
      const broker = await TestBroker.start({ limits: { inFlight: 7, windowMessages: 20 } })
      const client = await broker.connected("a", lasting)
      client.subscribes("t")
      const publisher = await broker.connected("p")
      for (const payload of numbers(300)) publisher.publishes({ qos, payload })
      const received: string[] = []
      for (let round = 0; round < 100; round++) {
        received.push(...payloads(client.receivesAndAnswers()))
        await broker.settle()
      }
      expect(received).toEqual(numbers(300))
    })
  }

  test("PUBACKs leave in the order of their PUBLISHes [MQTT-4.6.0-2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("p")
    client.sends(...[5, 3, 9, 1].map((packetId) => publish({ qos: 1, packetId })))
    expect(client.receives().map((packet) => "packetId" in packet && packet.packetId)).toEqual([
      5, 3, 9, 1,
    ] as never)
  })

  test("PUBRECs and PUBCOMPs too [MQTT-4.6.0-3]", async () => {
    const broker = await TestBroker.start()
    const watcher = await broker.connected("watcher")
    watcher.subscribes("t")
    const client = await broker.connected("p")
    client.sends(...[5, 3, 9].map((packetId) => publish({ qos: 2, packetId })))
    expect(client.receives()).toEqual([5, 3, 9].map((id) => pubrec(id)))
    client.sends(...[9, 5, 3].map((id) => pubrel(id)))
    expect(client.receives()).toEqual([9, 5, 3].map((id) => pubcomp(id)))
  })

  test("PUBRELs leave in the order of the PUBRECs [MQTT-4.6.0-4]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes("t")
    const publisher = await broker.connected("p")
    for (const payload of numbers(3)) publisher.publishes({ qos: 2, payload })
    const ids = publishes(client.receives()).map(({ packetId }) => packetId ?? 0)
    client.sends(...ids.toReversed().map((id) => pubrec(id)))
    expect(client.receives()).toEqual(ids.toReversed().map((id) => pubrel(id)))
  })

  test("with a Receive Maximum of 1 the order holds across a reconnect [4.6]", async () => {
    const broker = await TestBroker.start()
    const words = { cleanStart: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } }
    const client = await broker.connected("a", words)
    client.subscribes([{ filter: "t", qos: 1 }])
    const publisher = await broker.connected("p")
    for (const payload of numbers(10)) publisher.publishes({ qos: 1, payload })
    const received: string[] = []
    let current = client
    for (let round = 0; round < 10; round++) {
      const [message] = publishes(current.receives())
      received.push(...payloads(message === undefined ? [] : [message]))
      current.sends(puback(message?.packetId ?? 0))
      current.cuts()
      current = await broker.connected("a", words)
    }
    expect(received).toEqual(numbers(10))
  })

  test("answers keep their order among all kinds [4.6]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("p", lasting)
    client.sends(
      publish({ qos: 2, packetId: 1 }),
      publish({ qos: 1, packetId: 2 }),
      pubrel(1),
      publish({ qos: 1, packetId: 3 }),
    )
    expect(client.receives().map(({ type }) => type)).toEqual(["pubrec", "puback", "pubcomp", "puback"])
  })
})
