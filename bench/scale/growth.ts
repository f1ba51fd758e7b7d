import { publishAll } from "../loads/publish-all.ts"
import { cpuMicroseconds } from "../process-usage.ts"
import { beltOf, connected } from "./clients.ts"
import type { Figure, Figures, Progress } from "./figures.ts"
import { retainedTopicOf } from "./filling.ts"
import { type Running, start, withFilled } from "./running.ts"
import { SteadyLoad } from "./steady.ts"
import type { SteadyOrder } from "./steady-load.ts"

const messagesPerSecond = 20_000
const warmUpMs = 2_000
const measuredMs = 3_000
/** A prime: topics in an order that is none of theirs. */
const stride = 7_919

/** What a message, a retained message and a subscription cost in CPU time as there is more and more of everything. */
export async function measureGrowth(progress: Progress): Promise<Figures> {
  const figures: Figure[] = []
  const note = (what: string, count: number, microseconds: number) => {
    const figure = { "what is measured": what, "of how many": count, "CPU, µs": rounded(microseconds) }
    progress(`growth: ${JSON.stringify(figure)}`)
    figures.push(figure)
  }
  for (const pairs of [1, 10, 100, 1_000, 5_000]) {
    note("message, by connections", 2 * pairs, await perMessage(await start(), { pairs, topicsPerPair: 1 }))
  }
  for (const sessions of [1, 100, 10_000, 100_000]) {
    await withFilled({ sessions, subscriptions: 10 }, async (directory) => {
      const order = { pairs: 100, topicsPerPair: 100 }
      const still = await perMessage(await start(directory), order)
      note("message, by subscriptions of others", sessions * 10, still)
      const changing = await perMessage(await start(directory), order, changeSubscriptions)
      note("message, by subscriptions of others, ten changes a second", sessions * 10, changing)
    })
  }
  for (const retained of [10, 1_000, 100_000, 1_000_000]) {
    await withFilled({ retained }, async (directory) => {
      const broker = await start(directory)
      note("retained message published, by retained messages", retained, await perRetained(broker, retained))
      note("narrow subscription, by retained messages", retained, await perSubscription(broker, retained))
      await broker.stop()
    })
  }
  return figures
}

/** @param meanwhile is done over and over until it is told to stop */
async function perMessage(
  broker: Running,
  order: Pick<SteadyOrder, "pairs" | "topicsPerPair">,
  meanwhile?: (port: number, isOver: () => boolean) => Promise<void>,
): Promise<number> {
  const load = await SteadyLoad.start({ ...order, port: broker.port, messagesPerSecond })
  let isOver = false
  const other = meanwhile?.(broker.port, () => isOver)
  await Bun.sleep(warmUpMs)
  await load.report()
  const before = cpuMicroseconds(broker.pid)
  await Bun.sleep(measuredMs)
  const { received } = await load.report()
  const spent = cpuMicroseconds(broker.pid) - before
  isOver = true
  await other
  await load.stop()
  await broker.stop()
  return spent / received
}

async function changeSubscriptions(port: number, isOver: () => boolean): Promise<void> {
  const client = await connected(port, "changing")
  for (let step = 0; !isOver(); step++) {
    await client.subscribe([`changing/${step}/+`], 0)
    await Bun.sleep(100)
  }
}

/** Publishes over and over to topics that have a retained message, all over the tree. */
async function perRetained({ port, pid }: Running, retained: number): Promise<number> {
  const topics = Array.from({ length: Math.min(retained, 20_000) }, (_, number) => {
    return retainedTopicOf((number * stride) % retained)
  })
  const client = await connected(port, "retaining")
  const belt = beltOf(topics, 1, true, topics.length)
  await publishAll(client, belt, 20_000)
  const before = cpuMicroseconds(pid)
  const count = 60_000
  await publishAll(client, belt, count)
  return (cpuMicroseconds(pid) - before) / count
}

/** Subscribes in turn to ten filters that have one retained message each. */
async function perSubscription({ port, pid }: Running, retained: number): Promise<number> {
  const client = await connected(port, "narrow")
  const filters = Array.from({ length: 10 }, (_, number) => {
    return retainedTopicOf((number * stride) % retained).replace("state", "+")
  })
  const subscribe = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (const filter of filters) await client.subscribe([filter], 0)
    }
  }
  await subscribe(100)
  const before = cpuMicroseconds(pid)
  const rounds = 200
  await subscribe(rounds)
  return (cpuMicroseconds(pid) - before) / rounds / filters.length
}

function rounded(microseconds: number): number {
  return Math.round(microseconds * 1_000) / 1_000
}
