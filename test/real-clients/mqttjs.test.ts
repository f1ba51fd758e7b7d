import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import type { IClientOptions } from "mqtt"
import { RecordingClient } from "./recording-client.ts"
import { type Served, serve } from "./served.ts"

describe("MQTT.js is served", () => {
  let served: Served
  const clients: RecordingClient[] = []
  beforeAll(async () => {
    served = await serve()
  }, 60_000)
  afterAll(async () => {
    for (const { client } of clients) client.end(true)
    await served.close()
  })

  const schemes = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const
  const versions = [4, 5] as const

  async function connected(
    options: IClientOptions,
    scheme: keyof typeof schemes = "tcp",
  ): Promise<RecordingClient> {
    const path = scheme === "ws" || scheme === "wss" ? "/mqtt" : ""
    const url = `${schemes[scheme]}://localhost:${served.port(scheme)}${path}`
    const recording = await RecordingClient.connected(url, { ca: readFileSync(served.caFile), ...options })
    clients.push(recording)
    return recording
  }

  for (const scheme of ["tcp", "tls", "ws", "wss"] as const) {
    for (const protocolVersion of versions) {
      test(`over ${scheme} version ${protocolVersion} messages of QoS 0, 1 and 2 arrive in order`, async () => {
        const topic = `mqttjs/${scheme}/${protocolVersion}`
        const subscriber = await connected({ protocolVersion }, scheme)
        const publisher = await connected({ protocolVersion }, scheme)
        await subscriber.client.subscribeAsync(topic, { qos: 2 })
        for (const qos of [0, 1, 2] as const) {
          await publisher.client.publishAsync(topic, `at ${qos}`, { qos })
        }
        expect(await subscriber.nextTexts(3)).toEqual(["0 at 0", "1 at 1", "2 at 2"])
      })

      test(`over ${scheme} version ${protocolVersion} a payload of 1 MiB arrives whole`, async () => {
        const topic = `mqttjs/large/${scheme}/${protocolVersion}`
        const client = await connected({ protocolVersion }, scheme)
        await client.client.subscribeAsync(topic, { qos: 1 })
        const payload = Buffer.alloc(1_048_576, "0123456789abcdef-")
        await client.client.publishAsync(topic, payload, { qos: 1 })
        expect((await client.next()).payload.equals(payload)).toBe(true)
      })
    }
  }

  describe.each(versions)("version %d", (protocolVersion) => {
    const lasting =
      protocolVersion === 5
        ? { protocolVersion, clean: false, properties: { sessionExpiryInterval: 600 } }
        : { protocolVersion, clean: false }

    test("a session is resumed and gets what came meanwhile, once", async () => {
      const clientId = `mqttjs-absent-${protocolVersion}`
      const topic = `mqttjs/away/${protocolVersion}`
      const before = await connected({ ...lasting, clientId })
      expect((await before.connack).sessionPresent).toBe(false)
      await before.client.subscribeAsync(topic, { qos: 2 })
      await before.client.endAsync()

      const publisher = await connected({ protocolVersion })
      await publisher.client.publishAsync(topic, "first", { qos: 1 })
      await publisher.client.publishAsync(topic, "second", { qos: 2 })
      const after = await connected({ ...lasting, clientId })
      expect((await after.connack).sessionPresent).toBe(true)
      // MQTT.js hands a QoS 2 message on when it is released, so another must not come in between.
      expect(await after.nextTexts(2)).toEqual(["1 first", "2 second"])
      await publisher.client.publishAsync(topic, "third", { qos: 1 })
      expect(await after.nextTexts(1)).toEqual(["1 third"])
    })

    test("the will of a client whose connection is cut is published", async () => {
      const topic = `mqttjs/will/${protocolVersion}`
      const heir = await connected({ protocolVersion })
      await heir.client.subscribeAsync(topic, { qos: 1 })
      const will = { topic, payload: Buffer.from("farewell"), qos: 1, retain: false } as const
      const mortal = await connected({ protocolVersion, will })
      await mortal.cut()
      expect(await heir.nextTexts(1)).toEqual(["1 farewell"])
    })

    test("the will of a client that says goodbye is not published", async () => {
      const topic = `mqttjs/no-will/${protocolVersion}`
      const heir = await connected({ protocolVersion })
      await heir.client.subscribeAsync(topic, { qos: 1 })
      const will = { topic, payload: Buffer.from("farewell"), qos: 1, retain: false } as const
      const polite = await connected({ protocolVersion, will })
      await polite.client.endAsync()
      await heir.client.publishAsync(topic, "the only one", { qos: 1 })
      expect(await heir.nextTexts(1)).toEqual(["1 the only one"])
    })

    test("a retained message is there for who comes later, until an empty one clears it", async () => {
      const topic = `mqttjs/retained/${protocolVersion}`
      const publisher = await connected({ protocolVersion })
      await publisher.client.publishAsync(`${topic}/a`, "still here", { qos: 1, retain: true })
      await publisher.client.publishAsync(`${topic}/b`, "here too", { qos: 1, retain: true })
      await publisher.client.publishAsync(`${topic}/a`, "", { qos: 1, retain: true })
      const late = await connected({ protocolVersion })
      await late.client.subscribeAsync(`${topic}/+`, { qos: 1 })
      const { payload, packet } = await late.next()
      expect([payload.toString(), packet.retain]).toEqual(["here too", true])
    })
  })

  test("a message that has expired meanwhile is not sent to who comes back [MQTT-3.3.2-5]", async () => {
    const lasting = {
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: 600 },
      clientId: "mqttjs-late",
    } as const
    const topic = "mqttjs/expiry"
    const before = await connected(lasting)
    await before.client.subscribeAsync(topic, { qos: 1 })
    await before.client.endAsync()
    const publisher = await connected({ protocolVersion: 5 })
    // An interval of 0 is over at once; nobody has to wait for it.
    await publisher.client.publishAsync(topic, "stale", {
      qos: 1,
      properties: { messageExpiryInterval: 0 },
    })
    await publisher.client.publishAsync(topic, "fresh", {
      qos: 1,
      properties: { messageExpiryInterval: 600 },
    })
    const after = await connected(lasting)
    const { payload, packet } = await after.next()
    expect(payload.toString()).toBe("fresh")
    expect(packet.properties?.messageExpiryInterval).toBeWithin(1, 601)
  })

  test("the members of a share group take turns, and who leaves gets no more [4.8.2]", async () => {
    const members = [await connected({ protocolVersion: 5 }), await connected({ protocolVersion: 5 })]
    for (const { client } of members) await client.subscribeAsync("$share/group/mqttjs/jobs", { qos: 1 })
    const publisher = await connected({ protocolVersion: 5 })
    for (const job of ["1", "2", "3", "4"]) {
      await publisher.client.publishAsync("mqttjs/jobs", job, { qos: 1 })
    }
    const [first, second] = await Promise.all(members.map((member) => member.nextTexts(2)))
    expect([...(first ?? []), ...(second ?? [])].toSorted()).toEqual(["1 1", "1 2", "1 3", "1 4"])

    await members[0]?.client.endAsync()
    for (const job of ["5", "6"]) await publisher.client.publishAsync("mqttjs/jobs", job, { qos: 1 })
    expect(await members[1]?.nextTexts(2)).toEqual(["1 5", "1 6"])
  })

  test("a topic alias stands for its topic in both directions [3.3.2.3.4]", async () => {
    const topic = "mqttjs/alias/of/a/long/topic"
    const subscriber = await connected({ protocolVersion: 5, properties: { topicAliasMaximum: 10 } })
    await subscriber.client.subscribeAsync(topic, { qos: 1 })
    const publisher = await connected({ protocolVersion: 5, autoAssignTopicAlias: true })
    expect((await publisher.connack).properties?.topicAliasMaximum).toBeGreaterThan(0)
    const topicsSent: string[] = []
    publisher.client.on("packetsend", (packet) => {
      if (packet.cmd === "publish") topicsSent.push(packet.topic)
    })
    const topicsReceived: string[] = []
    subscriber.client.on("packetreceive", (packet) => {
      if (packet.cmd === "publish") topicsReceived.push(packet.topic)
    })
    for (const text of ["1", "2", "3"]) await publisher.client.publishAsync(topic, text, { qos: 1 })
    const received = [await subscriber.next(), await subscriber.next(), await subscriber.next()]
    expect(received.map(({ payload }) => payload.toString())).toEqual(["1", "2", "3"])
    expect(received.map((each) => each.topic)).toEqual([topic, topic, topic])
    expect(topicsSent).toEqual([topic, "", ""])
    expect(topicsReceived).toEqual([topic, "", ""])
  })

  test("the properties of a message arrive as they were sent, in their order [MQTT-3.3.2-18]", async () => {
    const client = await connected({ protocolVersion: 5 })
    await client.client.subscribeAsync("mqttjs/properties", { qos: 1 })
    const properties = {
      payloadFormatIndicator: true,
      contentType: "text/plain",
      responseTopic: "answers",
      correlationData: Buffer.from("17"),
      userProperties: { unit: ["celsius", "kelvin"], place: "roof" },
    }
    await client.client.publishAsync("mqttjs/properties", "21", { qos: 1, properties })
    const { packet } = await client.next()
    expect({ ...packet.properties }).toMatchObject({
      ...properties,
      userProperties: { unit: ["celsius", "kelvin"], place: "roof" },
    })
  })

  test("SIGTERM sends DISCONNECT 0x8B to clients of MQTT 5 [4.13]", async () => {
    const mine = await serve()
    const client = await RecordingClient.connected(`mqtt://localhost:${mine.port("tcp")}`, {
      protocolVersion: 5,
    })
    const reasonCode = new Promise<number | undefined>((resolve) => {
      client.client.on("disconnect", (packet) => resolve(packet.reasonCode))
    })
    await mine.close()
    expect(await reasonCode).toBe(0x8b)
    client.client.end(true)
  })
})
