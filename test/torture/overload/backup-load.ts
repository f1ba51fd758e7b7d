import type { PacketId } from "../../../src/protocol/packet.ts"
import { kept, numbered, payloadBytes } from "./backup.ts"
import { FloodClient, publish, subscribe } from "./flood-client.ts"
import { flood } from "./flood-side.ts"

/** Leaves sessions behind, messages that wait for them, and retained ones: each of them is acknowledged. */
await flood(async ({ port, effort }, findings) => {
  const { absent, waiting, retained } = kept[effort]
  for (let index = 0; index < absent; index++) await leave(port, index)
  const client = await FloodClient.connect(port, { clientId: "filler" })
  let sent = 0
  const keep = (topic: string, number: number, retain: boolean) => {
    const packetId = ++sent as PacketId
    client.send(publish(topic, numbered(number), { qos: 1, retain, packetId }))
    return client.flowing()
  }
  for (let number = 1; number <= waiting; number++) {
    for (let index = 0; index < absent; index++) await keep(`waiting/${index}`, number, false)
  }
  for (let number = 1; number <= retained; number++) await keep(`retained/${number}`, number, true)
  await client.until("puback", sent)
  findings.is("messages acknowledged", client.count("puback"), sent)
  findings.figure("messages stored", sent)
  findings.figure("stored (MB)", (sent * payloadBytes) / 1e6)
  await client.cut()
})

async function leave(port: number, index: number): Promise<void> {
  const properties = { sessionExpiryInterval: 0xffff_ffff }
  const client = await FloodClient.connect(port, { clientId: `absent-${index}`, properties })
  client.send(subscribe([`waiting/${index}`], 1))
  await client.until("suback", 1)
  await client.cut()
}
