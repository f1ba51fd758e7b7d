import { describe, expect, test } from "bun:test"
import { ConnectionEnded } from "../../src/client/client-end.ts"
import { encodePacket } from "../../src/protocol/encoder.ts"
import type { Packet, WillFields } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { acknowledgement, bytesOf, connack, packetId, publish, ScriptedServer } from "./scripted-server.ts"

async function endOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof ConnectionEnded ? error.end : error
}

describe("3.1 CONNECT", () => {
  test("says all that the options say", () => {
    const will: WillFields = {
      topic: "gone",
      payload: bytesOf("ada"),
      qos: 1,
      retain: true,
      properties: { willDelayInterval: 5 },
    }
    const properties = { sessionExpiryInterval: 60, receiveMaximum: 9 }
    const server = new ScriptedServer({
      cleanStart: false,
      keepAliveSeconds: 33,
      username: "ada",
      password: bytesOf("secret"),
      will,
      properties,
    })
    expect(server.hears()).toEqual([
      {
        type: "connect",
        version: 5,
        bridge: false,
        cleanStart: false,
        keepAliveSeconds: 33,
        clientId: "ada",
        username: "ada",
        password: bytesOf("secret"),
        will,
        properties,
      },
    ])
  })

  test("a client that leaves the choice to the server knows the identifier it was given", async () => {
    const server = new ScriptedServer({ clientId: "" })
    server.says(connack({ properties: { assignedClientIdentifier: "auto-1" } }))
    await server.connected
    expect(server.client.clientId).toBe("auto-1")
  })

  test("is sent once: a client does not reconnect", () => {
    const server = ScriptedServer.online()
    expect(() => server.client.start(server.socket.socket)).toThrow("connects only once")
  })
})

describe("3.2 CONNACK", () => {
  test("that refuses ends the client with the server's reason", async () => {
    const server = new ScriptedServer()
    server.says(connack({ reasonCode: ReasonCode.notAuthorized, properties: { reasonString: "not you" } }))
    const end = { why: "refused", reasonCode: ReasonCode.notAuthorized, detail: "not you" } as const
    expect(await endOf(server.connected)).toEqual(end)
    expect(await server.client.ended).toEqual(end)
    expect(server.socket.state).toBe("ended")
  })

  test.each([3, 4] as const)("of version %d refuses with a return code", async (version) => {
    const server = new ScriptedServer({ version })
    server.socket.deliver(Uint8Array.of(0x20, 2, 0, 5))
    expect(await endOf(server.connected)).toMatchObject({ reasonCode: ReasonCode.notAuthorized })
  })

  test("with a session after a clean start breaks the protocol [MQTT-3.2.2-2]", async () => {
    const server = new ScriptedServer()
    server.says(connack({ sessionPresent: true }))
    expect(await endOf(server.connected)).toMatchObject({ why: "protocol-error" })
  })

  test("is the first packet, or the client closes", async () => {
    const server = new ScriptedServer()
    server.says({ type: "pingresp" })
    expect(await endOf(server.connected)).toMatchObject({ why: "protocol-error" })
    expect(server.socket.state).toBe("ended")
  })

  test("that does not come in time is not waited for", async () => {
    const server = new ScriptedServer({ connectTimeoutMs: 5_000 })
    server.clock.advance(4_999)
    expect(server.socket.state).toBe("open")
    server.clock.advance(1)
    expect(server.socket.state).toBe("terminated")
    expect(await endOf(server.connected)).toEqual({ why: "timeout" })
  })

  test("that came leaves no timer but the keep alive's", () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 0 })
    expect(server.clock.waiting).toBe(0)
  })

  test("never comes over a connection that breaks", async () => {
    const server = new ScriptedServer()
    server.socket.cut()
    expect(await endOf(server.connected)).toEqual({ why: "lost" })
    expect(await server.client.ended).toEqual({ why: "lost" })
  })

  test("a server that cuts its stream anywhere is understood all the same", () => {
    const stream = Buffer.concat(
      [connack(), publish({ payload: bytesOf("one") }), publish({ payload: bytesOf("two") })].map((packet) =>
        encodePacket(packet, 5),
      ),
    )
    for (let cut = 1; cut < stream.length; cut++) {
      const server = new ScriptedServer()
      server.socket.deliver(stream.subarray(0, cut), stream.subarray(cut))
      expect(server.messages.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(["one", "two"])
    }
  })
})

describe("4.12 enhanced authentication", () => {
  const challenge: Packet = {
    type: "auth",
    reasonCode: ReasonCode.continueAuthentication,
    properties: { authenticationMethod: "echo", authenticationData: bytesOf("ping") },
  }

  test("a challenge is answered, and the CONNACK follows", async () => {
    const server = new ScriptedServer({
      properties: { authenticationMethod: "echo" },
      onChallenge: (data) => Buffer.concat([data ?? bytesOf(""), bytesOf("!")]),
    })
    server.hears()
    server.says(challenge)
    expect(server.hears()).toEqual([
      { ...challenge, properties: { authenticationMethod: "echo", authenticationData: bytesOf("ping!") } },
    ])
    server.says(connack())
    expect(await server.connected).toMatchObject({ reasonCode: ReasonCode.success })
  })

  test("a challenge that nobody asked for breaks the protocol", async () => {
    const server = new ScriptedServer()
    server.says(challenge)
    expect(await endOf(server.connected)).toMatchObject({ why: "protocol-error" })
  })
})

describe("3.8 SUBSCRIBE and 3.10 UNSUBSCRIBE", () => {
  const request = {
    filter: "a/#",
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
  } as const

  test("each filter gets its reason code, in order", async () => {
    const server = ScriptedServer.online()
    const answer = server.client.subscribe([request, { ...request, filter: "b" }], {
      subscriptionIdentifiers: [7],
    })
    expect(server.hears()).toEqual([
      {
        type: "subscribe",
        packetId: packetId(1),
        requests: [request, { ...request, filter: "b" }],
        properties: { subscriptionIdentifiers: [7] },
      },
    ])
    const reasonCodes = [ReasonCode.grantedQos1, ReasonCode.notAuthorized]
    server.says({ type: "suback", packetId: packetId(1), reasonCodes, properties: {} })
    expect((await answer).reasonCodes).toEqual(reasonCodes)
  })

  test.each([3, 4] as const)("an UNSUBACK of version %d says success for each filter", async (version) => {
    const server = ScriptedServer.online({ version })
    const answer = server.client.unsubscribe(["a", "b"])
    server.says({ type: "unsuback", packetId: packetId(1), reasonCodes: [], properties: {} })
    expect((await answer).reasonCodes).toEqual([ReasonCode.success, ReasonCode.success])
  })

  test("an identifier is free again once answered, and none is used twice at once", async () => {
    const server = ScriptedServer.online()
    const first = server.client.unsubscribe(["a"])
    void server.client.publish({ topic: "t", payload: bytesOf(""), qos: 1 })
    void server.client.unsubscribe(["b"])
    expect(server.hears()).toMatchObject([{ packetId: 1 }, { packetId: 2 }, { packetId: 3 }])
    server.says({
      type: "unsuback",
      packetId: packetId(1),
      reasonCodes: [ReasonCode.success],
      properties: {},
    })
    await first
  })

  test.each([
    ["to nothing that was asked", 9, [ReasonCode.success]],
    ["with too few reason codes", 1, []],
    ["with too many reason codes", 1, [ReasonCode.success, ReasonCode.success]],
  ])("an answer %s breaks the protocol", async (_, id, reasonCodes) => {
    const server = ScriptedServer.online()
    const answer = server.client.subscribe([request])
    // A SUBACK without a reason code cannot be encoded; it is a valid frame all the same.
    server.socket.deliver(Uint8Array.of(0x90, 3 + reasonCodes.length, 0, id, 0, ...reasonCodes))
    expect(await endOf(answer)).toMatchObject({ why: "protocol-error" })
  })
})

describe("3.12 keep alive", () => {
  test("a client that has nothing to say pings before a keep alive is over", () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 10 })
    server.clock.advance(9_999)
    expect(server.hears()).toEqual([])
    server.clock.advance(1)
    expect(server.hears()).toEqual([{ type: "pingreq" }])
  })

  test("no silence of the client lasts a whole keep alive, whenever it spoke last", () => {
    for (let spokeAt = 0; spokeAt < 10_000; spokeAt += 500) {
      const server = ScriptedServer.online({ keepAliveSeconds: 10 })
      server.clock.advance(spokeAt)
      void server.client.publish({ topic: "t", payload: bytesOf("") })
      server.hears()
      server.clock.advance(10_000)
      expect(server.hears()).toContainEqual({ type: "pingreq" })
    }
  })

  test("the server's own keep alive replaces the client's [MQTT-3.1.2-21]", () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 1000 }, { properties: { serverKeepAlive: 10 } })
    server.clock.advance(10_000)
    expect(server.hears()).toEqual([{ type: "pingreq" }])
  })

  test("a server that is silent for a keep alive after a ping is gone", async () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 10 })
    server.clock.advance(19_999)
    expect(server.socket.state).toBe("open")
    server.clock.advance(1)
    expect(server.socket.state).toBe("terminated")
    server.socket.flush()
    expect(await server.client.ended).toEqual({ why: "timeout" })
  })

  test("a server that answers lives on", () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 10 })
    for (let round = 0; round < 10; round++) {
      server.clock.advance(10_000)
      if (server.hears().length > 0) server.says({ type: "pingresp" })
    }
    expect(server.socket.state).toBe("open")
  })

  test("a client that talks all the time notices a dead server too", () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 10 })
    for (let second = 0; second < 25; second++) {
      server.clock.advance(1_000)
      if (server.socket.state === "open") void server.client.publish({ topic: "t", payload: bytesOf("") })
    }
    expect(server.socket.state).toBe("terminated")
  })

  test("a client that reads nothing pings on and blames nobody", () => {
    const server = ScriptedServer.online({ keepAliveSeconds: 10 })
    server.client.pause()
    expect(server.socket.paused).toBe(true)
    server.clock.advance(100_000)
    expect(server.socket.state).toBe("open")
    expect(server.hears().length).toBeGreaterThanOrEqual(9)
    server.client.resume()
    expect(server.socket.paused).toBe(false)
  })
})

describe("the end of a connection", () => {
  test("a DISCONNECT goes out behind what was sent before, with its reason", async () => {
    const server = ScriptedServer.online()
    void server.client.publish({ topic: "t", payload: bytesOf("last words") })
    void server.client.disconnect(ReasonCode.disconnectWithWill, { sessionExpiryInterval: 3 })
    expect(server.hears()).toMatchObject([
      { type: "publish" },
      {
        type: "disconnect",
        reasonCode: ReasonCode.disconnectWithWill,
        properties: { sessionExpiryInterval: 3 },
      },
    ])
    expect(server.socket.state).toBe("ended")
    expect(server.clock.waiting).toBe(0)
    expect(await server.client.ended).toEqual({ why: "disconnected" })
  })

  test("a full network gets everything before it is closed", async () => {
    const server = ScriptedServer.online()
    server.socket.stall(10)
    void server.client.publish({ topic: "t", payload: bytesOf("x".repeat(1000)) })
    void server.client.disconnect()
    server.hears()
    expect(server.socket.state).toBe("open")
    server.socket.drain()
    expect(server.hears()).toMatchObject([{ type: "publish" }, { type: "disconnect" }])
    expect(server.socket.state).toBe("ended")
  })

  test("the server's DISCONNECT tells why [3.14.2.1]", async () => {
    const server = ScriptedServer.online()
    const answer = server.client.publish({ topic: "t", payload: bytesOf(""), qos: 1 })
    server.says({
      type: "disconnect",
      reasonCode: ReasonCode.serverShuttingDown,
      properties: { reasonString: "tea" },
    })
    const end = {
      why: "server-disconnect",
      reasonCode: ReasonCode.serverShuttingDown,
      detail: "tea",
    } as const
    expect(await endOf(answer)).toEqual(end)
    expect(await server.client.ended).toEqual(end)
  })

  test("a server that breaks the protocol is told so in MQTT 5, and left", async () => {
    const server = ScriptedServer.online()
    server.socket.deliver(Uint8Array.of(0xf1, 0))
    expect(server.hears()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.malformedPacket }])
    expect(server.socket.state).toBe("ended")
    expect(await server.client.ended).toMatchObject({ why: "protocol-error" })
  })

  test("a server of 3.1.1 that breaks the protocol is left without a word", async () => {
    const server = ScriptedServer.online({ version: 4 })
    server.socket.deliver(Uint8Array.of(0xf0, 0))
    expect(server.hears()).toEqual([])
    expect(server.socket.state).toBe("ended")
  })

  test("a packet that only clients send breaks the protocol", async () => {
    const server = ScriptedServer.online()
    server.says({ type: "pingreq" })
    expect(await server.client.ended).toMatchObject({ reasonCode: ReasonCode.protocolError })
  })

  test("what waits for an answer is rejected when the connection is lost", async () => {
    const server = ScriptedServer.online({}, { properties: { receiveMaximum: 1 } })
    const request = { topic: "t", payload: bytesOf(""), qos: 2 } as const
    const inFlight = server.client.publish(request)
    const waiting = server.client.publish(request)
    const unsubscribed = server.client.unsubscribe(["a"])
    const writable = server.client.whenWritable()
    server.socket.cut()
    for (const promise of [inFlight, waiting, unsubscribed, writable]) {
      expect(await endOf(promise)).toEqual({ why: "lost" })
    }
    expect(await endOf(server.client.publish(request))).toEqual({ why: "lost" })
    expect(await endOf(server.client.whenWritable())).toEqual({ why: "lost" })
  })

  test("a callback that throws ends the client, and the error is not lost", async () => {
    const bug = new Error("oops")
    const server = ScriptedServer.online({
      onMessage: () => {
        throw bug
      },
    })
    server.says(publish())
    expect(server.socket.state).toBe("terminated")
    expect(await server.client.ended).toEqual({ why: "failed", error: bug })
  })

  test("terminating sends no DISCONNECT: the server shall publish the will", () => {
    const server = ScriptedServer.online()
    server.client.terminate()
    expect(server.hears()).toEqual([])
    expect(server.socket.state).toBe("terminated")
  })

  test("each packet is shown both ways", () => {
    const seen: string[] = []
    const server = ScriptedServer.online({
      onPacket: (direction, { type }) => seen.push(`${direction} ${type}`),
    })
    server.says(publish({ qos: 1, packetId: packetId(4) }))
    server.says(acknowledgement("pubrel", 3))
    expect(seen).toEqual([
      "sending connect",
      "received connack",
      "received publish",
      "sending puback",
      "received pubrel",
      "sending pubcomp",
    ])
  })
})
