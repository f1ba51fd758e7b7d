import { describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { allVersions, disconnect, lasting, named, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"

describe("3.14 DISCONNECT from a client", () => {
  for (const version of allVersions) {
    test(`closes the connection, and nothing behind it is read, in ${named(version)} [MQTT-3.14.4-1, 3.14.4-2]`, async () => {
      const broker = await TestBroker.start()
      const watcher = await broker.connected("watcher")
      watcher.subscribes("#")
      const client = await broker.connected("a", { version })
      client.sends(disconnect(), publish({ topic: "never" }))
      expect(client.state).toBe("closed")
      expect(client.receives()).toEqual([])
      expect(watcher.receives()).toEqual([])
      expect(broker.counters.clientsConnected).toBe(1)
    })
  }

  test("leaves the session as long as CONNECT said [3.14.2.2.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { sessionExpiryInterval: 10 } })
    client.sends(disconnect())
    await broker.passes(9)
    expect(broker.broker.sessions.size).toBe(1)
    await broker.passes(2)
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("may make it shorter [3.14.2.2.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.sends(disconnect(ReasonCode.normalDisconnection, 5))
    await broker.passes(6)
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("may make it longer [3.14.2.2.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { sessionExpiryInterval: 5 } })
    client.sends(disconnect(ReasonCode.normalDisconnection, 0xffff_ffff))
    await broker.leaps(5_000_000_000)
    expect(broker.broker.sessions.size).toBe(1)
  })

  test("may end it at once [3.14.2.2.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    client.sends(disconnect(ReasonCode.normalDisconnection, 0))
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("may not make one longer that was to end with its connection [3.14.2.2.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.sends(disconnect(ReasonCode.normalDisconnection, 5))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("cannot go beyond the server's maximum [3.2.2.3.2]", async () => {
    const broker = await TestBroker.start({ limits: { sessionExpiryMaximumSeconds: 10 } })
    const client = await broker.connected("a", lasting)
    client.sends(disconnect(ReasonCode.normalDisconnection, 1_000))
    await broker.passes(11)
    expect(broker.broker.sessions.size).toBe(0)
  })
})

describe("3.14 DISCONNECT from the server", () => {
  for (const version of allVersions) {
    test(`says that it shuts down where the version knows how, in ${named(version)} [3.14.2.1]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      const stranger = broker.client("stranger", { version })
      const closing = broker.acceptor.close(ReasonCode.serverShuttingDown)
      await broker.settle()
      await closing
      expect(client.receives()).toMatchObject(
        version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.serverShuttingDown }] : [],
      )
      expect(client.state).toBe("ended")
      // Before the CONNACK nothing may be said [MQTT-3.14.0-1].
      expect(stranger.receives()).toEqual([])
      expect(stranger.state).toBe("ended")
    })
  }

  test("has no session expiry interval [MQTT-3.14.2-2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", lasting)
    await broker.connected("a", lasting)
    const [farewell] = client.receives()
    expect(farewell).toMatchObject({ type: "disconnect", reasonCode: ReasonCode.sessionTakenOver })
    expect(farewell).not.toHaveProperty("properties.sessionExpiryInterval")
  })

  test("leaves its reason string out where that would make it too large [MQTT-3.14.2-3]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { properties: { maximumPacketSize: 20 } })
    client.sends(publish({ topic: "a/#" }))
    expect(client.receives()).toEqual([
      { type: "disconnect", reasonCode: ReasonCode.topicNameInvalid, properties: {} },
    ])
  })
})
