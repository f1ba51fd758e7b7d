import { describe, expect, test } from "bun:test"
import { acceptedAs, rejected } from "../support/accounts.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { allVersions, connect, named, publish, subscribe } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

const nobody = (reasonCode: ReasonCode) => ({
  authenticator: { authenticate: () => rejected(reasonCode) },
})

describe("3.2.0 CONNACK comes first", () => {
  for (const version of allVersions) {
    test(`and before anything else, queued messages included, in ${named(version)} [MQTT-3.2.0-1]`, async () => {
      const broker = await TestBroker.start()
      const words = { cleanStart: false, properties: { sessionExpiryInterval: 100 } }
      const first = await broker.connected("a", { version, ...words })
      first.subscribes([{ filter: "t", qos: 1 }])
      first.cuts()
      const other = await broker.connected("other")
      other.publishes({ topic: "t", qos: 1 })
      const second = broker.client("a", { version })
      second.sends(connect(version, { clientId: "a", ...words }))
      await broker.settle()
      expect(second.receives().map(({ type }) => type)).toEqual(["connack", "publish"])
    })
  }
})

describe("3.2.2.1 session present", () => {
  test("is 0 in MQTT 3.1, which reserves the byte [3.1: 3.2]", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("a", { version: 3, cleanStart: false })
    first.cuts()
    const second = broker.client("a", { version: 3 })
    second.sends(connect(3, { clientId: "a", cleanStart: false }))
    await broker.settle()
    expect(second.receivesBytes()).toEqual(bytesOf("20 02 00 00"))
  })

  test("is 1 for a session that is resumed, in MQTT 3.1.1 [3.1.1: MQTT-3.2.2-2]", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("a", { version: 4, cleanStart: false })
    first.cuts()
    const second = broker.client("a", { version: 4 })
    second.sends(connect(4, { clientId: "a", cleanStart: false }))
    await broker.settle()
    expect(second.receivesBytes()).toEqual(bytesOf("20 02 01 00"))
  })

  for (const version of allVersions) {
    test(`is 0 where the client is refused, in ${named(version)} [MQTT-3.2.2-6]`, async () => {
      const broker = await TestBroker.start(nobody(ReasonCode.notAuthorized))
      expect(await broker.client("a", { version }).asks()).toMatchObject({ sessionPresent: false })
    })
  }
})

describe("3.2.2.2 reason code", () => {
  for (const [reasonCode, returnCode] of [
    [ReasonCode.badUserNameOrPassword, 4],
    [ReasonCode.notAuthorized, 5],
    [ReasonCode.banned, 5],
    [ReasonCode.serverBusy, 3],
    [ReasonCode.serverUnavailable, 3],
  ] as const) {
    test(`${reasonCode} is told to MQTT 5.0 and becomes ${returnCode} before it [MQTT-3.2.2-8]`, async () => {
      const broker = await TestBroker.start(nobody(reasonCode))
      const modern = broker.client("a")
      expect(await modern.asks()).toMatchObject({ reasonCode })
      expect(modern.state).toBe("ended")
      for (const version of [3, 4] as const) {
        const client = broker.client("a", { version })
        client.sends(connect(version, { clientId: "a" }))
        await broker.settle()
        expect(client.receivesBytes()).toEqual(bytesOf(`20 02 00 0${returnCode}`))
        expect(client.state).toBe("ended")
      }
    })
  }

  test("nothing that was sent behind a refused CONNECT is done [MQTT-3.2.2-7]", async () => {
    const broker = await TestBroker.start({
      authenticator: {
        authenticate: ({ clientId }) =>
          clientId === "stranger" ? rejected(ReasonCode.notAuthorized) : acceptedAs(undefined),
      },
    })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("#")
    const stranger = broker.client("stranger")
    stranger.sends(connect(5, { clientId: "stranger" }), publish({}), subscribe(1, "#"))
    await broker.settle()
    expect(stranger.receives()).toHaveLength(1)
    expect(watcher.receives()).toEqual([])
    expect(broker.broker.subscriptions.size).toBe(1)
  })
})

describe("3.2.2.3 what the client must know", () => {
  test("what is without limit is not announced [3.2.2.3]", async () => {
    const broker = await TestBroker.start({
      limits: { receiveMaximum: 65_535, topicAliases: 0, packetBytes: 1_000 },
    })
    expect((await broker.client("a").connects()).properties).toEqual({ maximumPacketSize: 1_000 })
  })

  test("each limit is announced [3.2.2.3]", async () => {
    const broker = await TestBroker.start({
      limits: {
        receiveMaximum: 10,
        topicAliases: 7,
        packetBytes: 2_000,
        maximumQos: 1,
        retainAvailable: false,
        wildcardSubscriptionAvailable: false,
        sharedSubscriptionAvailable: false,
      },
    })
    expect((await broker.client("a").connects()).properties).toEqual({
      receiveMaximum: 10,
      topicAliasMaximum: 7,
      maximumPacketSize: 2_000,
      maximumQos: 1,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
    })
  })

  test("a PUBLISH above the maximum QoS ends the connection [MQTT-3.2.2-11]", async () => {
    const broker = await TestBroker.start({ limits: { maximumQos: 1 } })
    const client = await broker.connected("a")
    client.sends(publish({ qos: 2, packetId: 1 }))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.qosNotSupported }])
  })

  test("a SUBSCRIBE above the maximum QoS is granted the maximum [MQTT-3.2.2-10]", async () => {
    const broker = await TestBroker.start({ limits: { maximumQos: 1 } })
    const client = await broker.connected("a")
    client.sends(subscribe(1, "t"))
    expect(client.receives()).toMatchObject([{ type: "suback", reasonCodes: [ReasonCode.grantedQos1] }])
  })

  test("a PUBLISH to be retained where nothing is ends the connection [MQTT-3.2.2-14]", async () => {
    const broker = await TestBroker.start({ limits: { retainAvailable: false } })
    const client = await broker.connected("a")
    client.sends(publish({ retain: true }))
    expect(client.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.retainNotSupported },
    ])
  })

  test("a packet larger than the maximum ends the connection before it is read [3.2.2.3.6]", async () => {
    const broker = await TestBroker.start({ limits: { packetBytes: 100 } })
    const watcher = await broker.connected("watcher")
    watcher.subscribes("t")
    const client = await broker.connected("a")
    // Fixed header, length of the topic, topic, length of the properties: 6 bytes in all.
    client.sends(publish({ topic: "t", payload: "x".repeat(94) }))
    expect(watcher.receives()).toHaveLength(1)
    client.sends(bytesOf("30 63"))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.packetTooLarge }])
    expect(client.state).toBe("ended")
  })

  test("a CONNECT too large for a stranger ends the connection", async () => {
    const broker = await TestBroker.start({ limits: { connectPacketBytes: 1_024 } })
    const client = broker.client("a")
    client.sends(bytesOf("10 ff7f"))
    expect(client.state).toBe("ended")
  })

  test("a server reference is named to whoever is told to go there [3.2.2.3.16]", async () => {
    const broker = await TestBroker.start({ limits: { serverReference: "other.example.org" } })
    const client = await broker.connected("a")
    const closing = broker.acceptor.close(ReasonCode.useAnotherServer)
    expect(client.receives()).toMatchObject([
      {
        type: "disconnect",
        reasonCode: ReasonCode.useAnotherServer,
        properties: { serverReference: "other.example.org" },
      },
    ])
    await closing
  })
})

describe("3.1.2.11.4 the client's maximum packet size", () => {
  test("binds the CONNACK as well [MQTT-3.1.2-24]", async () => {
    const broker = await TestBroker.start({ limits: { responseInformation: "x".repeat(100) } })
    const client = broker.client("a")
    client.sends(
      connect(5, {
        clientId: "a",
        properties: { maximumPacketSize: 20, requestResponseInformation: true },
      }),
    )
    await broker.settle()
    expect(client.receivesBytes().length).toBeLessThanOrEqual(20)
  })

  test("binds a refusal as well [MQTT-3.2.2-19]", async () => {
    const broker = await TestBroker.start(nobody(ReasonCode.badUserNameOrPassword))
    const client = broker.client("a")
    client.sends(connect(5, { clientId: "a", properties: { maximumPacketSize: 10 } }))
    await broker.settle()
    expect(client.receivesBytes()).toEqual(bytesOf("20 03 00 86 00"))
  })
})
