import { LoadClient } from "../load-client.ts"
import { residentBytes } from "../process-usage.ts"
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
  return grown(async ({ port }) => {
    for (let first = 0; first < count; first += 200) {
      await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const client = await LoadClient.connect({ tcpPort: port }, { clientId: `idle-${first + index}` })
          await client.subscribe([`idle/${first + index}`], 0)
        }),
      )
    }
  })
}

/** Ten absent clients' queues, filled over MQTT. */
function queuedInMemory(count: number): Promise<number> {
  const queues = 10
  return grown(async ({ port }) => {
    for (let queue = 0; queue < queues; queue++) {
      const absent = await LoadClient.connect(
        { tcpPort: port },
        { clientId: `absent-${queue}`, persistent: true },
      )
      await absent.subscribe([`queue/${queue}`], 1)
      absent.socket.end()
    }
    await Bun.sleep(100)
    for (let queue = 0; queue < queues; queue++) {
      const topic = `queue/${queue}`
      await new Flood(
        await LoadClient.connect({ tcpPort: port }, { clientId: `filling-${queue}` }),
        topic,
      ).publish(count / queues)
    }
  })
}

/** Publishes at QoS 1 as fast as it is acknowledged. */
class Flood {
  readonly #client: LoadClient
  readonly #frame: Uint8Array
  readonly #packetIdAt: number

  constructor(client: LoadClient, topic: string) {
    this.#client = client
    const utf8 = Buffer.from(topic)
    this.#packetIdAt = 4 + utf8.length
    this.#frame = new Uint8Array(this.#packetIdAt + 2 + 64)
    this.#frame.set([0x32, this.#frame.length - 2, 0, utf8.length])
    this.#frame.set(utf8, 4)
  }

  publish(count: number): Promise<void> {
    const window = 1_000
    const { promise, resolve } = Promise.withResolvers<void>()
    let sent = 0
    let acknowledged = 0
    const send = () => {
      for (; sent < count && sent - acknowledged < window; sent++) this.#send((sent % 65_535) + 1)
    }
    this.#client.tell({
      message: () => undefined,
      acknowledged: () => void (acknowledged += 1),
      endOfChunk: () => (acknowledged === count ? resolve() : send()),
    })
    send()
    return promise
  }

  #send(packetId: number): void {
    this.#frame.set([packetId >> 8, packetId & 0xff], this.#packetIdAt)
    this.#client.socket.output.append(this.#frame)
  }
}
