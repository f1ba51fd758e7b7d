import { type AddressInfo, connect, createServer } from "node:net"
import { decodePacket } from "../../src/protocol/decoder.ts"
import { FrameReader } from "../../src/protocol/frame-reader.ts"
import type { Packet, ProtocolVersion } from "../../src/protocol/packet.ts"

/** A door to a broker that remembers what went in. */
export interface Overheard {
  readonly port: number
  /** The packets of each connection, in order, when both sides have closed it. */
  heard(): Promise<readonly (readonly Packet[])[]>
}

const suback = 0x90

/** @param whenSubscribed called when the broker has answered a SUBSCRIBE */
export async function overhear(brokerPort: number, whenSubscribed: () => void): Promise<Overheard> {
  const connections: Promise<readonly Packet[]>[] = []
  const server = createServer((client) => {
    const chunks: Buffer[] = []
    const broker = connect(brokerPort, "127.0.0.1")
    client.on("data", (chunk: Buffer) => chunks.push(chunk))
    // The broker's answers are short, and come one packet at a time in all that is asked here.
    broker.on("data", (chunk: Buffer) => chunk[0] === suback && whenSubscribed())
    client.pipe(broker)
    broker.pipe(client)
    for (const socket of [client, broker]) {
      socket.on("error", () => {
        client.destroy()
        broker.destroy()
      })
    }
    const closed = new Promise<void>((resolve) => client.on("close", () => resolve()))
    connections.push(closed.then(() => packetsIn(Buffer.concat(chunks))))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async heard() {
      const all = await Promise.all(connections)
      server.close()
      return all
    },
  }
}

function packetsIn(bytes: Uint8Array): readonly Packet[] {
  const frames = new FrameReader(268_435_460)
  frames.append(bytes)
  const packets: Packet[] = []
  let version: ProtocolVersion = 4
  while (frames.next()) {
    const { firstByte, bytes: buffer, bodyStart, bodyEnd } = frames
    const packet = decodePacket(firstByte, buffer, bodyStart, bodyEnd, version)
    if (packet.type === "connect") version = packet.version
    packets.push(packet)
  }
  return packets
}
