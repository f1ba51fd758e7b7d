import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import {
  allVersions,
  named,
  payloads,
  pingreq,
  puback,
  pubcomp,
  publish,
  publishes,
  pubrec,
  pubrel,
} from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

describe("3.4 to 3.7 acknowledgements that name nothing", () => {
  for (const version of allVersions) {
    test(`PUBACK and PUBCOMP for no message are passed over, in ${named(version)} [3.4.4]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(puback(1), pubcomp(1), pingreq)
      expect(client.receives()).toEqual([{ type: "pingresp" }])
    })

    test(`PUBREC for no message is answered with PUBREL, in ${named(version)} [3.6.2.1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(pubrec(9))
      expect(client.receives()).toMatchObject([
        {
          type: "pubrel",
          packetId: 9,
          reasonCode: version === 5 ? ReasonCode.packetIdentifierNotFound : ReasonCode.success,
        },
      ])
    })

    test(`PUBREL for no message is answered with PUBCOMP, in ${named(version)} [3.7.2.1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(pubrel(9))
      expect(client.receives()).toMatchObject([
        {
          type: "pubcomp",
          packetId: 9,
          reasonCode: version === 5 ? ReasonCode.packetIdentifierNotFound : ReasonCode.success,
        },
      ])
    })
  }

  test("an acknowledgement of the wrong kind ends no conversation [4.3]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { receiveMaximum: 2 } })
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "1" })
    publisher.publishes({ qos: 2, payload: "2" })
    publisher.publishes({ qos: 1, payload: "3" })
    const [first, second] = publishes(client.receives())
    client.sends(pubcomp(first?.packetId ?? 0), puback(second?.packetId ?? 0), pubcomp(second?.packetId ?? 0))
    expect(client.receives()).toEqual([])
    client.sends(puback(first?.packetId ?? 0))
    expect(payloads(client.receives())).toEqual(["3"])
  })
})

describe("3.4.2.1 and 3.5.2.1 a subscriber that refuses a message", () => {
  test("by PUBACK has it out of the way, and gets it no more [4.3.2]", async () => {
    const broker = await TestBroker.start()
    const words = {
      cleanStart: false,
      properties: { receiveMaximum: 1, sessionExpiryInterval: 100 },
    }
    const client = await broker.connected("a", words)
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 1, payload: "1" })
    publisher.publishes({ qos: 1, payload: "2" })
    const [first] = publishes(client.receives())
    client.sends(puback(first?.packetId ?? 0, ReasonCode.unspecifiedError))
    expect(payloads(client.receives())).toEqual(["2"])
    client.cuts()
    const back = await broker.connected("a", words)
    expect(payloads(back.receives())).toEqual(["2"])
  })

  test("by PUBREC gets no PUBREL, and its window opens [MQTT-4.3.3-4, 4.9]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { receiveMaximum: 1 } })
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 2, payload: "1" })
    publisher.publishes({ qos: 2, payload: "2" })
    const [first] = publishes(client.receives())
    client.sends(pubrec(first?.packetId ?? 0, ReasonCode.quotaExceeded))
    const next = client.receives()
    expect(payloads(next)).toEqual(["2"])
    expect(next).toHaveLength(1)
  })

  test("by PUBREC with a code below 0x80 goes on as usual [MQTT-4.3.3-4]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.subscribes("t")
    const publisher = await broker.connected("p")
    publisher.publishes({ qos: 2 })
    const [first] = publishes(client.receives())
    const packetId = first?.packetId ?? 0
    client.sends(pubrec(packetId, ReasonCode.noMatchingSubscribers))
    expect(client.receives()).toEqual([pubrel(packetId)])
    client.sends(pubrel(999), pubcomp(packetId))
    expect(client.receives()).toMatchObject([{ type: "pubcomp", packetId: 999 }])
  })
})

describe("3.4.2 an acknowledgement in its longer forms", () => {
  test("is read like the short one [3.4.2.1, 3.4.2.2.1]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { receiveMaximum: 1 } })
    client.subscribes("t")
    const publisher = await broker.connected("p")
    for (const payload of ["1", "2", "3", "4"]) publisher.publishes({ qos: 1, payload })
    const id = (packetId: number | undefined) => (packetId ?? 0).toString(16).padStart(4, "0")
    const [first] = publishes(client.receives())
    client.sends(bytesOf(`40 03 ${id(first?.packetId)} 00`))
    const [second] = publishes(client.receives())
    client.sends(bytesOf(`40 04 ${id(second?.packetId)} 00 00`))
    const [third] = publishes(client.receives())
    client.sends(bytesOf(`40 08 ${id(third?.packetId)} 00 04 1f 0001'w'`))
    expect(payloads(client.receives())).toEqual(["4"])
  })
})

describe("3.4.2.1 what a publisher is told", () => {
  test("a topic it may not publish to is refused by the code of its QoS, and it stays connected [3.4.2.1, 3.5.2.1]", async () => {
    const broker = await TestBroker.start({
      authorizers: [{ publish: () => "deny", subscribe: () => "pass", read: () => "pass" }],
    })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("#")
    const client = await broker.connected("p")
    client.sends(publish({}), publish({ qos: 1, packetId: 1 }), publish({ qos: 2, packetId: 2 }))
    expect(client.receives()).toMatchObject([
      { type: "puback", packetId: 1, reasonCode: ReasonCode.notAuthorized },
      { type: "pubrec", packetId: 2, reasonCode: ReasonCode.notAuthorized },
    ])
    expect(client.state).toBe("open")
    expect(watcher.receives()).toEqual([])
    expect(broker.dropped).toEqual({ "not-authorized": 3 })
  })

  test("after a PUBREC that refuses, the identifier is free again [MQTT-4.3.3-8]", async () => {
    let allowed = false
    const broker = await TestBroker.start({
      authorizers: [
        { publish: () => (allowed ? "pass" : "deny"), subscribe: () => "pass", read: () => "pass" },
      ],
    })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("#")
    const client = await broker.connected("p")
    client.sends(publish({ qos: 2, packetId: 1, payload: "refused" }))
    allowed = true
    client.sends(publish({ qos: 2, packetId: 1, payload: "taken" }))
    expect(client.receives()).toMatchObject([
      { reasonCode: ReasonCode.notAuthorized },
      { reasonCode: ReasonCode.success },
    ])
    expect(payloads(watcher.receives())).toEqual(["taken"])
  })
})
