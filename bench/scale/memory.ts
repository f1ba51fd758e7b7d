import { publishAll } from "../loads/publish-all.ts"
import { residentBytes } from "../process-usage.ts"
import { beltOf, connected, connectedMany, disconnected } from "./clients.ts"
import type { Figure, Figures, Progress } from "./figures.ts"
import type { Filling } from "./filling.ts"
import { type Running, start, withFilled } from "./running.ts"

/** The engine gives back in the background what only the work before needed. */
const settlingMs = 4_000

/** What one of each costs in resident memory: many of them, less the same broker without. */
export async function measureMemory(progress: Progress): Promise<Figures> {
  const figures: Figure[] = []
  const measure = async (what: string, count: number, cost: Promise<number>) => {
    progress(`memory: ${what}`)
    figures.push({ "one of": what, count, bytes: Math.round((await cost) / count) })
  }
  const at = async (filling: Partial<Filling>) => withFilled(filling, residentAfterStart)
  const empty = await at({})
  const sessions = await at({ sessions: 100_000 })
  await measure("TCP connection, MQTT 3.1.1, one subscription, idle", 10_000, connections(10_000))
  await measure("stored session without a connection", 100_000, Promise.resolve(sessions - empty))
  const exact = at({ sessions: 100_000, subscriptions: 10 })
  await measure(
    "stored subscription",
    1_000_000,
    exact.then((bytes) => bytes - sessions),
  )
  const retained = at({ retained: 1_000_000 })
  await measure(
    "retained message of 64 bytes",
    1_000_000,
    retained.then((bytes) => bytes - empty),
  )
  const queued = at({ sessions: 10, queued: 1_000_000, queues: 10 })
  await measure(
    "queued QoS 1 message of 64 bytes, on disk",
    1_000_000,
    queued.then((bytes) => bytes - empty),
  )
  await measure("queued QoS 1 message of 64 bytes, in memory alone", 1_000_000, queuedInMemory(1_000_000))
  return figures
}

async function residentAfterStart(directory: string): Promise<number> {
  const broker = await start(directory)
  await Bun.sleep(settlingMs)
  const bytes = residentBytes(broker.pid)
  await broker.stop()
  return bytes
}

async function grown(work: (broker: Running) => Promise<unknown>): Promise<number> {
  const broker = await start()
  const before = residentBytes(broker.pid)
  await work(broker)
  await Bun.sleep(settlingMs)
  const bytes = residentBytes(broker.pid) - before
  await broker.stop()
  return bytes
}

function connections(count: number): Promise<number> {
  return grown(({ port }) => connectedMany(port, count, (index) => `idle/${index}`))
}

/** Ten absent clients' queues, filled over MQTT. */
function queuedInMemory(count: number): Promise<number> {
  const queues = 10
  return grown(async ({ port }) => {
    for (let queue = 0; queue < queues; queue++) {
      const absent = await connected(port, `absent-${queue}`, true)
      await absent.subscribe([`queue/${queue}`], 1)
      await disconnected(absent)
      const publisher = await connected(port, `filling-${queue}`)
      await publishAll(publisher, beltOf([`queue/${queue}`], 1, false, 1_000), count / queues)
    }
  })
}
