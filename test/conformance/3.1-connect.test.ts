import { describe, expect, test } from "bun:test"
import { acceptedAs, rejected } from "../support/accounts.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authenticator } from "../../src/security/authentication/authentication.ts"
import type { Authorizer } from "../../src/security/access/authorization.ts"
import { DeferredStore } from "../support/deferred-store.ts"
import { allVersions, connect, lasting, named, payloads, pingreq, publish } from "../support/packets.ts"
import { TestBroker } from "../support/test-broker.ts"
import { bytesOf } from "../support/wire-notation.ts"

const nothingAllowed: Authorizer = { publish: () => "deny", subscribe: () => "deny", read: () => "pass" }

/** Who asks somebody else before it lets anybody in. */
const deliberate: Authenticator = {
  authenticate: async ({ username }) => acceptedAs(username),
}

const manners = [
  ["at once", {}],
  ["after thinking", { authenticator: deliberate }],
] as const

describe("3.1.0 CONNECT comes first, and once", () => {
  test("a connection that begins with another packet is closed, and nothing is said to it [MQTT-3.1.0-1]", async () => {
    const broker = await TestBroker.start()
    const stranger = broker.client("stranger")
    stranger.sends(pingreq)
    await broker.settle()
    expect(stranger.receivesBytes()).toHaveLength(0)
    expect(stranger.state).toBe("ended")
  })

  test("what does not even speak MQTT is closed, and nothing is said to it [MQTT-3.1.0-1]", async () => {
    const broker = await TestBroker.start()
    const browser = broker.client("browser")
    const wizard = broker.client("wizard")
    wizard.sends(bytesOf("ff ff ff ff ff"))
    browser.sends(bytesOf("'GET / HTTP/1.1' 0d0a 'Host: example.org' 0d0a0d0a"))
    await broker.passes(11)
    expect(browser.receivesBytes()).toHaveLength(0)
    expect(wizard.receivesBytes()).toHaveLength(0)
    expect(wizard.state).toBe("ended")
    expect(browser.state).toBe("ended")
  })

  for (const version of allVersions) {
    test(`a second CONNECT is a protocol error, in ${named(version)} [MQTT-3.1.0-2]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version })
      client.sends(connect(version, { clientId: "a" }))
      await broker.settle()
      expect(client.receives()).toMatchObject(
        version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.protocolError }] : [],
      )
      expect(client.state).toBe("ended")
    })
  }

  test("a second CONNECT is one however it is written: DISCONNECT has no code for a version that is not known", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a")
    client.sends(bytesOf("10 08 0004'MQTT' 07 02"))
    expect(client.receives()).toMatchObject([{ type: "disconnect", reasonCode: ReasonCode.protocolError }])
    expect(client.state).toBe("ended")
  })

  test("a CONNECT that does not come in time ends the connection without a word", async () => {
    const broker = await TestBroker.start({ limits: { connectTimeoutMs: 10_000 } })
    const silent = broker.client("silent")
    const dripping = broker.client("dripping")
    for (const byte of bytesOf("10 0f 0006'MQIsdp'")) {
      dripping.sends(Uint8Array.of(byte))
      await broker.passes(0.9)
    }
    await broker.passes(2)
    expect(silent.state).toBe("ended")
    expect(dripping.state).toBe("ended")
    expect(silent.receivesBytes()).toHaveLength(0)
  })

  test("who need not be waited for is let in while its chunk is read, and its socket is never paused", async () => {
    const broker = await TestBroker.start()
    const client = broker.client("a")
    client.sendsTogether(connect(5, { clientId: "a" }), pingreq)
    expect(client.socket.paused).toBe(false)
    expect(client.receives().map(({ type }) => type)).toEqual(["connack", "pingresp"])
  })

  test("who has to be waited for is not read meanwhile", async () => {
    const broker = await TestBroker.start({ authenticator: deliberate })
    const client = broker.client("a")
    client.sends(connect(5, { clientId: "a" }), pingreq)
    expect(client.socket.paused).toBe(true)
    expect(client.receives()).toEqual([])
    await broker.settle()
    expect(client.socket.paused).toBe(false)
    expect(client.receives().map(({ type }) => type)).toEqual(["connack", "pingresp"])
  })

  for (const version of allVersions) {
    for (const [how, options] of manners) {
      test(`packets sent before the CONNACK came are read after it, let in ${how}, in ${named(version)} [3.1.4]`, async () => {
        const broker = await TestBroker.start(options)
        const other = await broker.connected("other")
        other.subscribes("t")
        const client = broker.client("hasty", { version })
        client.sends(connect(version, { clientId: "hasty" }), publish({ topic: "t", payload: "x" }), pingreq)
        await broker.settle()
        expect(client.receives().map(({ type }) => type)).toEqual(["connack", "pingresp"])
        expect(payloads(other.receives())).toEqual(["x"])
      })
    }
  }
})

describe("3.1.2.2 protocol version", () => {
  test("an unknown version is answered with the return code that each version knows for it [3.1.1: MQTT-3.1.2-2]", async () => {
    const broker = await TestBroker.start()
    const client = broker.client("future", { version: 4 })
    client.sends(bytesOf("10 0c 0004'MQTT' 03 02 0000 0000"))
    await broker.settle()
    expect(client.receivesBytes()).toEqual(bytesOf("20 02 00 01"))
    expect(client.state).toBe("ended")
  })
})

describe("3.1.2.4 clean start", () => {
  for (const version of allVersions) {
    test(`discards the session that is there, in ${named(version)} [MQTT-3.1.2-4]`, async () => {
      const broker = await TestBroker.start()
      const first = await broker.connected("a", { version, ...lasting })
      first.subscribes([{ filter: "t", qos: 1 }])
      first.cuts()
      const other = await broker.connected("other")
      other.publishes({ topic: "t", qos: 1, payload: "waits" })
      const second = broker.client("a", { version })
      expect(await second.connects({ ...lasting, cleanStart: true })).toMatchObject({ sessionPresent: false })
      other.publishes({ topic: "t", qos: 1, payload: "unsubscribed" })
      expect(second.receives()).toEqual([])
    })

    test(`without it the session goes on, in ${named(version)} [MQTT-3.1.2-5]`, async () => {
      const broker = await TestBroker.start()
      const first = await broker.connected("a", { version, ...lasting })
      first.subscribes([{ filter: "t", qos: 1 }])
      first.cuts()
      const other = await broker.connected("other")
      other.publishes({ topic: "t", qos: 1, payload: "waits" })
      const second = broker.client("a", { version })
      // A CONNACK of MQTT 3.1 cannot say it.
      expect(await second.connects(lasting)).toMatchObject({ sessionPresent: version !== 3 })
      expect(payloads(second.receives())).toEqual(["waits"])
    })

    test(`without it and without a session a new one begins, in ${named(version)} [MQTT-3.1.2-6]`, async () => {
      const broker = await TestBroker.start()
      expect(await broker.client("a", { version }).connects(lasting)).toMatchObject({ sessionPresent: false })
    })
  }

  for (const version of [3, 4] as const) {
    test(`a clean session ends with its connection, in ${named(version)} [3.1.1: MQTT-3.1.2-6]`, async () => {
      const broker = await TestBroker.start()
      const first = await broker.connected("a", { version, cleanStart: true })
      first.subscribes("t")
      first.cuts()
      expect(broker.broker.sessions.size).toBe(0)
      expect(broker.broker.subscriptions.size).toBe(0)
      const second = broker.client("a", { version })
      expect(await second.connects({ cleanStart: false })).toMatchObject({ sessionPresent: false })
    })
  }
})

describe("3.1.2.10 keep alive", () => {
  for (const version of allVersions) {
    test(`one and a half of it in silence end the connection, in ${named(version)} [MQTT-3.1.2-22]`, async () => {
      const broker = await TestBroker.start()
      const client = await broker.connected("a", { version, keepAliveSeconds: 10 })
      await broker.passes(15)
      expect(client.state).toBe("open")
      await broker.passes(2)
      expect(client.state).toBe("ended")
      expect(client.receives()).toMatchObject(
        version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.keepAliveTimeout }] : [],
      )
    })
  }

  test("any packet counts, not PINGREQ alone [3.1.2.10]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { keepAliveSeconds: 10 })
    for (let round = 0; round < 5; round++) {
      await broker.passes(14)
      client.sends(round % 2 === 0 ? pingreq : publish({ topic: "t" }))
    }
    expect(client.state).toBe("open")
  })

  test("what we send does not count [3.1.2.10]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { keepAliveSeconds: 10 })
    client.subscribes("t")
    const other = await broker.connected("other")
    for (let second = 0; second < 17; second++) {
      other.publishes({ topic: "t" })
      await broker.passes(1)
    }
    expect(client.state).toBe("ended")
  })

  test("neither does it count that the client reads what we send [MQTT-3.1.2-22]", async () => {
    const broker = await TestBroker.start({ output: { highWaterBytes: 100 } })
    const client = await broker.connected("a", { keepAliveSeconds: 10 })
    client.subscribes("t")
    const other = await broker.connected("other")
    for (let second = 0; second < 17; second++) {
      client.stalls()
      for (let count = 0; count < 4; count++) other.publishes({ topic: "t", payload: "x".repeat(100) })
      client.drains()
      await broker.passes(1)
    }
    expect(client.state).toBe("ended")
  })

  // Any byte counts as a sign of life, so that a large packet may take its time on a slow line; so may a trickle.
  test("a large packet may take longer than the keep alive, as long as its bytes keep coming", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { keepAliveSeconds: 10 })
    client.sends(bytesOf("30 7f"))
    for (let second = 0; second < 30; second++) {
      client.sends(bytesOf("00"))
      await broker.passes(1)
    }
    expect(client.state).toBe("open")
  })

  test("0 means never [3.1.2.10]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { keepAliveSeconds: 0 })
    await broker.passes(100_000)
    expect(client.state).toBe("open")
  })

  test("the server keep alive holds in its place [MQTT-3.2.2-21]", async () => {
    const broker = await TestBroker.start({ limits: { keepAliveMaximumSeconds: 10 } })
    const client = broker.client("a")
    const connack = await client.connects({ keepAliveSeconds: 60 })
    expect(connack.properties.serverKeepAlive).toBe(10)
    await broker.passes(15)
    expect(client.state).toBe("open")
    await broker.passes(2)
    expect(client.state).toBe("ended")
  })

  test("the server keep alive also takes the place of none at all [3.2.2.3.14]", async () => {
    const broker = await TestBroker.start({ limits: { keepAliveMaximumSeconds: 10 } })
    const client = broker.client("a")
    const connack = await client.connects({ keepAliveSeconds: 0 })
    expect(connack.properties.serverKeepAlive).toBe(10)
    await broker.passes(17)
    expect(client.state).toBe("ended")
  })

  test("a keep alive below the server's is kept, and nothing is said about it [3.2.2.3.14]", async () => {
    const broker = await TestBroker.start({ limits: { keepAliveMaximumSeconds: 10 } })
    const connack = await broker.client("a").connects({ keepAliveSeconds: 9 })
    expect(connack.properties.serverKeepAlive).toBeUndefined()
  })
})

describe("3.1.2.11.2 session expiry interval", () => {
  test("0 ends the session with its connection [3.1.2.11.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", {
      cleanStart: false,
      properties: { sessionExpiryInterval: 0 },
    })
    client.cuts()
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("absent it is 0 [3.1.2.11.2]", async () => {
    const broker = await TestBroker.start()
    const client = await broker.connected("a", { cleanStart: false })
    client.cuts()
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("counts from the end of the connection, and the session is there until then [MQTT-3.1.2-23]", async () => {
    const broker = await TestBroker.start()
    const words = { cleanStart: false, properties: { sessionExpiryInterval: 60 } }
    const first = await broker.connected("a", words)
    await broker.passes(600)
    first.cuts()
    await broker.passes(59)
    const second = broker.client("a")
    expect(await second.connects(words)).toMatchObject({ sessionPresent: true })
    await broker.passes(600)
    second.cuts()
    await broker.passes(61)
    expect(await broker.client("a").connects(words)).toMatchObject({ sessionPresent: false })
  })

  test("0xFFFFFFFF never comes [3.1.2.11.2]", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("a", lasting)
    first.cuts()
    await broker.leaps(5_000_000_000)
    expect(await broker.client("a").connects(lasting)).toMatchObject({ sessionPresent: true })
  })

  test("is what the latest CONNECT says, not an earlier one [3.1.2.11.2]", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("a", lasting)
    first.cuts()
    const second = await broker.connected("a", {
      cleanStart: false,
      properties: { sessionExpiryInterval: 10 },
    })
    second.cuts()
    await broker.passes(11)
    expect(broker.broker.sessions.size).toBe(0)
    expect(broker.counters.sessionsExpired).toBe(1)
  })

  test("is cut to the server's maximum, and the client is told [MQTT-3.2.2-3]", async () => {
    const broker = await TestBroker.start({ limits: { sessionExpiryMaximumSeconds: 30 } })
    const client = broker.client("a")
    const connack = await client.connects(lasting)
    expect(connack.properties.sessionExpiryInterval).toBe(30)
    client.cuts()
    await broker.passes(31)
    expect(broker.broker.sessions.size).toBe(0)
  })

  for (const version of [3, 4] as const) {
    test(`a session that is not clean lasts, in ${named(version)} [3.1.1: MQTT-3.1.2-4]`, async () => {
      const broker = await TestBroker.start()
      const first = await broker.connected("a", { version, cleanStart: false })
      first.cuts()
      await broker.leaps(5_000_000_000)
      expect(broker.broker.sessions.size).toBe(1)
    })
  }
})

describe("3.1.2.11.6 and 7 what else a client asks for", () => {
  test("response information is given to those who ask for it, and to no one else [MQTT-3.1.2-28]", async () => {
    const broker = await TestBroker.start({ limits: { responseInformation: "replies/" } })
    const asking = await broker.client("a").connects({ properties: { requestResponseInformation: true } })
    expect(asking.properties.responseInformation).toBe("replies/")
    const refusing = await broker.client("b").connects({ properties: { requestResponseInformation: false } })
    expect(refusing.properties.responseInformation).toBeUndefined()
    const silent = await broker.client("c").connects()
    expect(silent.properties.responseInformation).toBeUndefined()
  })

  test("without problem information no acknowledgement has a reason string [MQTT-3.1.2-29]", async () => {
    const authorizers = [nothingAllowed]
    const broker = await TestBroker.start({ authorizers })
    const client = await broker.connected("a", { properties: { requestProblemInformation: false } })
    client.sends(
      publish({ qos: 1, packetId: 1 }),
      publish({ qos: 2, packetId: 2 }),
      bytesOf("82 07 0003 00 0001'a' 00"),
    )
    const answers = client.receives()
    expect(answers).toHaveLength(3)
    for (const answer of answers) expect(answer).toMatchObject({ properties: {} })
  })

  test("with problem information an acknowledgement that refuses says why [3.4.2.2.2]", async () => {
    const authorizers = [nothingAllowed]
    const broker = await TestBroker.start({ authorizers })
    const client = await broker.connected("a")
    client.sends(publish({ qos: 1, packetId: 1 }))
    expect(client.receives()).toMatchObject([{ properties: { reasonString: expect.any(String) } }])
  })
})

describe("3.1.3.1 client identifier", () => {
  test("none at all is given one, and the client is told which [MQTT-3.1.3-6, 3.1.3-7, 3.2.2-16]", async () => {
    const broker = await TestBroker.start()
    const one = await broker.client("").connects(lasting)
    const other = await broker.client("").connects(lasting)
    const { assignedClientIdentifier } = one.properties
    expect(assignedClientIdentifier).toBeString()
    expect(assignedClientIdentifier).not.toBe(other.properties.assignedClientIdentifier as string)
    expect(broker.broker.sessions.size).toBe(2)
  })

  test("the session of an assigned identifier can be found again by it [3.2.2.3.7]", async () => {
    const broker = await TestBroker.start()
    const first = broker.client("")
    const { assignedClientIdentifier: clientId = "" } = (await first.connects(lasting)).properties
    first.cuts()
    expect(await broker.client(clientId).connects(lasting)).toMatchObject({ sessionPresent: true })
  })

  test("a session whose client left before it was told its name is nobody's, and ends", async () => {
    const store = new DeferredStore()
    const broker = await TestBroker.start({ store })
    store.hold()
    const stranger = broker.client("")
    stranger.sends(connect(5, { clientId: "", ...lasting }))
    stranger.cuts()
    store.letGo()
    await broker.settle()
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("a client that cannot be told its name, for it takes no packet as long, is not let in [MQTT-3.2.2-16]", async () => {
    const broker = await TestBroker.start()
    const properties = { sessionExpiryInterval: 60, maximumPacketSize: 40 }
    const connack = await broker.client("").asks({ cleanStart: false, properties })
    expect(connack).toMatchObject({ reasonCode: ReasonCode.packetTooLarge })
    expect(broker.broker.sessions.size).toBe(0)
  })

  test("a client that names itself is told of no other name [3.2.2.3.7]", async () => {
    const broker = await TestBroker.start()
    const connack = await broker.client("mine").connects()
    expect(connack.properties.assignedClientIdentifier).toBeUndefined()
  })

  test("none at all is accepted with a clean session in MQTT 3.1.1 [3.1.1: MQTT-3.1.3-6]", async () => {
    const broker = await TestBroker.start()
    await broker.client("", { version: 4 }).connects({ cleanStart: true })
    await broker.client("", { version: 4 }).connects({ cleanStart: true })
    expect(broker.broker.sessions.size).toBe(2)
  })

  test("none at all is refused without a clean session in MQTT 3.1.1 [3.1.1: MQTT-3.1.3-8]", async () => {
    const broker = await TestBroker.start()
    const client = broker.client("", { version: 4 })
    expect(await client.asks({ cleanStart: false })).toMatchObject({
      reasonCode: ReasonCode.clientIdentifierNotValid,
    })
    expect(client.state).toBe("ended")
  })

  test("none at all is refused in MQTT 3.1 [3.1: 3.1]", async () => {
    const broker = await TestBroker.start()
    const client = broker.client("", { version: 3 })
    expect(await client.asks({ cleanStart: true })).toMatchObject({
      reasonCode: ReasonCode.clientIdentifierNotValid,
    })
  })

  for (const version of [4, 5] as const) {
    test(`longer than 23 bytes and of any characters will do, in ${named(version)} [MQTT-3.1.3-5]`, async () => {
      const broker = await TestBroker.start()
      await broker.client(`Zürich/#+${"x".repeat(60_000)}`, { version }).connects()
    })

    test(`one beyond the limit is refused, in ${named(version)} [MQTT-3.1.3-8]`, async () => {
      const broker = await TestBroker.start({ limits: { clientIdBytes: 23 } })
      await broker.client("x".repeat(23), { version }).connects()
      const client = broker.client("ü".repeat(12), { version })
      expect(await client.asks()).toMatchObject({ reasonCode: ReasonCode.clientIdentifierNotValid })
      expect(client.state).toBe("ended")
    })
  }
})

describe("3.1.4 taking over", () => {
  for (const version of allVersions) {
    test(`a second connection of one client ends the first, in ${named(version)} [MQTT-3.1.4-3]`, async () => {
      const broker = await TestBroker.start()
      const first = await broker.connected("a", { version, ...lasting })
      first.subscribes("t")
      const second = broker.client("a", { version })
      expect(await second.connects(lasting)).toMatchObject({ sessionPresent: version !== 3 })
      expect(first.receives()).toMatchObject(
        version === 5 ? [{ type: "disconnect", reasonCode: ReasonCode.sessionTakenOver }] : [],
      )
      expect(first.state).toBe("ended")
      const other = await broker.connected("other")
      other.publishes({ topic: "t", payload: "x" })
      expect(payloads(second.receives())).toEqual(["x"])
      expect(broker.counters.clientsConnected).toBe(2)
    })
  }

  test("the end of the first socket, noticed late, does not touch the second connection", async () => {
    const broker = await TestBroker.start()
    const first = await broker.connected("a", lasting)
    first.stalls()
    const second = await broker.connected("a", lasting)
    first.cuts()
    await broker.settle()
    second.subscribes("t")
    expect(second.state).toBe("open")
    expect(broker.broker.sessions.size).toBe(1)
    expect(broker.counters.clientsConnected).toBe(1)
  })

  for (const [how, options] of manners) {
    test(`of many that come at once the last one stays, and each gets an answer, let in ${how} [MQTT-3.1.4-3]`, async () => {
      const broker = await TestBroker.start(options)
      const clients = Array.from({ length: 5 }, () => broker.client("a"))
      for (const client of clients) client.sends(connect(5, { clientId: "a", ...lasting }))
      await broker.settle()
      await broker.settle()
      const open = clients.filter((client) => client.state === "open")
      expect(open).toEqual([clients[4] as (typeof clients)[0]])
      for (const client of clients)
        expect(client.receives()[0]).toMatchObject({ type: "connack", reasonCode: 0 })
      expect(broker.broker.sessions.size).toBe(1)
      expect(broker.counters.clientsConnected).toBe(1)
    })
  }

  for (const [how, options] of manners) {
    test(`a client that leaves while it waits for its session leaves nothing behind, let in ${how} [MQTT-3.1.4-3]`, async () => {
      const broker = await TestBroker.start(options)
      const client = broker.client("a")
      client.sends(connect(5, { clientId: "a" }))
      client.cuts()
      await broker.settle()
      expect(broker.broker.sessions.size).toBe(0)
      expect(broker.counters.clientsConnected).toBe(0)
      expect(broker.acceptor.size).toBe(0)
    })
  }

  test("a client that is refused has not ended the connection of another [MQTT-3.1.4-2]", async () => {
    const broker = await TestBroker.start({
      authenticator: {
        authenticate: ({ username, password }) =>
          password?.length === 3 ? acceptedAs(username) : rejected(ReasonCode.badUserNameOrPassword),
      },
    })
    const first = await broker.connected("a", { username: "u", password: "yes" })
    const second = broker.client("a")
    expect(await second.asks({ username: "u", password: "no" })).toMatchObject({
      reasonCode: ReasonCode.badUserNameOrPassword,
    })
    expect(second.state).toBe("ended")
    expect(first.state).toBe("open")
  })
})
