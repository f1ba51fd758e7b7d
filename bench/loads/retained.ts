import { Belt, readFour, stamp } from "../../src/client/belt.ts"
import { deafListener } from "../../src/client/load-client.ts"
import { connectLoadClient } from "../load-client.ts"
import type { LoadOrder, LoadReport } from "../load-report.ts"
import type { Retained } from "../scenario-kinds.ts"
import { plainTraffic } from "../traffic.ts"
import { Meter } from "./meter.ts"
import { publishAll } from "./publish-all.ts"
import { settle } from "../../cli/bench/settle.ts"

/** Topics are two levels wide: so many of the second below each of the first. */
const roomsOnFloor = 1_000

/** What the publishing costs is not measured: see `Retained`. */
export async function runRetained(retained: Retained, order: LoadOrder): Promise<LoadReport> {
  await retain(retained, order)
  let faults = 0
  let takers = 0
  const takeAllFor = async (seconds: number): Promise<void> => {
    const endMs = performance.now() + seconds * 1000
    do {
      faults += await takeAll(retained.messages, order, takers++)
    } while (performance.now() < endMs)
  }
  await takeAllFor(order.warmUpSeconds)
  const takersBefore = takers
  const meter = new Meter(order.pid)
  meter.start()
  await takeAllFor(order.seconds)
  meter.stop()
  return meter.report((takers - takersBefore) * retained.messages, { faults })
}

async function retain({ messages, payloadBytes }: Retained, order: LoadOrder): Promise<void> {
  const client = await connectLoadClient(order, { clientId: "publisher" })
  const topics = () => Array.from({ length: messages }, (_, index) => topicOf(index))
  const belt = new Belt(0, { ...plainTraffic, payloadBytes, topics, qos: 1, retain: true }, client.version, 1)
  await publishAll(client, belt, messages)
  await client.disconnect()
}

function topicOf(index: number): string {
  const floor = String(Math.floor(index / roomsOnFloor)).padStart(4, "0")
  return `floor/${floor}/room/${String(index % roomsOnFloor).padStart(4, "0")}/temperature`
}

/** @returns how many of the retained messages did not come or came twice */
async function takeAll(messages: number, order: LoadOrder, taker: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const seen = new Uint8Array(messages)
  let missing = messages
  let doubled = 0
  const message = (bytes: Uint8Array, start: number) => {
    const index = readFour(bytes, start + stamp.sequence)
    if (seen[index] !== 0) return void (doubled += 1)
    seen[index] = 1
    missing -= 1
    if (missing === 0) resolve()
  }
  const client = await connectLoadClient(order, {
    clientId: `taker-${taker}`,
    listener: { ...deafListener, message },
  })
  await client.subscribe(["#"], 0)
  await Promise.race([promise, settle(() => missing)])
  await client.disconnect()
  return missing + doubled
}
