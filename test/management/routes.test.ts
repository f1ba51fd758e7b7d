import { beforeEach, describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { ManagedBroker } from "../support/managed-broker.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import { StoreError } from "../../src/storage/store-error.ts"
import type { Ticket } from "../../src/foundation/ticket.ts"
import { DeferredStore, ManualTicket } from "../support/deferred-store.ts"
import { connect, disconnect, lasting, payloads, publish } from "../support/packets.ts"

let managed: ManagedBroker
beforeEach(async () => {
  managed = await ManagedBroker.start()
})

const connected = (clientId: string, words = {}) => managed.test.connected(clientId, words)

/** Of each object of a list what is called so. */
async function each(name: string, words: string): Promise<unknown[]> {
  const { body } = await managed.asks(words)
  if (!Array.isArray(body)) throw new Error(`no list: ${JSON.stringify(body)}`)
  return body.map((facts: Record<string, unknown>) => facts[name]).toSorted()
}

describe("status", () => {
  test("counts what there is", async () => {
    const client = await connected("sensor", lasting)
    client.subscribes([{ filter: "a" }, { filter: "$share/g/b" }])
    client.publishes({ topic: "kept", payload: "12345", qos: 1, retain: true })
    await connected("visitor")
    client.sends(disconnect())
    await managed.test.passes(90)
    expect((await managed.asks("GET /v1/status")).body).toMatchObject({
      version: "1.2.3",
      uptimeSeconds: 90,
      urls: ["tcp://127.0.0.1:1883"],
      directory: null,
      clients: { connected: 1, limit: 100, connections: 1 },
      sessions: { total: 2, absent: 1 },
      subscriptions: { total: 2, shared: 1 },
      retained: { messages: 1, bytes: 9 },
      store: { mood: "healthy", bytes: 4096 },
      warnings: [],
    })
  })
})

describe("clients", () => {
  test("are found by patterns of their identifier, user and address", async () => {
    await connected("sensor-1", { username: "alice", remoteAddress: "10.0.0.1" })
    await connected("sensor-2", { username: "bob", remoteAddress: "10.0.0.2" })
    await connected("wall", { remoteAddress: "192.0.2.1" })
    managed.test.client("says nothing")
    expect(await each("client", "GET /v1/clients")).toEqual(["sensor-1", "sensor-2", "wall"])
    expect(await each("client", "GET /v1/clients?client=sensor-*")).toEqual(["sensor-1", "sensor-2"])
    expect(await each("client", "GET /v1/clients?user=b?b")).toEqual(["sensor-2"])
    expect(await each("client", "GET /v1/clients?address=10.*&client=*1")).toEqual(["sensor-1"])
    expect(await each("client", "GET /v1/clients?client=sensor")).toEqual([])
  })

  test("say how much went to and fro, and what waits", async () => {
    const wall = await connected("wall", { ...lasting, version: 5, username: "alice" })
    wall.subscribes([{ filter: "home/#", qos: 1 }])
    const sensor = await connected("sensor", { version: 4 })
    for (const payload of ["1", "2", "3"]) sensor.publishes({ topic: "home/a", payload, qos: 1 })
    expect((await managed.asks("GET /v1/client?client=wall")).body).toMatchObject({
      client: "wall",
      inFlight: 3,
      pausedFor: null,
      user: "alice",
      listener: "tcp://127.0.0.1:1883",
      protocol: "5.0",
      expirySeconds: null,
      subscriptions: 1,
      queuedMessages: 3,
      published: 0,
      delivered: 3,
      slow: false,
      paused: false,
    })
    expect((await managed.asks("GET /v1/client?client=sensor")).body).toMatchObject({
      user: null,
      protocol: "3.1.1",
      published: 3,
      delivered: 0,
    })
  })

  test("who is kicked is told so, leaves no will, and finds its session again", async () => {
    const will = { topic: "gone", payload: "help", qos: 1 as const }
    const sensor = await connected("sensor", { ...lasting, will })
    const watcher = await connected("watcher")
    watcher.subscribes("gone")
    expect(await managed.asks("DELETE /v1/client?client=sensor")).toEqual({ status: 200, body: {} })
    expect(sensor.receives()).toMatchObject([
      { type: "disconnect", reasonCode: ReasonCode.administrativeAction },
    ])
    expect(sensor.state).not.toBe("open")
    await managed.test.passes(60)
    expect(payloads(watcher.receives())).toEqual([])
    const again = managed.test.client("sensor")
    expect(await again.connects(lasting)).toMatchObject({ sessionPresent: true })
    expect(await managed.audited()).toEqual(['alice: client "sensor" kicked'])
  })

  test("who fits a pattern is kicked with all others that do, and the audit has it once", async () => {
    const sensors = [await connected("sensor-1"), await connected("sensor-2", { username: "bob" })]
    const wall = await connected("wall")
    expect(await managed.asks("DELETE /v1/clients?client=sensor-*")).toEqual({
      status: 200,
      body: { kicked: 2 },
    })
    expect(sensors.map(({ state }) => state)).not.toContain("open")
    expect(wall.state).toBe("open")
    expect(await managed.asks("DELETE /v1/clients?user=bob")).toMatchObject({ body: { kicked: 0 } })
    expect(await managed.audited()).toEqual(["alice: 2 clients kicked"])
  })

  test("nobody is kicked, and no session ends, where it is not said whose", async () => {
    const wall = await connected("wall")
    for (const what of ["clients", "sessions"]) {
      expect(await managed.asks(`DELETE /v1/${what}`)).toEqual({
        status: 400,
        body: { error: "say which ones; client=* is all of them" },
      })
    }
    expect(wall.state).toBe("open")
  })

  test("say why they are not read, and what was not taken", async () => {
    const held = await ManagedBroker.start(new MemoryStore(), { limits: { messagesPerSecond: 1 } })
    const sensor = await held.test.connected("sensor", { cleanStart: false })
    for (const payload of ["1", "2", "3"]) sensor.sends(publish({ topic: "a", payload }))
    const { body } = await held.asks("GET /v1/client?client=sensor")
    expect(body).toMatchObject({ paused: true, pausedFor: "pace", cleanStart: false, bytesUnsent: 0 })
    const { bytesReceived, bytesSent } = held.test.counters
    expect(body).toMatchObject({ bytesReceived, bytesSent })
    expect(bytesSent).toBeGreaterThan(0)
  })

  test("nobody is kicked who is not there", async () => {
    const answered = await managed.asks("DELETE /v1/client?client=nobody")
    expect(answered).toEqual({ status: 404, body: { error: 'no client "nobody" is connected' } })
    expect(await managed.audited()).toEqual([])
  })
})

describe("sessions", () => {
  test("say who is away, since when and until when", async () => {
    const phone = await connected("phone", { cleanStart: false, properties: { sessionExpiryInterval: 3600 } })
    phone.sends(disconnect())
    await connected("wall", lasting)
    await managed.test.passes(600)
    expect(await each("client", "GET /v1/sessions?connected=false")).toEqual(["phone"])
    expect(await each("client", "GET /v1/sessions?connected=true")).toEqual(["wall"])
    const { body } = await managed.asks("GET /v1/session?client=phone")
    const { disconnectedAt, expiresAt } = body as Record<string, string>
    const wallMs = managed.test.clock.wall()
    expect(Date.parse(disconnectedAt ?? "")).toBe(wallMs - 600_000)
    expect(Date.parse(expiresAt ?? "")).toBe(wallMs + 3_000_000)
  })

  test("are removed with all that waits, and the connection of their client", async () => {
    const wall = await connected("wall", lasting)
    wall.subscribes([{ filter: "#", qos: 1 }])
    expect(await managed.asks("DELETE /v1/session?client=wall")).toMatchObject({ status: 200 })
    expect(wall.state).not.toBe("open")
    expect(managed.test.broker.subscriptions.size).toBe(0)
    const again = managed.test.client("wall")
    expect(await again.connects(lasting)).toMatchObject({ sessionPresent: false })
    expect(await managed.audited()).toEqual(['alice: session of "wall" removed'])
    expect(await managed.asks("DELETE /v1/session?client=phone")).toMatchObject({ status: 404 })
  })
})

describe("sessions of many", () => {
  test("are removed by client, and by how long they are left alone", async () => {
    const old = await connected("old", lasting)
    old.sends(disconnect())
    await managed.test.leaps(40 * 86_400)
    const late = await connected("late", lasting)
    late.sends(disconnect())
    const wall = await connected("wall", lasting)
    expect(await each("client", "GET /v1/sessions?away=86400000")).toEqual(["old"])
    expect(await managed.asks("DELETE /v1/sessions?away=86400000")).toMatchObject({ body: { removed: 1 } })
    expect(await each("client", "GET /v1/sessions")).toEqual(["late", "wall"])
    expect(await managed.asks("DELETE /v1/sessions?client=*")).toMatchObject({ body: { removed: 2 } })
    expect(wall.state).not.toBe("open")
    expect(await each("client", "GET /v1/sessions")).toEqual([])
    expect(await managed.audited()).toEqual(["alice: 1 session removed", "alice: 2 sessions removed"])
  })
})

describe("a session that its client is being let into", () => {
  async function onItsWayIn() {
    const store = new DeferredStore()
    const slow = await ManagedBroker.start(store)
    const first = await slow.test.connected("phone", lasting)
    first.sends(disconnect())
    store.hold()
    const phone = slow.test.client("phone")
    phone.sends(connect(5, { clientId: "phone", ...lasting }))
    await slow.test.settle()
    return { slow, store, phone }
  }

  test("ends after it is in, and its connection with it", async () => {
    const { slow, store, phone } = await onItsWayIn()
    const removing = slow.asks("DELETE /v1/session?client=phone")
    await slow.test.settle()
    expect(slow.test.broker.sessions.size).toBe(1)
    store.letGo()
    expect(await removing).toMatchObject({ status: 200 })
    expect(phone.receives()).toMatchObject([
      { type: "connack", sessionPresent: true },
      { type: "disconnect", reasonCode: ReasonCode.administrativeAction },
    ])
    expect(phone.state).not.toBe("open")
    expect(slow.test.broker.sessions.size).toBe(0)
    expect(slow.test.counters.clientsConnected).toBe(0)
  })

  test("is none of those that are away", async () => {
    const { slow, store, phone } = await onItsWayIn()
    expect(await slow.asks("DELETE /v1/sessions?client=*&connected=false")).toMatchObject({
      body: { removed: 0 },
    })
    store.letGo()
    await slow.test.settle()
    expect(phone.receives()).toMatchObject([{ type: "connack", sessionPresent: true }])
    phone.subscribes("a")
    expect(slow.test.broker.sessions.size).toBe(1)
    expect(slow.test.broker.subscriptions.size).toBe(1)
  })
})

describe("a session whose end cannot be stored", () => {
  /** Two of them. */
  async function unstorable(): Promise<ManagedBroker> {
    class ForgetfulStore extends DeferredStore {
      override create() {
        const created = super.create()
        created.journal.ended = () => new ManualTicket("failed")
        return created
      }
    }
    const broker = await ManagedBroker.start(new ForgetfulStore())
    for (const clientId of ["one", "two"])
      (await broker.test.connected(clientId, lasting)).sends(disconnect())
    return broker
  }
  const back = {
    status: 503,
    body: { error: "it is done, but could not be stored: after a restart it is back" },
  }

  test("is told of", async () => {
    const broker = await unstorable()
    expect(await broker.asks("DELETE /v1/session?client=one")).toEqual(back)
    expect(broker.test.broker.sessions.size).toBe(1)
  })

  test("is in the audit, where it was one of many", async () => {
    const broker = await unstorable()
    expect(await broker.asks("DELETE /v1/sessions?client=*")).toEqual(back)
    expect(await broker.audited()).toEqual(["alice: 2 sessions removed"])
  })
})

describe("subscriptions", () => {
  const put = (wanted: object) => managed.asks("PUT /v1/subscription", JSON.stringify(wanted))

  test("are found by client, by filter, and by a topic that they match", async () => {
    const wall = await connected("wall")
    wall.subscribes([{ filter: "home/+" }, { filter: "$share/g/home/#" }, { filter: "garden/#" }])
    const list = "GET /v1/subscriptions"
    expect(await each("filter", list)).toEqual(["$share/g/home/#", "garden/#", "home/+"])
    expect(await each("filter", `${list}?topic=home/door`)).toEqual(["$share/g/home/#", "home/+"])
    expect(await each("filter", `${list}?filter=$share/*`)).toEqual(["$share/g/home/#"])
    expect(await each("filter", `${list}?client=nobody`)).toEqual([])
  })

  test("are looked for in slices where sessions have none", async () => {
    for (let index = 0; index < 600; index++) await connected(`bare-${index}`)
    managed.turns = 0
    expect(await each("client", "GET /v1/subscriptions")).toEqual([])
    expect(managed.turns).toBeGreaterThanOrEqual(2)
  })

  test("that an administrator adds deliver to whoever is there, and to whoever comes back", async () => {
    const wall = await connected("wall", lasting)
    expect(await put({ client: "wall", filter: "home/#", qos: 1 })).toEqual({ status: 200, body: {} })
    const sensor = await connected("sensor")
    sensor.publishes({ topic: "home/a", payload: "1", qos: 1 })
    expect(payloads(wall.receives())).toEqual(["1"])
    wall.sends(disconnect())
    sensor.publishes({ topic: "home/a", payload: "2", qos: 1 })
    const again = managed.test.client("wall")
    await again.connects(lasting)
    expect(payloads(again.receives())).toEqual(["1", "2"])
    expect(await managed.audited()).toEqual(['alice: "wall" subscribed to home/#'])
  })

  test("that an administrator ends deliver no more", async () => {
    const wall = await connected("wall")
    wall.subscribes("home/#")
    expect(await managed.asks("DELETE /v1/subscription?client=wall&filter=home/%23")).toMatchObject({
      status: 200,
    })
    const sensor = await connected("sensor")
    sensor.publishes({ topic: "home/a", payload: "1" })
    expect(payloads(wall.receives())).toEqual([])
    expect(await managed.asks("DELETE /v1/subscription?client=wall&filter=home/%23")).toEqual({
      status: 404,
      body: { error: '"wall" is not subscribed to home/#' },
    })
  })

  test("are not added beyond a client's limit, to a session that is not there, or by a filter that is none", async () => {
    const wall = await connected("wall")
    wall.subscribes([{ filter: "a" }, { filter: "b" }, { filter: "c" }])
    expect(await put({ client: "wall", filter: "d" })).toMatchObject({ status: 409 })
    expect(await put({ client: "wall", filter: "c", qos: 2 })).toMatchObject({ status: 200 })
    expect(await put({ client: "nobody", filter: "d" })).toMatchObject({ status: 404 })
    expect(await put({ client: "wall", filter: "d/#/e" })).toMatchObject({ status: 400 })
    expect(await put({ client: "wall", filter: "$share/g/c", noLocal: true })).toMatchObject({ status: 400 })
    expect(await put({ client: "wall", filter: "c", qos: 3 })).toMatchObject({ status: 400 })
    expect(await managed.asks("PUT /v1/subscription", "{")).toMatchObject({ status: 400 })
    expect(managed.test.broker.subscriptions.size).toBe(3)
  })
})

describe("retained messages", () => {
  async function given(): Promise<void> {
    const sensor = await connected("sensor", { username: "alice" })
    sensor.publishes({
      topic: "home/old",
      payload: "1",
      qos: 1,
      retain: true,
      properties: {
        contentType: "text/plain",
        correlationData: Uint8Array.of(1, 2),
        userProperties: [["a", "b"]],
      },
    })
    await managed.test.leaps(40 * 86_400)
    const other = await connected("other")
    other.publishes({
      topic: "home/new",
      payload: "22",
      qos: 1,
      retain: true,
      properties: { messageExpiryInterval: 60 },
    })
    other.publishes({ topic: "garden", payload: "333", retain: true })
  }
  const days = 86_400_000

  test("say who published them and when, and when they expire", async () => {
    await given()
    expect(await each("topic", "GET /v1/retained?filter=%23")).toEqual(["garden", "home/new", "home/old"])
    expect(await each("topic", `GET /v1/retained?filter=home/%2B&older=${30 * days}`)).toEqual(["home/old"])
    const { body } = await managed.asks("GET /v1/retained-message?topic=home/old")
    const wallMs = managed.test.clock.wall()
    expect(body).toEqual({
      facts: {
        topic: "home/old",
        payloadBytes: 1,
        qos: 1,
        client: "sensor",
        user: "alice",
        publishedAt: new Date(wallMs - 40 * days).toISOString(),
        expiresAt: null,
        properties: {
          contentType: "text/plain",
          correlationDataBase64: "AQI=",
          userProperties: [["a", "b"]],
        },
      },
      payload: "1",
    })
    expect(await each("expiresAt", "GET /v1/retained?filter=home/new")).toEqual([
      new Date(wallMs + 60_000).toISOString(),
    ])
  })

  test("are removed by filter and age, and no subscriber hears of it", async () => {
    await given()
    const watcher = await connected("watcher")
    watcher.subscribes([{ filter: "#", retainHandling: 2 }])
    expect(await managed.asks(`DELETE /v1/retained?filter=%23&older=${30 * days}`)).toEqual({
      status: 200,
      body: { removed: 1 },
    })
    expect(await each("topic", "GET /v1/retained?filter=%23")).toEqual(["garden", "home/new"])
    expect(watcher.receives()).toEqual([])
    expect(await managed.audited()).toEqual(["alice: retained messages removed: home/old"])
    expect(await managed.asks("DELETE /v1/retained?filter=nowhere")).toMatchObject({ body: { removed: 0 } })
    expect(await managed.audited()).toHaveLength(1)
  })

  test("that were removed are named in the audit, and of a long topic its beginning", async () => {
    const sensor = await connected("sensor")
    const long = "x".repeat(60_000)
    for (let index = 0; index < 12; index++) {
      sensor.publishes({ topic: `${index}/${long}`, payload: "1", qos: 1, retain: true })
    }
    expect(await managed.asks("DELETE /v1/retained?filter=%23")).toMatchObject({ body: { removed: 12 } })
    const [entry = ""] = await managed.audited()
    expect(entry).toMatch(/^alice: retained messages removed: (\d+\/x{253,254}…, ){9}\d+\/x+… and 2 more$/)
  })

  test("that are large are handed out whole, in slices", async () => {
    const camera = await connected("camera")
    const payload = Array.from({ length: 100_000 }, (_, index) => `${index},`).join("")
    camera.publishes({ topic: "camera", payload, qos: 1, retain: true })
    managed.turns = 0
    const { body } = await managed.asks("GET /v1/retained-message?topic=camera")
    expect((body as { payload: string }).payload).toBe(payload)
    expect(managed.turns).toBeGreaterThanOrEqual(2)
    expect(await managed.asks("GET /v1/retained-message?topic=came")).toMatchObject({ status: 404 })
  })

  test("are the broker's own under $SYS", async () => {
    for (const filter of ["$SYS/%23", "$SYS"]) {
      expect(await managed.asks(`DELETE /v1/retained?filter=${filter}`)).toMatchObject({ status: 400 })
    }
  })

  test("that were removed before the store failed are in the audit", async () => {
    class FailingStore extends DeferredStore {
      #left = 2
      override unretain(): Ticket | undefined {
        this.#left -= 1
        return this.#left < 0 ? new ManualTicket("failed") : undefined
      }
    }
    const failing = await ManagedBroker.start(new FailingStore())
    const sensor = await failing.test.connected("sensor")
    for (const topic of ["a", "b", "c"]) sensor.publishes({ topic, payload: "1", qos: 1, retain: true })
    expect(await failing.asks("DELETE /v1/retained?filter=%23")).toEqual({
      status: 503,
      body: { error: "nothing can be stored at the moment; 2 were removed by then" },
    })
    expect(await failing.audited()).toEqual(["alice: retained messages removed: a, b"])
  })

  test("that are many are listed and removed in slices, in between of which others have their turn", async () => {
    const sensor = await connected("sensor")
    for (let index = 0; index < 2_000; index++) {
      sensor.sends(publish({ topic: `many/${index}`, payload: "1", retain: true }))
    }
    await managed.test.settle()
    expect(await each("topic", "GET /v1/retained?filter=many/%23")).toHaveLength(2_000)
    expect(managed.turns).toBeGreaterThanOrEqual(7)
    managed.turns = 0
    expect(await managed.asks("DELETE /v1/retained?filter=many/%23")).toMatchObject({
      body: { removed: 2_000 },
    })
    expect(managed.turns).toBeGreaterThanOrEqual(7)
  })
})

describe("changes", () => {
  test("that the audit cannot tell of are told of by their answer", async () => {
    class ForgetfulStore extends DeferredStore {
      override readonly accounts = Object.assign(new MemoryStore().accounts, {
        record: () =>
          Promise.reject(new StoreError("bantam.db: database or disk is full; make room on its disk")),
      })
    }
    const forgetful = await ManagedBroker.start(new ForgetfulStore())
    await forgetful.test.connected("sensor")
    expect(await forgetful.asks("DELETE /v1/client?client=sensor")).toEqual({
      status: 503,
      body: {
        error:
          "it is done, and the audit does not tell of it: " +
          "bantam.db: database or disk is full; make room on its disk",
      },
    })
  })

  test("that wait for the disk when the broker stops are written down without", async () => {
    const store = new DeferredStore()
    const slow = await ManagedBroker.start(store)
    for (const clientId of ["one", "two"]) await slow.test.connected(clientId, lasting)
    store.hold()
    const removing = [slow.asks("DELETE /v1/session?client=one"), slow.asks("DELETE /v1/sessions?client=two")]
    await slow.test.settle()
    slow.changes.stop()
    await Promise.all(removing)
    expect((await slow.audited()).toSorted()).toEqual([
      "alice: 1 session removed",
      'alice: session of "one" removed',
    ])
  })

  test("go no further once the broker stops, and what is done is written down", async () => {
    for (let index = 0; index < 600; index++) await connected(`away-${index}`, lasting)
    const removing = managed.asks("DELETE /v1/sessions?client=away-*")
    managed.changes.stop()
    expect(await removing).toMatchObject({ body: { removed: 255 } })
    expect(await managed.audited()).toEqual(["alice: 255 sessions removed"])
    expect(await managed.asks("DELETE /v1/client?client=away-599")).toEqual({
      status: 503,
      body: { error: "the broker stops" },
    })
  })
})

describe("activity", () => {
  test("tells of the loudest topics since somebody asks, and of the busiest clients since the time before", async () => {
    const wall = await connected("wall")
    wall.subscribes("#")
    const sensor = await connected("sensor")
    sensor.publishes({ topic: "before", payload: "1" })
    expect((await managed.asks("GET /v1/activity")).body).toMatchObject({ topics: [], clients: [] })
    for (const payload of ["1", "2", "3"]) sensor.publishes({ topic: "loud", payload })
    sensor.publishes({ topic: "quiet", payload: "1" })
    await managed.test.passes(2)
    expect((await managed.asks("GET /v1/activity?most=1")).body).toMatchObject({
      topics: [{ topic: "loud", messages: 3, bytes: 3 }],
      clients: [{ client: expect.stringMatching(/^(wall|sensor)$/) }],
    })
    await managed.test.passes(2)
    sensor.publishes({ topic: "loud", payload: "4" })
    sensor.publishes({ topic: "loud", payload: "5" })
    await managed.test.passes(2)
    const { body } = await managed.asks("GET /v1/activity")
    expect(body).toMatchObject({ topics: [{ topic: "loud", messages: 5 }, { topic: "quiet" }] })
    expect((body as { clients: unknown[] }).clients).toContainEqual(
      expect.objectContaining({ client: "sensor", publishedPerSecond: 0.5, deliveredPerSecond: 0 }),
    )
  })

  test("is watched by nobody once nobody has asked for ten seconds", async () => {
    const sensor = await connected("sensor")
    await managed.asks("GET /v1/activity")
    expect(managed.test.broker.subscriptions.size).toBe(1)
    await managed.test.passes(9)
    await managed.asks("GET /v1/activity")
    await managed.test.passes(9)
    expect(managed.test.broker.subscriptions.size).toBe(1)
    await managed.test.passes(2)
    expect(managed.test.broker.subscriptions.size).toBe(0)
    sensor.publishes({ topic: "a", payload: "1" })
    expect((await managed.asks("GET /v1/activity")).body).toMatchObject({ topics: [] })
  })
})

describe("what is asked wrongly", () => {
  const wrong: readonly (readonly [string, number, string])[] = [
    ["GET /v1/nothing", 404, "nothing answers to GET /v1/nothing"],
    ["POST /v1/status", 404, "nothing answers to POST /v1/status"],
    ["GET /v1/constructor", 404, "nothing answers to GET /v1/constructor"],
    ["GET /v1/client", 400, "client is missing"],
    ["GET /v1/retained", 400, "filter is missing"],
    ["GET /v1/retained?filter=a%23", 400, '"a#" is no topic filter'],
    ["GET /v1/retained?filter=a&older=-1", 400, "older must be a whole number"],
    ["GET /v1/retained-message?topic=a/%2B", 400, '"a/+" is no topic'],
    ["GET /v1/sessions?connected=yes", 400, "connected must be true or false"],
    ["GET /v1/activity?most=100000", 400, "most must be a whole number from 1 to 1000"],
    [`GET /v1/clients?client=${"*".repeat(1_025)}`, 400, "client is longer than 1024 characters"],
  ]
  test.each(wrong)("%s", async (words, status, sentence) => {
    const answered = await managed.asks(words)
    expect(answered.status).toBe(status)
    expect((answered.body as { error: string }).error).toStartWith(sentence)
  })
})
