import { describe, expect, test } from "bun:test"
import type { ProtocolVersion } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authorizer } from "../../src/security/access/authorization.ts"
import {
  allQos,
  allVersions,
  disconnect,
  lasting,
  named,
  payloads,
  publishes,
  puback,
  type WillWords,
} from "../support/packets.ts"
import type { ScriptedClient } from "../support/scripted-client.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

async function withWill(
  version: ProtocolVersion = 5,
  will: Partial<WillWords> = {},
  sessionExpiryInterval = 0xffff_ffff,
): Promise<{ broker: TestBroker; client: ScriptedClient; watcher: ScriptedClient }> {
  const broker = await TestBroker.start()
  const watcher = await broker.connected("watcher")
  watcher.subscribes("will/#")
  const client = await broker.connected("a", {
    version,
    cleanStart: false,
    keepAliveSeconds: 10,
    will: { topic: "will/a", payload: "gone", ...will },
    properties: { sessionExpiryInterval },
  })
  return { broker, client, watcher }
}

const delayed = (willDelayInterval: number) => ({ properties: { willDelayInterval } })

describe("3.1.2.5 the will is published", () => {
  for (const version of allVersions) {
    test(`when the connection breaks, in ${named(version)} [MQTT-3.1.2-8]`, async () => {
      const { client, watcher } = await withWill(version)
      client.cuts()
      expect(payloads(watcher.receives())).toEqual(["gone"])
    })

    test(`when the keep alive runs out, in ${named(version)} [MQTT-3.1.2-8]`, async () => {
      const { broker, watcher } = await withWill(version)
      await broker.passes(17)
      expect(payloads(watcher.receives())).toEqual(["gone"])
    })

    test(`when the client breaks the protocol, in ${named(version)} [MQTT-3.1.2-8]`, async () => {
      const { client, watcher } = await withWill(version)
      client.sends(bytesOf("00 00"))
      expect(payloads(watcher.receives())).toEqual(["gone"])
    })

    test(`when another connection takes over, in ${named(version)} [MQTT-3.1.2-8]`, async () => {
      const { broker, watcher } = await withWill(version)
      await broker.connected("a", { version, ...lasting })
      expect(payloads(watcher.receives())).toEqual(["gone"])
    })

    test(`not when the client says goodbye, in ${named(version)} [MQTT-3.1.2-10]`, async () => {
      const { broker, client, watcher } = await withWill(version)
      client.sends(disconnect())
      await broker.passes(100)
      expect(client.state).toBe("closed")
      expect(watcher.receives()).toEqual([])
    })

    test(`once and no more, in ${named(version)}`, async () => {
      const { broker, client, watcher } = await withWill(version)
      client.cuts()
      const second = await broker.connected("a", { version, ...lasting })
      second.cuts()
      await broker.passes(100)
      expect(payloads(watcher.receives())).toEqual(["gone"])
    })
  }

  test("when the client says goodbye and asks for it with 0x04 [3.14.2.1]", async () => {
    const { client, watcher } = await withWill()
    client.sends(disconnect(ReasonCode.disconnectWithWill))
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("when the client leaves with an error of its own [MQTT-3.14.4-3]", async () => {
    const { client, watcher } = await withWill()
    client.sends(disconnect(ReasonCode.unspecifiedError))
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  for (const qos of allQos) {
    test(`at its own QoS ${qos} [MQTT-3.1.2-12, 3.1.2-8]`, async () => {
      const { client, watcher } = await withWill(5, { qos })
      client.cuts()
      expect(watcher.receives()).toMatchObject([{ type: "publish", qos, retain: false, dup: false }])
    })
  }

  for (const retain of [false, true]) {
    test(`retained: ${retain}, as its client wished [MQTT-3.1.2-14, 3.1.2-15]`, async () => {
      const { broker, client } = await withWill(5, { retain })
      client.cuts()
      const late = await broker.connected("late")
      late.subscribes("will/a")
      expect(payloads(late.receives())).toEqual(retain ? ["gone"] : [])
    })
  }

  test("with an empty payload [3.1.3.4]", async () => {
    const { client, watcher } = await withWill(5, { payload: "" })
    client.cuts()
    expect(payloads(watcher.receives())).toEqual([""])
  })

  test("with its properties, user properties in order [MQTT-3.1.3-10]", async () => {
    const properties = {
      payloadFormatIndicator: 1,
      contentType: "text/plain",
      responseTopic: "r",
      correlationData: bytesOf("0102"),
      userProperties: [
        ["b", "1"],
        ["a", "2"],
        ["b", "3"],
      ],
    } as const
    const { client, watcher } = await withWill(5, { properties })
    client.cuts()
    expect(publishes(watcher.receives())[0]?.properties).toEqual(properties)
  })

  test("with the time it has left to live, counted from its publication [3.1.3.2.4]", async () => {
    const { broker, client, watcher } = await withWill(5, { properties: { messageExpiryInterval: 60 } })
    await broker.passes(10)
    client.cuts()
    expect(publishes(watcher.receives())[0]?.properties).toEqual({ messageExpiryInterval: 60 })
  })
})

describe("3.1.3.2.2 will delay interval", () => {
  test("the will waits for it [MQTT-3.1.3-9]", async () => {
    const { broker, client, watcher } = await withWill(5, delayed(30))
    client.cuts()
    await broker.passes(29)
    expect(watcher.receives()).toEqual([])
    await broker.passes(1)
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("a client that is back in time has no will published [MQTT-3.1.3-9]", async () => {
    const { broker, client, watcher } = await withWill(5, delayed(30))
    client.cuts()
    await broker.passes(29)
    await broker.connected("a", lasting)
    await broker.passes(100)
    expect(watcher.receives()).toEqual([])
  })

  test("a takeover is a client that is back in time [3.1.4]", async () => {
    const { broker, watcher } = await withWill(5, delayed(30))
    await broker.connected("a", lasting)
    await broker.passes(100)
    expect(watcher.receives()).toEqual([])
  })

  test("a takeover that ends the session publishes it at once [3.1.4]", async () => {
    const { broker, watcher } = await withWill(5, delayed(30))
    await broker.connected("a", { cleanStart: true })
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("the end of the session comes first where it is earlier [3.1.3.2.2]", async () => {
    const { broker, client, watcher } = await withWill(5, delayed(30), 10)
    client.cuts()
    await broker.passes(9)
    expect(watcher.receives()).toEqual([])
    await broker.passes(1)
    expect(payloads(watcher.receives())).toEqual(["gone"])
    expect(broker.broker.sessions.find("a" as never)).toBeUndefined()
  })

  test("a session that ends with its connection leaves no time to wait [3.1.3.2.2]", async () => {
    const { client, watcher } = await withWill(5, delayed(30), 0)
    client.cuts()
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("a DISCONNECT that ends the session leaves no time to wait either [3.14.2.2.2]", async () => {
    const { client, watcher } = await withWill(5, delayed(30))
    client.sends(disconnect(ReasonCode.disconnectWithWill, 0))
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("a clean start while it waits publishes it, for the session ends [3.1.3.2.2]", async () => {
    const { broker, client, watcher } = await withWill(5, delayed(30))
    client.cuts()
    await broker.passes(10)
    await broker.connected("a", { cleanStart: true })
    expect(payloads(watcher.receives())).toEqual(["gone"])
    await broker.passes(100)
    expect(watcher.receives()).toEqual([])
  })

  test("DISCONNECT with 0x04 waits as well [3.1.3.2.2]", async () => {
    const { broker, client, watcher } = await withWill(5, delayed(30))
    client.sends(disconnect(ReasonCode.disconnectWithWill))
    expect(watcher.receives()).toEqual([])
    await broker.passes(30)
    expect(payloads(watcher.receives())).toEqual(["gone"])
  })

  test("the new connection's will takes the place of the one that waited [3.1.2.5]", async () => {
    const { broker, client, watcher } = await withWill(5, delayed(30))
    client.cuts()
    const second = await broker.connected("a", { ...lasting, will: { topic: "will/a", payload: "other" } })
    second.cuts()
    await broker.passes(100)
    expect(payloads(watcher.receives())).toEqual(["other"])
  })

  test("the time a will may live counts from its publication, not from its delay on [3.1.3.2.4]", async () => {
    const { broker, client, watcher } = await withWill(5, {
      properties: { willDelayInterval: 30, messageExpiryInterval: 5 },
    })
    client.cuts()
    await broker.passes(30)
    expect(publishes(watcher.receives())[0]?.properties).toEqual({ messageExpiryInterval: 5 })
  })
})

describe("3.1.2.5 a will is checked before its client is let in", () => {
  const forbidden: Authorizer = {
    publish: (_, topic) => (topic === "forbidden" ? "deny" : "pass"),
    subscribe: () => "pass",
    read: () => "pass",
  }

  for (const version of allVersions) {
    test(`one on a topic the client may not publish to is refused, in ${named(version)} [5.4.2]`, async () => {
      const broker = await TestBroker.start({ authorizers: [forbidden] })
      const client = broker.client("a", { version })
      expect(await client.asks({ will: { topic: "forbidden" } })).toMatchObject({
        reasonCode: ReasonCode.notAuthorized,
      })
      expect(client.state).toBe("ended")
    })
  }

  test("one in our own $SYS is refused [4.7.2]", async () => {
    const broker = await TestBroker.start()
    expect(await broker.client("a").asks({ will: { topic: "$SYS/broker/uptime" } })).toMatchObject({
      reasonCode: ReasonCode.notAuthorized,
    })
  })

  test("rights that were taken away meanwhile stop it, and that is counted", async () => {
    let allowed = true
    const broker = await TestBroker.start({
      authorizers: [
        { publish: () => (allowed ? "pass" : "deny"), subscribe: () => "pass", read: () => "pass" },
      ],
    })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("t")
    const client = await broker.connected("a", { will: { topic: "t" } })
    allowed = false
    client.cuts()
    expect(watcher.receives()).toEqual([])
    expect(broker.dropped).toEqual({ "not-authorized": 1 })
  })

  test("a QoS above the maximum is refused [MQTT-3.2.2-12]", async () => {
    const broker = await TestBroker.start({ limits: { maximumQos: 1 } })
    expect(await broker.client("a").asks({ will: { topic: "t", qos: 2 } })).toMatchObject({
      reasonCode: ReasonCode.qosNotSupported,
    })
    await broker.connected("b", { will: { topic: "t", qos: 1 } })
  })

  test("will retain where nothing is retained is refused [MQTT-3.2.2-13]", async () => {
    const broker = await TestBroker.start({ limits: { retainAvailable: false } })
    expect(await broker.client("a").asks({ will: { topic: "t", retain: true } })).toMatchObject({
      reasonCode: ReasonCode.retainNotSupported,
    })
  })

  test("a payload that is not the text it says it is is refused [3.1.3.2.3]", async () => {
    const broker = await TestBroker.start()
    const will = { topic: "t", payload: bytesOf("ff"), properties: { payloadFormatIndicator: 1 } }
    expect(await broker.client("a").asks({ will })).toMatchObject({
      reasonCode: ReasonCode.payloadFormatInvalid,
    })
  })

  test("a topic of too many levels is refused", async () => {
    const broker = await TestBroker.start({ topicLimits: { maximumBytes: 65_535, maximumLevels: 4 } })
    expect(await broker.client("a").asks({ will: { topic: "1/2/3/4/5" } })).toMatchObject({
      reasonCode: ReasonCode.topicNameInvalid,
    })
    await broker.connected("a", { will: { topic: "1/2/3/4" } })
  })
})

describe("3.1.2.5 a will reaches those who are away", () => {
  test("a will of QoS 1 waits for an absent subscriber like any other message", async () => {
    const { broker, client } = await withWill(5, { qos: 1 })
    const absent = await broker.connected("absent", lasting)
    absent.subscribes([{ filter: "will/#", qos: 1 }])
    absent.cuts()
    client.cuts()
    const back = await broker.connected("absent", lasting)
    const [will] = publishes(back.receives())
    expect(will).toMatchObject({ qos: 1, dup: false })
    if (will?.packetId !== undefined) back.sends(puback(will.packetId))
  })

  test("its own client's session too", async () => {
    const { broker, client } = await withWill(5, { qos: 1 })
    client.subscribes([{ filter: "will/a", qos: 1 }])
    client.cuts()
    const back = await broker.connected("a", lasting)
    expect(payloads(back.receives())).toEqual(["gone"])
  })

  test("but not through a subscription of its own with No Local [3.8.3.1]", async () => {
    const { broker, client } = await withWill(5, { qos: 1 })
    client.subscribes([{ filter: "will/a", qos: 1, noLocal: true }])
    client.cuts()
    const back = await broker.connected("a", lasting)
    expect(back.receives()).toEqual([])
  })
})
