import type { PacketId } from "../../../src/protocol/packet.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { FloodClient, publish, subscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"
import { dying, mostKept } from "./wills-and-retained.ts"

await flood(async ({ port, effort }, findings) => {
  await dieTogether(port, dying[effort], findings)
  await retainTooMany(port, effort === "long" ? 50_000 : 3_000, findings)
  await retainTooMuch(port, findings)
})

async function dieTogether(port: number, count: number, findings: Findings): Promise<void> {
  const listener = await FloodClient.connect(port, { clientId: "mourner" })
  listener.send(subscribe(["wills/#"]))
  await listener.until("suback", 1)
  const clients = await FloodClient.crowd(count, port, (index) => ({
    clientId: `mortal-${index}`,
    will: { topic: `wills/${index}`, payload: Buffer.from("gone"), qos: 1, retain: false, properties: {} },
  }))
  await Promise.all(clients.map((client) => client.cut()))
  await listener.until("publish", count)
  await listener.ping()
  findings.is("wills that came", listener.count("publish"), count)
  findings.figure("wills at once", count)
  await listener.cut()
}

/** Beyond the limit each is refused, and whoever listens to what was there has lost nothing. */
async function retainTooMany(port: number, count: number, findings: Findings): Promise<void> {
  const client = await FloodClient.connect(port, { clientId: "hoarder" })
  const answers = new Map<ReasonCode, number>()
  for (let number = 0; number < count; number++) {
    const before = client.count("puback")
    client.send(publish(`hoard/${number}`, "x", { retain: true, qos: 1, packetId: packetIdOf(number) }))
    // Each answer is looked at around the limit; what is far beyond it comes as fast as it can.
    if (number < 2 * mostKept) {
      await client.until("puback", before + 1)
      const code = client.last("puback")?.reasonCode ?? ReasonCode.unspecifiedError
      answers.set(code, (answers.get(code) ?? 0) + 1)
    } else if (number % 500 === 0) await client.flowing()
  }
  await client.until("puback", count)
  await client.ping()
  const kept = 2 * mostKept - (answers.get(ReasonCode.quotaExceeded) ?? 0)
  findings.figure("retained messages beyond the limit", count - kept)
  findings.is("retained messages refused with another code", answers.size, 2)
  if (kept < mostKept - 200 || kept > mostKept + 200) findings.wrong(`${kept} retained messages were taken`)

  const reader = await FloodClient.connect(port, { clientId: "reader" })
  reader.send(subscribe(["hoard/#"]))
  await reader.until("publish", kept)
  await reader.ping()
  findings.is("retained messages that are there", reader.count("publish"), kept)
  for (let number = 0; number < kept; number++) client.send(publish(`hoard/${number}`, "", { retain: true }))
  await client.ping()
  await Promise.all([client.cut(), reader.cut()])
}

/** The bytes of all of them are bounded as well; at QoS 0 whoever listens gets what is not kept all the same. */
async function retainTooMuch(port: number, findings: Findings): Promise<void> {
  const client = await FloodClient.connect(port, { clientId: "hoarder" })
  const listener = await FloodClient.connect(port, { clientId: "listener" })
  listener.send(subscribe(["large/#"]))
  await listener.until("suback", 1)
  const payload = Buffer.alloc(100_000)
  const count = 50
  for (let number = 0; number < count; number++)
    client.send(publish(`large/${number}`, payload, { retain: true }))
  await client.ping()
  await listener.until("publish", count)
  findings.is("messages that came, kept or not", listener.count("publish"), count)
  const reader = await FloodClient.connect(port, { clientId: "reader" })
  reader.send(subscribe(["large/#"]))
  await reader.until("suback", 1)
  await reader.ping()
  findings.is("large retained messages that are there", reader.count("publish"), 9)
  for (let number = 0; number < count; number++) client.send(publish(`large/${number}`, "", { retain: true }))
  await client.ping()
  await Promise.all([client, listener, reader].map((each) => each.cut()))
}

function packetIdOf(number: number): PacketId {
  return ((number % 65_535) + 1) as PacketId
}
