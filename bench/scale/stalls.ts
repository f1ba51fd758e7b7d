import { deafListener, type LoadClient } from "../../src/client/load-client.ts"
import { runDelayMs } from "../process-usage.ts"
import { beltOf, connected, connectedMany, disconnected } from "./clients.ts"
import type { Figure, Figures, Progress } from "./figures.ts"
import { clientIdOf, type Filling } from "./filling.ts"
import { type Running, start, withFilled } from "./running.ts"
import { SteadyLoad } from "./steady.ts"
import type { SteadyReport } from "./steady-load.ts"

const messagesPerSecond = 40_000
const phaseMs = 5_000
/** From the filling until the first of them expire: by then the broker must serve, and the phases before be over. */
const untilExpiryMs = 90_000
const betweenExpiriesMs = 12_000

/**
 * What delays messages under a steady load while the broker has much on board and much to do: from the moment a
 * message was due until it was delivered.
 */
export async function measureStalls(progress: Progress): Promise<Figures> {
  progress("stalls: filling the store")
  const expiryMs = Date.now() + untilExpiryMs
  const filling: Partial<Filling> = {
    retained: 1_000_000,
    sessions: 100_000,
    subscriptions: 2,
    queued: 1_000_000,
    queues: 10,
    sessionsExpiring: 10_000,
    sessionsExpireAtMs: expiryMs,
    retainedExpiring: 100_000,
    retainedExpireAtMs: expiryMs + betweenExpiriesMs,
  }
  return withFilled(filling, async (directory) => {
    progress("stalls: starting the broker")
    const broker = await start(directory, ["mqtt.sys_interval_seconds=2"])
    const load = await SteadyLoad.start({
      port: broker.port,
      pairs: 100,
      topicsPerPair: 1,
      messagesPerSecond,
    })
    try {
      return await runPhases(broker, load, expiryMs, progress)
    } finally {
      await load.stop()
      await broker.stop()
    }
  })
}

async function runPhases(
  broker: Running,
  load: SteadyLoad,
  expiryMs: number,
  progress: Progress,
): Promise<Figures> {
  const figures: Figure[] = []
  const phase = async (what: string, happen: () => Promise<unknown>) => {
    progress(`stalls: ${what}`)
    await load.report()
    const waitedMs = runDelayMs(broker.pid)
    await happen()
    const report = await load.report()
    const figure = figureOf(what, report, runDelayMs(broker.pid) - waitedMs)
    progress(`  ${JSON.stringify(figure)}`)
    figures.push(figure)
  }
  await phase("warming up", () => Bun.sleep(phaseMs))
  await phase("nothing but $SYS every 2 s", () => Bun.sleep(phaseMs))
  await phase("1,000 clients connect and subscribe", () => connectMany(broker.port, 1_000))
  await phase("a client subscribes to all of 1,000,000 retained", () => takeAll(broker.port))
  await phase("an absent client's queue of 100,000 drains", () => drain(broker.port))
  await phase("QoS 1 for absent clients, 5,000 a second, with checkpoints", () => queueUp(broker.port))
  await phase("a subscription changes every 100 ms", () => changeSubscriptions(broker.port))
  if (Date.now() > expiryMs) throw new Error("the machine is too slow: sessions expired before their phase")
  await Bun.sleep(expiryMs - Date.now() - 1_000)
  await phase("10,000 sessions expire", () => Bun.sleep(phaseMs))
  await Bun.sleep(expiryMs + betweenExpiriesMs - Date.now() - 1_000)
  await phase("100,000 retained messages expire", () => Bun.sleep(phaseMs))
  return figures
}

function figureOf(what: string, { latency, sentLate, received }: SteadyReport, waitedMs: number): Figure {
  return {
    "what happens": what,
    "p50, ms": rounded(latency.p50),
    "p99, ms": rounded(latency.p99),
    "p99.9, ms": rounded(latency.p999),
    "longest, ms": rounded(latency.maximum),
    "load itself late by, ms": rounded(sentLate),
    "broker waited for a core, ms": rounded(waitedMs * 1000),
    delivered: received,
  }
}

function rounded(microseconds: number): number {
  return Math.round(microseconds / 10) / 100
}

async function connectMany(port: number, count: number): Promise<void> {
  const clients = await connectedMany(port, count, (index) => `many/${index}/+`)
  for (const client of clients) await disconnected(client)
  await Bun.sleep(500)
}

/** Not `#`, for that would bring the steady load as well. */
async function takeAll(port: number): Promise<void> {
  const taker = await Taker.connect(port, "taker", false)
  await taker.client.subscribe(["site/#"], 0)
  await taker.untilQuiet()
}

async function drain(port: number): Promise<void> {
  const taker = await Taker.connect(port, clientIdOf(0), true)
  await taker.untilQuiet()
}

class Taker {
  readonly client: LoadClient
  #taken = 0

  private constructor(client: LoadClient) {
    this.client = client
  }

  static async connect(port: number, clientId: string, persistent: boolean): Promise<Taker> {
    const taker = new Taker(await connected(port, clientId, persistent))
    taker.client.tell({ ...deafListener, message: () => void (taker.#taken += 1) })
    return taker
  }

  async untilQuiet(): Promise<void> {
    for (let before = -1; before !== this.#taken;) {
      before = this.#taken
      await Bun.sleep(500)
    }
    await disconnected(this.client)
  }
}

async function queueUp(port: number): Promise<void> {
  const publisher = await connected(port, "queueing")
  const belt = beltOf(["site/1/absent/1/command/0"], 1, false, 50)
  for (let step = 0; step < phaseMs / 10; step++) {
    belt.write(publisher.socket.output, 50)
    await Bun.sleep(10)
  }
  await disconnected(publisher)
}

async function changeSubscriptions(port: number): Promise<void> {
  const client = await connected(port, "changing")
  for (let step = 0; step < phaseMs / 100; step++) {
    await client.subscribe([`changing/${step}/+`], 0)
    await Bun.sleep(100)
  }
  await disconnected(client)
}
