import { encodePacket } from "../../../src/protocol/encoder.ts"
import type { FrameReader } from "../../../src/protocol/frame-reader.ts"
import type { PacketId } from "../../../src/protocol/packet.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { FloodClient, publish, subscribe } from "./flood-client.ts"
import { flood, type Findings } from "./flood-side.ts"

const publishers = 8
const payloadBytes = 32_768
const forEver = { sessionExpiryInterval: 0xffff_ffff }

/** Each sends as much as the socket takes and waits for no answer, to sessions whose clients are away. */
await flood(async ({ port, effort }, findings) => {
  const each = effort === "long" ? 5_000 : 200
  await Promise.all(Array.from({ length: publishers }, (_, index) => leave(port, index)))
  const startedAt = performance.now()
  const clients = await FloodClient.crowd(publishers, port, (index) => ({ clientId: `fast-${index}` }))
  await Promise.all(clients.map((client, index) => publishAll(client, index, each)))
  await Promise.all(clients.map((client) => client.until("puback", each)))
  const seconds = (performance.now() - startedAt) / 1000
  findings.figure("messages acknowledged", each * publishers)
  findings.figure("MB a second", (each * publishers * payloadBytes) / 1e6 / seconds)
  for (const client of clients) {
    findings.is("acknowledgements", client.count("puback"), each)
    await client.cut()
  }
  for (let index = 0; index < publishers; index++) await fetch(port, index, each, findings)
})

/** A session for what is published to `fast/INDEX`. */
async function leave(port: number, index: number): Promise<void> {
  const client = await FloodClient.connect(port, { clientId: `absent-${index}`, properties: forEver })
  client.send(subscribe([`fast/${index}`], 1))
  await client.until("suback", 1)
  await client.cut()
}

async function publishAll(client: FloodClient, index: number, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    const payload = Buffer.alloc(payloadBytes)
    payload.writeUInt32BE(number)
    client.send(publish(`fast/${index}`, payload, { qos: 1, packetId: number as PacketId }))
    await client.flowing()
  }
}

/** The session's client is back, and leaves for good when it has all that was acknowledged, in order. */
async function fetch(port: number, index: number, count: number, findings: Findings): Promise<void> {
  let last = 0
  const all = Promise.withResolvers<void>()
  const onPublish = (client: FloodClient, frame: FrameReader) => {
    const { bytes, bodyStart, bodyEnd } = frame
    const topicEnd = bodyStart + 2 + (((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0))
    const packetId = (((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0)) as PacketId
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bodyEnd - payloadBytes)
    if (number !== last + 1) findings.wrong(`fast/${index}: ${number} came behind ${last}`)
    last = number
    client.sendBytes(
      encodePacket({ type: "puback", packetId, reasonCode: ReasonCode.success, properties: {} }, 5),
    )
    if (number === count) all.resolve()
  }
  const client = await FloodClient.connect(port, {
    clientId: `absent-${index}`,
    cleanStart: false,
    properties: forEver,
    onPublish,
  })
  await Promise.race([all.promise, client.closed])
  findings.is(`messages that came of fast/${index}`, last, count)
  await client.ping()
  client.send({
    type: "disconnect",
    reasonCode: ReasonCode.normalDisconnection,
    properties: { sessionExpiryInterval: 0 },
  })
  await client.closed
}
