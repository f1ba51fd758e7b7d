import { noProperties } from "../../src/protocol/properties.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import { Belt } from "../../src/client/belt.ts"
import type { LoadClient } from "../../src/client/load-client.ts"
import { connectLoadClient } from "../load-client.ts"
import { inBatches } from "../loads/in-batches.ts"

export const payloadBytes = 64

/** Whoever is connected: a broker that closed on one of them would be taken for one that failed. */
const guests = new Set<LoadClient>()

/** @param persistent its session was there before, or is to stay */
export async function connected(port: number, clientId: string, persistent = false): Promise<LoadClient> {
  const doors = { tcpPort: port, tlsPort: undefined, webSocketPort: undefined }
  const client = await connectLoadClient(doors, { clientId, persistent })
  guests.add(client)
  return client
}

export async function disconnected(client: LoadClient): Promise<void> {
  guests.delete(client)
  await client.disconnect()
}

/** To be called before a broker is stopped. */
export async function everyoneDisconnected(): Promise<void> {
  await Promise.all([...guests].map(disconnected))
}

/** Clients that each have one subscription. */
export async function connectedMany(
  port: number,
  count: number,
  filterOf: (index: number) => string,
): Promise<LoadClient[]> {
  const clients: LoadClient[] = []
  await inBatches(count, async (index) => {
    const client = await connected(port, `one-of-many-${index}`)
    await client.subscribe([filterOf(index)], 0)
    clients.push(client)
  })
  return clients
}

/** @param topics all of one length */
export function beltOf(topics: readonly string[], qos: Qos, retain: boolean, burst: number): Belt {
  const traffic = {
    topics: () => topics,
    qos,
    payloadBytes,
    properties: noProperties,
    aliases: false,
    retain,
  }
  return new Belt(0, traffic, 4, burst)
}
