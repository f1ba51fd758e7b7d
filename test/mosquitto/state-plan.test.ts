import { describe, expect, test } from "bun:test"
import { parseDatabase } from "../../src/mosquitto/database.ts"
import type { PlannedSession } from "../../src/mosquitto/planned-state.ts"
import { planState } from "../../src/mosquitto/state-plan.ts"
import { packetIdOf } from "../../src/session/outgoing.ts"
import { DatabaseFile } from "./database-file.ts"

const nowMs = 1_700_000_000_000
const now = nowMs / 1000

function plan(file: DatabaseFile, sessionUser?: string) {
  return planState(parseDatabase(file.bytes, "m.db"), {
    file: "m.db",
    nowMs,
    sessionUser,
    isBridge: (clientId) => clientId === "local.bridge",
  })
}

function onlySession(file: DatabaseFile): PlannedSession {
  const { sessions, problems } = plan(file)
  expect(problems).toEqual([])
  const [session] = sessions
  if (session === undefined || sessions.length > 1) throw new Error(`${sessions.length} sessions`)
  return session
}

/** Topic, QoS and packet identifier of each, and whether only PUBREL is left. */
function queueOf({ queue }: PlannedSession) {
  return queue.map(({ publish, qos, sequence, released }) => {
    return `${publish.topicName} ${qos} ${packetIdOf(sequence)}${released ? " released" : ""}`
  })
}

describe("sessions", () => {
  test("belong to their users, and end when they would have", () => {
    const file = new DatabaseFile()
      .client("for-ever", { username: "alice" })
      .client("an-hour", { interval: 3600, expiresAt: now + 600 })
      .client("connected", { interval: 3600 })
    const { sessions } = plan(file)
    const records = sessions.map(({ record }) => ({
      clientId: String(record.clientId),
      username: record.username,
      expiryIntervalSeconds: record.expiryIntervalSeconds,
      disconnectedAtMs: record.disconnectedAtMs,
    }))
    expect(records).toEqual([
      {
        clientId: "for-ever",
        username: "alice",
        expiryIntervalSeconds: 0xffff_ffff,
        disconnectedAtMs: nowMs,
      },
      {
        clientId: "an-hour",
        username: undefined,
        expiryIntervalSeconds: 3600,
        disconnectedAtMs: nowMs - 3_000_000,
      },
      { clientId: "connected", username: undefined, expiryIntervalSeconds: 3600, disconnectedAtMs: nowMs },
    ])
  })

  test("that would last for ever end when persistent_client_expiration lets them", () => {
    const [session] = plan(new DatabaseFile().client("c", { expiresAt: now + 600 })).sessions
    expect(session?.record).toMatchObject({ expiryIntervalSeconds: 600, disconnectedAtMs: nowMs })
  })

  test("of bridges are left out, and what waits for them is counted", () => {
    const file = new DatabaseFile()
      .message(1, "t", "x")
      .client("local.bridge")
      .clientMessage("local.bridge", 1, "queued")
    const { sessions, problems } = plan(file)
    expect(sessions).toEqual([])
    expect(problems.map(({ what }) => what)).toEqual([
      "the session local.bridge of a bridge is left out, with 1 messages that wait for it",
    ])
  })

  test("that are over are left out", () => {
    const file = new DatabaseFile()
      .client("over", { interval: 60, expiresAt: now - 1 })
      .client("over as well", { expiresAt: now })
      .client("with its connection", { interval: 0 })
    const { sessions, notes } = plan(file)
    expect(sessions).toEqual([])
    expect(notes).toEqual(["sessions that are over, and were left out: 3"])
  })

  test("of a version 5 file are anonymous clients', or whose the caller says", () => {
    const file = new DatabaseFile(5).client("c").subscription("c", "a")
    expect(plan(file).problems[0]?.what).toContain("does not say whose the sessions are")
    const { sessions, problems } = plan(file, "alice")
    expect(sessions[0]?.record.username).toBe("alice")
    expect(problems).toEqual([])
    // One of version 6 without a name is an anonymous client's.
    expect(plan(new DatabaseFile(6).client("c"), "alice").sessions[0]?.record.username).toBeUndefined()
  })

  test("keep the options of their subscriptions, share groups and identifiers", () => {
    const file = new DatabaseFile()
      .client("c")
      .subscription("c", "$share/g/a/+", { qos: 2, options: 0x04 | 0x20, identifier: 9 })
      .subscription("c", "b/#", { qos: 0, options: 0x08 | 0x10 })
    expect(onlySession(file).subscriptions as unknown).toEqual([
      {
        filter: "a/+",
        shareName: "g",
        qos: 2,
        noLocal: true,
        retainAsPublished: false,
        retainHandling: 2,
        subscriptionIdentifier: 9,
      },
      {
        filter: "b/#",
        shareName: undefined,
        qos: 0,
        noLocal: false,
        retainAsPublished: true,
        retainHandling: 1,
        subscriptionIdentifier: 0,
      },
    ])
  })

  test("lose what is no subscription, and say so", () => {
    const file = new DatabaseFile().client("c").subscription("c", "a/#/b").subscription("c", "a", { qos: 3 })
    const { sessions, problems } = plan(file)
    expect(sessions[0]?.subscriptions).toEqual([])
    expect(problems.map(({ what }) => what)).toEqual([
      'the subscription of c to "a/#/b" is none, and is left out',
      'the subscription of c to "a" is none, and is left out',
    ])
  })
})

describe("messages that wait for a client", () => {
  test("come in their order, those on their way under the packet identifiers they went out with", () => {
    const file = new DatabaseFile()
      .message(1, "one", "1", { qos: 2 })
      .message(2, "two", "2")
      .message(3, "three", "3", { qos: 2 })
      .message(4, "four", "4")
      .client("c")
      .clientMessage("c", 1, "waitForPubcomp", { packetId: 41, qos: 2 })
      .clientMessage("c", 2, "waitForPuback", { packetId: 42 })
      .clientMessage("c", 3, "waitForPubrec", { packetId: 44, qos: 2 })
      .clientMessage("c", 4, "queued", { packetId: 45 })
      .clientMessage("c", 2, "queued", { packetId: 46 })
      .subscription("c", "#")
    const session = onlySession(file)
    expect(queueOf(session)).toEqual(["one 2 41 released", "two 1 42", "three 2 44", "four 1 45", "two 1 46"])
    expect(session.sentUpTo).toBe(session.queue[2]?.sequence ?? 0)
  })

  test("keep their identifiers across the end of the range [2.2.1]", () => {
    const file = new DatabaseFile().message(1, "t", "", { qos: 2 }).client("c").subscription("c", "#")
    for (const packetId of [65_534, 65_535, 1, 2])
      file.clientMessage("c", 1, "waitForPubrec", { packetId, qos: 2 })
    expect(queueOf(onlySession(file))).toEqual(["t 2 65534", "t 2 65535", "t 2 1", "t 2 2"])
  })

  test("on their way in an order that no counter gives may come twice, and that is said", () => {
    const file = new DatabaseFile().message(1, "t", "", { qos: 2 }).client("c").subscription("c", "#")
    for (const packetId of [9, 8, 7]) file.clientMessage("c", 1, "waitForPubrec", { packetId, qos: 2 })
    const { sessions, problems } = plan(file)
    const [session] = sessions
    expect(session?.queue.map(({ sequence }) => sequence)).toEqual([8, 65_542, 65_543])
    expect(problems.map(({ what }) => what)).toEqual([
      "messages in flight to c stand in another order than their identifiers: one may come twice",
    ])
  })

  test("carry their properties, expiry, RETAIN and subscription identifier", () => {
    const file = new DatabaseFile()
      .message(1, "t", "x", { expiry: now + 60, properties: "072600016b000176" })
      .client("c")
      .subscription("c", "t")
      .clientMessage("c", 1, "queued", { retain: 1, properties: "020b07" })
    const [queued] = onlySession(file).queue
    expect(queued?.retain).toBe(true)
    expect(queued?.subscriptionIdentifiers).toEqual([7])
    expect(queued?.publish.message.expiresAtMs).toBe(nowMs + 60_000)
    expect(Buffer.from(queued?.publish.message.properties ?? []).toString("hex")).toBe("2600016b000176")
    expect(queued?.publish.message.publisher).toMatchObject({
      origin: "client",
      clientId: "pub",
      username: undefined,
    })
  })

  test("and have expired are left out, unless they are on their way", () => {
    const file = new DatabaseFile()
      .message(1, "t", "x", { qos: 2, expiry: now - 1 })
      .client("c")
      .subscription("c", "t")
      .clientMessage("c", 1, "waitForPubcomp", { packetId: 3, qos: 2 })
      .clientMessage("c", 1, "queued", { packetId: 4, qos: 2 })
    expect(queueOf(onlySession(file))).toEqual(["t 2 3 released"])
    expect(plan(file).notes).toEqual(["messages that have expired, and were left out: 1"])
  })

  test("whose message is missing are left out, and that is said once", () => {
    const file = new DatabaseFile()
      .client("c")
      .subscription("c", "t")
      .clientMessage("c", 8, "queued")
      .clientMessage("c", 8, "queued")
    const { sessions, problems } = plan(file)
    expect(sessions[0]?.queue).toEqual([])
    expect(problems.map(({ what }) => what)).toEqual([
      "a message for c is left out, for the message itself (8) is not there",
    ])
  })
})

describe("a message received at QoS 2 that its publisher has not released", () => {
  const received = () =>
    new DatabaseFile()
      .message(1, "news", "late", { qos: 2, retain: 1, clientId: "writer" })
      .client("writer")
      .client("reader")
      .clientMessage("writer", 1, "waitForPubrel", { packetId: 300, qos: 2, direction: 0 })
      .subscription("writer", "news", { options: 4 })
      .subscription("reader", "news", { qos: 1, identifier: 3 })
      .subscription("reader", "#", { qos: 2, options: 8 })

  test("goes to its subscribers once, and its identifier is kept, so that PUBREL gives it to nobody again [4.3.3]", () => {
    const { sessions, retained } = plan(received())
    const [writer, reader] = sessions
    expect(writer?.identifiers as unknown).toEqual([300])
    expect(writer?.queue).toEqual([])
    expect(
      reader?.queue.map(({ qos, retain, subscriptionIdentifiers }) => ({
        qos,
        retain,
        subscriptionIdentifiers,
      })),
    ).toEqual([{ qos: 2, retain: true, subscriptionIdentifiers: [3] }])
    expect(retained.map(({ topic }) => String(topic.name))).toEqual(["news"])
  })

  test("goes to one member of a share group [4.8.2]", () => {
    const file = received().client("one").client("two")
    for (const member of ["one", "two"]) file.subscription(member, "$share/g/news")
    const counts = plan(file).sessions.map(({ record, queue }) => `${record.clientId} ${queue.length}`)
    expect(counts).toEqual(["writer 0", "reader 1", "one 1", "two 0"])
  })
})

describe("retained messages", () => {
  test("are the last of their topics; empty, expired and Mosquitto's own ones are none", () => {
    const file = new DatabaseFile()
      .message(1, "kept", "x", { retain: 1 })
      .message(2, "empty", "", { retain: 1 })
      .message(3, "over", "x", { retain: 1, expiry: now - 1 })
      .message(4, "$SYS/broker/uptime", "x", { retain: 1 })
      .message(5, "kept", "y", { retain: 1 })
    for (const storeId of [1, 2, 3, 4, 5]) file.retained(storeId)
    const { retained } = plan(file)
    expect(
      retained.map(({ topic, payload, retain }) => `${topic.name} ${Buffer.from(payload)} ${retain}`),
    ).toEqual(["kept y true"])
  })

  test("whose topic is none are left out, and said", () => {
    const { retained, problems } = plan(new DatabaseFile().message(1, "a/+", "x", { retain: 1 }).retained(1))
    expect(retained).toEqual([])
    expect(problems.map(({ what }) => what)).toEqual([
      'a message has the topic "a/+" and QoS 1, and is left out',
    ])
  })
})
