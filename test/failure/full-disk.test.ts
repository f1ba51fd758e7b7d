import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import type { Client } from "../../src/client/client.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { type Disk, growthLimit, smallDisk } from "./disk.ts"
import { WatchedBroker } from "./watched-broker.ts"

const probe = smallDisk()
probe?.[Symbol.dispose]()
if (probe === undefined) console.log("skipped: tests on a small disk, which we may not mount")

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
    await broker.kill()
    disk[Symbol.dispose]()
  })

  function served(): Promise<WatchedBroker> {
    const words = ["--port", "0", "--data", disk.directory]
    return WatchedBroker.serving({ words, shell: disk.shell })
  }

  /** A session that waits for messages while its client is away. */
  async function absentSession(clientId = "absent"): Promise<void> {
    const client = await broker.client({ clientId, cleanStart: false, properties: forEver })
    await client.subscribe([
      { filter: "news/#", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
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
      if (kept.length === 3) disk.fill(broker)
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

      disk.free(broker)
      await broker.says("caught up")
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
      expect(publish(old, "refused", qos)).rejects.toThrow()
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
    await subscriber.subscribe([
      { filter: "live/#", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
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
    disk.free(broker)
    broker = await served()
    const last = await broker.client({ clientId: "last" })
    await publish(last, "last", 1)
    expect(await received("absent", kept.length + 1)).toEqual([...kept, "last"])
  })

  test.if(isPossible)("opens no new session that is to last, and one that is not", async () => {
    await absentSession()
    const publisher = await broker.client({ clientId: "publisher" })
    await publishUntilRefused(publisher, 1)
    expect(broker.client({ clientId: "new", properties: forEver })).rejects.toMatchObject({
      end: { why: "refused", reasonCode: ReasonCode.quotaExceeded },
    })
    const passing = await broker.client({ clientId: "passing" })
    await passing.disconnect()
  })
})
