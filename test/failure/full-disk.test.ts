import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test"
import type { Client } from "../../src/client/client.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { type Disk, growthLimit, smallDisk, stopLog } from "./disk.ts"
import { killWhatIsLeft, WatchedBroker } from "./watched-broker.ts"

afterAll(killWhatIsLeft)

const probe = smallDisk()
probe?.[Symbol.dispose]()
if (probe === undefined) console.log("skipped: tests on a small disk, which we may not mount")

/** What a SUBSCRIBE asks for. */
const to = (filter: string) =>
  ({ filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }) as const

const forEver = { sessionExpiryInterval: 0xffff_ffff }

describe.each([
  ["on a disk that is full", smallDisk, probe !== undefined],
  ["where no file may grow", growthLimit, true],
] as const)("%s", (_name, newDisk, isPossible) => {
  let disk: Disk
  let broker: WatchedBroker
  beforeEach(async () => {
    const made = isPossible ? newDisk() : undefined
    if (made === undefined) return
    disk = made
    broker = await served()
  })
  afterEach(async () => {
    if (!isPossible) return
    try {
      await broker.kill()
    } finally {
      disk[Symbol.dispose]()
    }
  })

  function served(): Promise<WatchedBroker> {
    const words = ["--port", "0", "--data", disk.directory]
    return WatchedBroker.serving({ words, shell: disk.shell })
  }

  /** A session that waits for messages while its client is away. */
  async function absentSession(clientId = "absent"): Promise<void> {
    const client = await broker.client({ clientId, cleanStart: false, properties: forEver })
    await client.subscribe([to("news/#")])
    await client.disconnect()
  }

  function publish(client: Client, text: string, qos: 0 | 1 | 2, topic = "news/of") {
    return client.publish({ topic, payload: Buffer.from(text.padEnd(2000, ".")), qos })
  }

  /** @returns the texts of the messages that were acknowledged before the first that was not */
  async function publishUntilRefused(client: Client, qos: 1 | 2): Promise<string[]> {
    const kept: string[] = []
    for (;;) {
      const text = `qos ${qos} number ${kept.length}`
      const { reasonCode } = await publish(client, text, qos)
      if (reasonCode !== ReasonCode.success) {
        expect(reasonCode).toBe(ReasonCode.quotaExceeded)
        return kept
      }
      kept.push(text)
      if (kept.length === 3) await disk.fill(broker)
    }
  }

  /** What the session's queue holds, once its client is back. */
  async function received(clientId: string, count: number): Promise<string[]> {
    const texts: string[] = []
    const all = Promise.withResolvers<void>()
    const client = await broker.client({
      clientId,
      cleanStart: false,
      properties: forEver,
      onMessage: ({ payload }) => {
        texts.push(Buffer.from(payload).toString().replace(/\.+$/, ""))
        if (texts.length === count) all.resolve()
      },
    })
    await all.promise
    await client.disconnect()
    return texts
  }

  test.if(isPossible)(
    "refuses what it cannot keep, says so once, and takes it again when there is room",
    async () => {
      await absentSession()
      const publisher = await broker.client({ clientId: "publisher" })
      const kept = await publishUntilRefused(publisher, 1)
      for (let count = 0; count < 50; count++) {
        const { reasonCode } = await publish(publisher, "refused", count % 2 === 0 ? 1 : 2)
        expect(reasonCode).toBe(ReasonCode.quotaExceeded)
      }
      expect(broker.all("nothing can be stored")).toHaveLength(1)
      expect(broker.all("message dropped").length).toBeLessThan(3)

      await disk.free(broker)
      await broker.says("well again")
      for (const qos of [1, 2] as const) {
        expect((await publish(publisher, `after ${qos}`, qos)).reasonCode).toBe(ReasonCode.success)
      }
      const expected = [...kept, "after 1", "after 2"]
      expect(await received("absent", expected.length)).toEqual(expected)
      expect(await broker.stop()).toBe(0)
    },
  )

  test.if(isPossible)("closes on a client of 3.1.1 in place of an acknowledgement", async () => {
    await absentSession()
    const publisher = await broker.client({ clientId: "publisher" })
    await publishUntilRefused(publisher, 2)
    for (const qos of [1, 2] as const) {
      const old = await broker.client({ clientId: `old ${qos}`, version: 4 })
      await expect(publish(old, "refused", qos)).rejects.toThrow()
      expect((await old.ended).why).toBe("lost")
    }
  })

  test.if(isPossible)("goes on with what needs no disk", async () => {
    await absentSession()
    const heard: string[] = []
    const subscriber = await broker.client({
      clientId: "subscriber",
      onMessage: ({ payload }) => heard.push(Buffer.from(payload).toString().trim()),
    })
    const publisher = await broker.client({ clientId: "publisher" })
    await publishUntilRefused(publisher, 1)
    await subscriber.subscribe([to("live/#")])
    for (const qos of [0, 1, 2] as const) {
      const { reasonCode } = await publish(publisher, `live ${qos}`, qos, "live/news")
      expect(reasonCode).toBe(ReasonCode.success)
    }
    await subscriber.unsubscribe(["live/#"])
    expect(heard.map((text) => text.replace(/\.+$/, ""))).toEqual(["live 0", "live 1", "live 2"])
  })

  test.if(isPossible)("keeps all it acknowledged through kill -9, and nothing that it refused", async () => {
    await absentSession()
    const publisher = await broker.client({ clientId: "publisher" })
    const kept = await publishUntilRefused(publisher, 2)
    await publish(publisher, "refused", 1)
    await broker.kill()
    await disk.free(broker)
    broker = await served()
    const last = await broker.client({ clientId: "last" })
    await publish(last, "last", 1)
    expect(await received("absent", kept.length + 1)).toEqual([...kept, "last"])
  })

  test.if(isPossible)("promises no session and no subscription that it cannot keep", async () => {
    await absentSession()
    const lasting = await broker.client({ clientId: "lasting", cleanStart: false, properties: forEver })
    const lasting4 = await broker.client({ clientId: "lasting 4", cleanStart: false, version: 4 })
    const publisher = await broker.client({ clientId: "publisher" })
    await publishUntilRefused(publisher, 1)
    expect((await lasting.subscribe([to("more")])).reasonCodes).toEqual([ReasonCode.quotaExceeded])
    expect((await lasting4.subscribe([to("more")])).reasonCodes).toEqual([ReasonCode.unspecifiedError])
    for (const clientId of ["new", "absent"]) {
      const asked = broker.client({ clientId, cleanStart: false, properties: forEver })
      await expect(asked).rejects.toMatchObject({ end: { reasonCode: ReasonCode.quotaExceeded } })
      const asked4 = broker.client({ clientId, cleanStart: false, version: 4 })
      await expect(asked4).rejects.toMatchObject({ end: { reasonCode: ReasonCode.serverUnavailable } })
    }
    const passing = await broker.client({ clientId: "passing" })
    expect((await passing.subscribe([to("more")])).reasonCodes).toEqual([ReasonCode.grantedQos2])
    // Nothing of what was refused is left behind.
    const { reasonCode } = await publish(publisher, "to those who pass", 1, "more")
    expect(reasonCode).toBe(ReasonCode.success)
  })

  test.if(isPossible)("gives a client that came back too early all of its messages later", async () => {
    await absentSession()
    const publisher = await broker.client({ clientId: "publisher" })
    const kept = await publishUntilRefused(publisher, 1)
    await expect(received("absent", kept.length)).rejects.toThrow("quota exceeded")
    await disk.free(broker)
    await broker.says("well again")
    expect(await received("absent", kept.length)).toEqual(kept)
  })
})

describe("A broker that cannot write its own log", () => {
  test("goes on without, and writes on where there is room again", async () => {
    using disk = growthLimit()
    const words = ["--port", "0", "--data", disk.directory, "--log-level", "debug"]
    const broker = await WatchedBroker.serving({ words, shell: disk.shell })
    const comers = async (count: number) => {
      for (let number = 0; number < count; number++) {
        const client = await broker.client({ clientId: `comer ${number}` })
        await client.disconnect()
      }
    }
    await disk.fill(broker)
    await comers(50)
    expect(broker.all("client connected").length).toBeLessThan(50)
    await disk.free(broker)
    await comers(1)
    await (await broker.client({ clientId: "last" })).disconnect()
    expect(broker.all("client connected").at(-1)?.["client"]).toBe("last")
    expect(await broker.stop()).toBe(0)
  })
})

describe("A log that may not grow", () => {
  test("is written back and begun anew, and the broker takes messages again by itself", async () => {
    using disk = growthLimit()
    const words = ["--port", "0", "--data", disk.directory]
    const broker = await WatchedBroker.serving({ words, shell: disk.shell })
    const lasting = await broker.client({ clientId: "lasting", cleanStart: false, properties: forEver })
    const retain = (topic: string) =>
      lasting.publish({ topic, payload: Buffer.alloc(100), qos: 1, retain: true })
    for (let count = 0; count < 40; count++) await retain("same")
    await stopLog(broker, disk)
    expect((await retain("same")).reasonCode).toBe(ReasonCode.quotaExceeded)
    await broker.says("well again")
    expect((await retain("same")).reasonCode).not.toBe(ReasonCode.quotaExceeded)
    await broker.kill()
  })
})
