import { connectClient } from "../../../src/client/client.ts"
import type { SubscribeRequest } from "../../../src/protocol/packet.ts"
import type { RoundTrips } from "./round-trips.ts"

/*
 * A process of its own, so that what is measured is the broker and not those who torment it: one client publishes to
 * the other, and again as soon as that has heard. Its argument is a port. It says `ready` when it begins, ends when its
 * standard input does, and says what it saw.
 */

const topic = "honest/pair"
const request: SubscribeRequest = {
  filter: topic,
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
}

const trips = { count: 0, longestMs: 0, lost: undefined as string | undefined }
const order = { isOver: false }
const port = Number(process.argv[2])
const isTold = Bun.stdin.text().then(() => void (order.isOver = true))
try {
  await measure()
} catch (error) {
  trips.lost = String(error)
}
await isTold
console.log(JSON.stringify(trips satisfies RoundTrips))

async function measure(): Promise<void> {
  let heard = Promise.withResolvers<void>()
  const target = { scheme: "tcp", host: "127.0.0.1", port } as const
  const common = { version: 5, keepAliveSeconds: 0 } as const
  const onMessage = () => heard.resolve()
  const listener = await connectClient(target, { ...common, clientId: "honest-listener", onMessage })
  const speaker = await connectClient(target, { ...common, clientId: "honest-speaker" })
  await listener.subscribe([request])
  const lost = listener.ended.then(({ why }) => {
    if (!order.isOver) throw new Error(`the listener lost its connection: ${why}`)
  })
  console.log("ready")
  while (!order.isOver) {
    heard = Promise.withResolvers<void>()
    const sentMs = performance.now()
    await speaker.publish({ topic, payload: new Uint8Array(16), qos: 1 })
    await Promise.race([heard.promise, lost])
    trips.longestMs = Math.max(trips.longestMs, performance.now() - sentMs)
    trips.count += 1
  }
  await Promise.all([listener.disconnect(), speaker.disconnect()])
}
