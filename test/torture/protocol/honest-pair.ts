import { type Client, connectClient } from "../../../src/client/client.ts"
import type { SubscribeRequest } from "../../../src/protocol/packet.ts"
import { patiently } from "../patience.ts"
import type { RoundTrips } from "./round-trips.ts"

/*
 * A process of its own, so that what is measured is the broker and not those who torment it: one client publishes to
 * the other, and again as soon as that has heard. Its arguments are a port and a topic. It says `ready` when it begins,
 * ends when its standard input does, and says what it saw: also that one of them was not answered, for no wait is for ever.
 */

const topic = process.argv[3] ?? ""
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
  await patiently(listener.subscribe([request]), "the subscription of the listener")
  const lost = listener.ended.then(({ why }) => {
    if (!order.isOver) throw new Error(`the listener lost its connection: ${why}`)
  })
  console.log("ready")
  while (!order.isOver) {
    heard = Promise.withResolvers<void>()
    const sentMs = performance.now()
    await patiently(roundTrip(speaker, Promise.race([heard.promise, lost])), "the end of a round trip")
    trips.longestMs = Math.max(trips.longestMs, performance.now() - sentMs)
    trips.count += 1
  }
  await patiently(Promise.all([listener.disconnect(), speaker.disconnect()]), "the leave of both")
}

async function roundTrip(speaker: Client, heard: Promise<void>): Promise<void> {
  await Promise.all([speaker.publish({ topic, payload: new Uint8Array(16), qos: 1 }), heard])
}
