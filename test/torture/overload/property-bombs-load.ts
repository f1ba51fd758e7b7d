import type { Packet } from "../../../src/protocol/packet.ts"
import type { UserProperty } from "../../../src/protocol/properties.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { FloodClient, onePacketId, publish, subscribe, unsubscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"

await flood(async ({ port, effort }, findings) => {
  const rounds = effort === "long" ? 10 : 1
  const inConnect = pairs(40_000, "")
  // In the long trial as many as fit into ten megabytes.
  const thrown = bombs(effort === "long" ? 1_500_000 : 150_000)
  for (let round = 0; round < rounds; round++) {
    for (const packet of thrown) await throws(port, packet, findings)
    const client = await FloodClient.connect(port, {
      clientId: "bomber",
      properties: { userProperties: inConnect },
    })
    findings.is("the connection of who throws a bomb is ended", await client.isEnded(), true)
    findings.is(
      "told to who connects with 40,000 user properties",
      client.last("connack")?.reasonCode,
      ReasonCode.quotaExceeded,
    )
    findings.count("bombs")
  }
  await carries(port, effort === "long" ? 20_000 : 1_000, findings)
  await isCalledMuch(port, effort === "long" ? 20_000 : 1_000, findings)
})

function bombs(size: number): Packet[] {
  const properties = { userProperties: pairs(size, "") }
  const filters = Array.from({ length: size }, () => "a")
  const [request] = requestsOf("a")
  return [
    publish("bomb", "", { properties }),
    {
      type: "subscribe",
      packetId: onePacketId,
      requests: request === undefined ? [] : [request],
      properties,
    },
    { type: "unsubscribe", packetId: onePacketId, filters: ["a"], properties },
    { type: "puback", packetId: onePacketId, reasonCode: ReasonCode.success, properties },
    { type: "disconnect", reasonCode: ReasonCode.normalDisconnection, properties },
    subscribe(filters),
    unsubscribe(filters),
  ]
}

/** The connection is closed on whoever does. */
async function throws(port: number, packet: Packet, findings: Findings): Promise<void> {
  const client = await FloodClient.connect(port, { clientId: "bomber" })
  client.send(packet)
  findings.is("the connection of who throws a bomb is ended", await client.isEnded(), true)
  const told = client.last("disconnect")?.reasonCode
  findings.is(`told to who sends a ${packet.type} that is too full`, told, ReasonCode.quotaExceeded)
  findings.count("bombs")
}

/** As much as a message may carry reaches whoever listens. */
async function carries(port: number, count: number, findings: Findings): Promise<void> {
  const listener = await FloodClient.connect(port, { clientId: "listener" })
  listener.send(subscribe(["laden"]))
  await listener.until("suback", 1)
  const client = await FloodClient.connect(port, { clientId: "carrier" })
  const properties = {
    userProperties: pairs(128, "a property of some length"),
    correlationData: new Uint8Array(2_000),
    responseTopic: "a".repeat(1_000),
    contentType: "b".repeat(1_000),
  }
  const startedAt = performance.now()
  for (let number = 0; number < count; number++) {
    client.send(publish("laden", "", { properties }))
    if (number % 50 === 49) await Promise.all([client.flowing(), listener.until("publish", number - 50)])
  }
  await client.ping()
  await listener.until("publish", count)
  findings.is("laden messages that came", listener.count("publish"), count)
  findings.figure("a laden message (ms)", (performance.now() - startedAt) / count)
  const large = { correlationData: new Uint8Array(65_535) }
  for (let number = 0; number < 20; number++) client.send(publish("laden", "", { properties: large }))
  await listener.until("publish", count + 20)
  await Promise.all([client.cut(), listener.cut()])
}

/** A thousand overlapping subscriptions with an identifier each: every message names them all [MQTT-3.3.4-4]. */
async function isCalledMuch(port: number, count: number, findings: Findings): Promise<void> {
  const listener = await FloodClient.connect(port, { clientId: "overlapping" })
  for (let identifier = 1; identifier <= 126; identifier++) {
    listener.send(
      subscribe([`called/${"+/".repeat(identifier)}#`], 0, { identifier: 268_435_455 - identifier }),
    )
  }
  await listener.until("suback", 126)
  const client = await FloodClient.connect(port, { clientId: "caller" })
  const topic = `called/${"a/".repeat(126)}a`
  for (let number = 0; number < count; number++) {
    client.send(publish(topic, ""))
    if (number % 100 === 99) await listener.until("publish", number - 500)
  }
  await client.ping()
  await listener.until("publish", count)
  findings.is("messages that name 126 subscriptions", listener.count("publish"), count)
  await Promise.all([client.cut(), listener.cut()])
}

function pairs(count: number, text: string): UserProperty[] {
  return Array.from({ length: count }, () => [text, text] as const)
}

function requestsOf(filter: string) {
  const packet = subscribe([filter])
  return packet.type === "subscribe" ? packet.requests : []
}
