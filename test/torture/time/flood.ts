import { connectClient } from "../../../src/client/client.ts"
import type { ConnectTarget } from "../../../src/transport/connect.ts"

/** So many that hardly a slot of a table of 32,768 stays empty. */
const floodedTopics = 150_000

/**
 * Publishes to topics that nobody listens to, so that what remembers topics is full before anything is measured: a
 * table that fills looks like a leak.
 */
export async function floodOfTopics(target: ConnectTarget): Promise<void> {
  const client = await connectClient(target, { version: 5, clientId: "flood" })
  const payload = new Uint8Array(0)
  for (let index = 0; index < floodedTopics; index++) {
    await client.whenWritable()
    void client.publish({ topic: `flood/${index}`, payload, qos: 0 })
  }
  // Read to here, all of it has been read.
  await client.publish({ topic: "flood", payload, qos: 1 })
  await client.disconnect()
  await client.ended
}
