import { deafListener, LoadClient } from "../load-client.ts"
import { runDelayMs } from "../process-usage.ts"
import type { Figure, Figures, Progress } from "./figures.ts"
import { clientIdOf, type Filling } from "./filling.ts"
import { type Running, start, withFilled } from "./running.ts"
import { SteadyLoad } from "./steady.ts"
import { percentiles, type SteadyReport } from "./steady-load.ts"

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

function figureOf(what: string, report: SteadyReport, waitedMs: number): Figure {
  const names = percentiles.map((share) => `p${share * 100}, ms`)
  return {
    "what happens": what,
    ...Object.fromEntries(report.percentilesMs.map((value, index) => [names[index], rounded(value)])),
    "longest, ms": rounded(report.maximumMs),
    "load's own longest stall, ms": rounded(report.ownStallMs),
    "broker waited for a core, ms": rounded(waitedMs),
    delivered: report.received,
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}

async function connectMany(port: number, count: number): Promise<void> {
  const clients: LoadClient[] = []
  while (clients.length < count) {
    const batch = Array.from({ length: 100 }, async (_, index) => {
      const number = clients.length + index
      const client = await LoadClient.connect({ tcpPort: port }, { clientId: `many-${number}` })
      await client.subscribe([`many/${number}/+`], 0)
      return client
    })
    clients.push(...(await Promise.all(batch)))
  }
  for (const client of clients) client.socket.end()
  await Bun.sleep(1_000)
}

/** Not `#`, for that would bring the steady load as well. */
async function takeAll(port: number): Promise<void> {
  const taker = await Taker.connect(port, "taker", true)
  await taker.client.subscribe(["site/#"], 0)
  await taker.untilQuiet()
}

async function drain(port: number): Promise<void> {
  const taker = await Taker.connect(port, clientIdOf(0), false)
  await taker.untilQuiet()
}

class Taker {
  readonly client: LoadClient
  #taken = 0

  private constructor(client: LoadClient) {
    this.client = client
  }

  static async connect(port: number, clientId: string, cleanStart: boolean): Promise<Taker> {
    const listener = { ...deafListener, message: () => void 0 }
    const client = await LoadClient.connect(
      { tcpPort: port },
      { clientId, persistent: !cleanStart, listener },
    )
    const taker = new Taker(client)
    listener.message = () => void (taker.#taken += 1)
    return taker
  }

  async untilQuiet(): Promise<void> {
    for (let before = -1; before !== this.#taken;) {
      before = this.#taken
      await Bun.sleep(500)
    }
    this.client.socket.end()
  }
}

async function queueUp(port: number): Promise<void> {
  const publisher = await LoadClient.connect({ tcpPort: port }, { clientId: "queueing" })
  const topic = Buffer.from("site/1/absent/1/command/0")
  const frame = new Uint8Array(6 + topic.length + 64)
  frame.set([0x32, frame.length - 2, 0, topic.length])
  frame.set(topic, 4)
  for (let step = 0; step < phaseMs / 10; step++) {
    for (let each = 0; each < 50; each++) {
      const packetId = ((step * 50 + each) % 65_535) + 1
      frame.set([packetId >> 8, packetId & 0xff], 4 + topic.length)
      publisher.socket.output.append(frame)
    }
    await Bun.sleep(10)
  }
  publisher.socket.end()
}

async function changeSubscriptions(port: number): Promise<void> {
  const client = await LoadClient.connect({ tcpPort: port }, { clientId: "changing" })
  for (let step = 0; step < phaseMs / 100; step++) {
    await client.subscribe([`changing/${step}/+`], 0)
    await Bun.sleep(100)
  }
  client.socket.end()
}
