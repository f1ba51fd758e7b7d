import { encodePacket } from "../../../src/protocol/encoder.ts"
import { type PacketId } from "../../../src/protocol/packet.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { FloodClient, publish, subscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"
import { inFlight, queuedMessages, receiveMaximum, unacknowledging, unreleasing } from "./never-released.ts"

await flood(async ({ port, effort }, findings) => {
  const most = receiveMaximum[effort]
  const clients = await FloodClient.crowd(unreleasing[effort], port, (index) => ({
    clientId: `keeps-${index}`,
  }))
  findings.is("Receive Maximum", clients[0]?.last("connack")?.properties.receiveMaximum, most)
  for (const client of clients) await publishAll(client, most)
  await Promise.all(clients.map((client) => client.until("pubrec", most)))
  findings.figure("messages never released", most * clients.length)
  await repeats(clients[0], most, findings)
  for (const client of clients) {
    client.send(publish("one/too/many", "", { qos: 2, packetId: packetIdOf(most + 1) }))
  }
  const ended = await Promise.all(clients.map((client) => client.isEnded()))
  findings.is("connections left of who sends one too many", ended.filter((each) => !each).length, 0)
  for (const client of clients) {
    const told = client.last("disconnect")?.reasonCode
    findings.is("told to who sends one too many", told, ReasonCode.receiveMaximumExceeded)
  }
  await deaf(port, unacknowledging[effort], findings)
})

async function publishAll(client: FloodClient, count: number): Promise<void> {
  const chunk: Uint8Array[] = []
  for (let number = 1; number <= count; number++) {
    const packetId = packetIdOf(number)
    chunk.push(encodePacket(publish("never/released", "", { qos: 2, packetId }), 5))
    if (chunk.length < 1_000 && number < count) continue
    client.sendBytes(Buffer.concat(chunk.splice(0)))
    await client.flowing()
  }
}

/** What was taken once is not routed again, only its PUBREC comes again [MQTT-4.3.3-10]. */
async function repeats(client: FloodClient | undefined, most: number, findings: Findings): Promise<void> {
  if (client === undefined) return
  for (const number of [1, most]) {
    client.send(publish("never/released", "", { qos: 2, dup: true, packetId: packetIdOf(number) }))
  }
  await client.ping()
  findings.is("PUBRECs for what was sent again", client.count("pubrec"), most + 2)
}

/** Each gets what may be in flight, has as much waiting as may wait, and the rest is dropped. */
async function deaf(port: number, count: number, findings: Findings): Promise<void> {
  const clients = await FloodClient.crowd(count, port, (index) => ({ clientId: `deaf-${index}` }))
  for (const client of clients) client.send(subscribe(["never/acknowledged"], 1))
  await Promise.all(clients.map((client) => client.until("suback", 1)))
  const publisher = await FloodClient.connect(port, { clientId: "publisher" })
  const messages = queuedMessages + 100
  for (let number = 1; number <= messages; number++) {
    publisher.send(publish("never/acknowledged", `${number}`, { qos: 1, packetId: packetIdOf(number) }))
    if (number % 20 === 0) await publisher.until("puback", number)
  }
  await publisher.until("puback", messages)
  await Promise.all(clients.map((client) => client.ping()))
  for (const client of clients) findings.is("messages in flight", client.count("publish"), inFlight)
  findings.figure("subscribers that never acknowledge", count)
  findings.figure("messages that wait for them", count * queuedMessages)
  await Promise.all([publisher, ...clients].map((client) => client.cut()))
}

function packetIdOf(number: number): PacketId {
  return number as PacketId
}
