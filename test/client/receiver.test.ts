import { describe, expect, test } from "bun:test"
import type { Publish } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, packetId, publish, ScriptedServer } from "./scripted-server.ts"

const atQos = (qos: 1 | 2, id: number, fields: Partial<Publish> = {}) =>
  publish({ qos, packetId: packetId(id), ...fields })

describe("4.3.2 QoS 1", () => {
  test("is handed on and acknowledged", () => {
    const server = ScriptedServer.online()
    server.says(atQos(1, 7))
    expect(server.messages).toEqual([atQos(1, 7)])
    expect(server.hears()).toEqual([acknowledgement("puback", 7)])
  })

  test("a callback that says goodbye has acknowledged its message, and gets no other", () => {
    const taken: Publish[] = []
    const server: ScriptedServer = ScriptedServer.online({
      onMessage: (message) => {
        taken.push(message)
        void server.client.disconnect()
      },
    })
    server.socket.stall()
    server.says(atQos(1, 1), atQos(1, 2))
    expect(taken).toHaveLength(1)
    expect(server.socket.state).toBe("open")
    server.socket.drain()
    expect(server.hears()).toMatchObject([{ type: "puback", packetId: 1 }, { type: "disconnect" }])
  })
})

describe("4.3.3 QoS 2: exactly once", () => {
  test("a repeat before the PUBREL is answered, and not handed on [MQTT-4.3.3-10]", () => {
    const server = ScriptedServer.online()
    server.says(atQos(2, 7), atQos(2, 7, { dup: true }))
    expect(server.hears()).toEqual([acknowledgement("pubrec", 7), acknowledgement("pubrec", 7)])
    expect(server.messages).toHaveLength(1)
  })

  test("after the PUBREL the identifier names another message [MQTT-4.3.3-12]", () => {
    const server = ScriptedServer.online()
    server.says(atQos(2, 7), acknowledgement("pubrel", 7), atQos(2, 7))
    expect(server.hears()).toEqual([
      acknowledgement("pubrec", 7),
      acknowledgement("pubcomp", 7),
      acknowledgement("pubrec", 7),
    ])
    expect(server.messages).toHaveLength(2)
  })

  test("a PUBREL of an unknown identifier is completed with that reason", () => {
    const server = ScriptedServer.online()
    server.says(acknowledgement("pubrel", 7))
    expect(server.hears()).toEqual([acknowledgement("pubcomp", 7, ReasonCode.packetIdentifierNotFound)])
  })
})

describe("manual acknowledgement", () => {
  test("nothing is sent until the owner acknowledges, and then once", () => {
    const server = ScriptedServer.online({ acknowledge: "manual" })
    server.says(atQos(1, 1), atQos(2, 2))
    expect(server.hears()).toEqual([])
    for (const message of [...server.messages, ...server.messages]) server.client.acknowledge(message)
    expect(server.hears()).toEqual([acknowledgement("puback", 1), acknowledgement("pubrec", 2)])
  })

  test("a repeat of what the owner holds is not handed on again", () => {
    const server = ScriptedServer.online({ acknowledge: "manual" })
    server.says(atQos(2, 2), atQos(2, 2, { dup: true }))
    expect(server.messages).toHaveLength(1)
    expect(server.hears()).toEqual([])
  })

  test("a refused message needs no PUBREL: its identifier is free", () => {
    const server = ScriptedServer.online({ acknowledge: "manual" })
    server.says(atQos(2, 2))
    const [message] = server.messages
    if (message !== undefined) server.client.acknowledge(message, ReasonCode.quotaExceeded)
    expect(server.hears()).toEqual([acknowledgement("pubrec", 2, ReasonCode.quotaExceeded)])
    server.says(atQos(2, 2))
    expect(server.messages).toHaveLength(2)
  })
})

describe("what we announced in the CONNECT", () => {
  test("a server beyond our Receive Maximum is told 0x93 [MQTT-3.3.4-9]", () => {
    const server = ScriptedServer.online({ acknowledge: "manual", properties: { receiveMaximum: 2 } })
    server.says(atQos(1, 1), atQos(2, 2))
    expect(server.socket.state).toBe("open")
    server.says(atQos(1, 3))
    expect(server.hears()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.receiveMaximumExceeded },
    ])
    expect(server.messages).toHaveLength(2)
  })

  test("a packet beyond our Maximum Packet Size is told 0x95 [MQTT-3.1.2-24]", () => {
    const server = ScriptedServer.online({ properties: { maximumPacketSize: 12 } })
    server.says(publish({ payload: new Uint8Array(100) }))
    expect(server.hears()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.packetTooLarge }])
  })

  test("a topic alias stands for the topic it was set to, and may be set anew", () => {
    const server = ScriptedServer.online({ properties: { topicAliasMaximum: 1 } })
    const alias = (topic: string) => publish({ topic, properties: { topicAlias: 1 } })
    server.says(alias("one"), alias(""), alias("two"), alias(""))
    expect(server.messages.map(({ topic }) => topic)).toEqual(["one", "one", "two", "two"])
  })

  test.each([
    ["that was never set", "", 1, ReasonCode.protocolError],
    ["beyond our maximum", "t", 2, ReasonCode.topicAliasInvalid],
  ])("a topic alias %s breaks the protocol", (_, topic, topicAlias, reasonCode) => {
    const server = ScriptedServer.online({ properties: { topicAliasMaximum: 1 } })
    server.says(publish({ topic, properties: { topicAlias } }))
    expect(server.hears()).toMatchObject([{ type: "disconnect", reasonCode }])
  })
})
