import { LoadClient, type LoadClientOptions } from "../../src/client/load-client.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import { CommandError } from "../output.ts"
import { oneLine } from "./one-line.ts"
import type { Plan, Server } from "./plan.ts"

/** Connections that may be opening at a time: a listener's backlog takes no more than a few hundred. */
const longestQueue = 100

/** The clients of a load: opened at a bounded rate, kept alive, and all closed at the end. */
export class Crowd {
  readonly #server: Server
  readonly #plan: Plan
  readonly #clients = new Set<LoadClient>()
  #pings: ReturnType<typeof setInterval> | undefined
  #count = 0
  #opening: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(server: Server, plan: Plan) {
    this.#server = server
    this.#plan = plan
  }

  /**
   * Ends early when the crowd is closed meanwhile.
   *
   * @param welcome what each does before it counts as there
   * @throws CommandError when one of them is refused; the others are then closed
   */
  async open(
    count: number,
    welcome: (client: LoadClient, index: number) => Promise<void>,
    options: (index: number) => Partial<LoadClientOptions> = () => ({}),
  ): Promise<void> {
    const isOver = () => this.#isClosed
    this.#opening = paced(count, this.#plan.connectsPerSecond, isOver, async (index) => {
      const client = await this.#connect(options(index))
      if (this.#isClosed) return client.disconnect()
      this.#clients.add(client)
      await welcome(client, index)
    })
    await this.#opening.catch((error: unknown) => {
      const stood = this.#clients.size
      throw oneLine(error, stood === 0 ? "" : `connection ${stood + 1} of ${count}: `)
    })
    if (!this.#isClosed) this.#keepAlive()
  }

  /** Says goodbye to the broker on all of them, those too that are only coming, and waits until it has heard. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#pings)
    const clients = [...this.#clients]
    this.#clients.clear()
    await Promise.all(clients.map((client) => client.disconnect()))
    // What went wrong there is told by `open`.
    await this.#opening.catch(() => {})
  }

  #connect(options: Partial<LoadClientOptions>): Promise<LoadClient> {
    const { target, username, password } = this.#server
    this.#count += 1
    return LoadClient.connect(target, {
      version: this.#plan.version,
      clientId: `${this.#plan.idPrefix}-${this.#count}`,
      username,
      password,
      keepAliveSeconds: this.#plan.keepAliveSeconds,
      ...options,
    })
  }

  #keepAlive(): void {
    const seconds = [...this.#clients].map(({ terms }) => terms.keepAliveSeconds).filter((each) => each > 0)
    clearInterval(this.#pings)
    if (seconds.length === 0) return
    this.#pings = setInterval(
      () => {
        for (const client of this.#clients) client.ping()
      },
      Math.min(...seconds) * 500,
    )
  }
}

/** @throws CommandError when the broker grants less than that */
export async function subscribeTo(client: LoadClient, filters: readonly string[], qos: Qos): Promise<void> {
  const granted = await client.subscribe(filters, qos)
  if (granted < qos)
    throw new CommandError(`the broker grants no more than QoS ${granted}: try -q ${granted}`)
}

/**
 * Runs something for each index below `count`, so many of them a second, and no more than a hundred at a time, until it
 * is over.
 *
 * @throws what the first of them threw, when all that had begun are over
 */
async function paced(
  count: number,
  perSecond: number,
  isOver: () => boolean,
  run: (index: number) => Promise<void>,
): Promise<void> {
  const startedMs = performance.now()
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  for (let index = 0; index < count && failures.length === 0; index++) {
    const earlyMs = startedMs + (index / perSecond) * 1000 - performance.now()
    if (earlyMs > 1) await Bun.sleep(earlyMs)
    if (running.size >= longestQueue) await Promise.race(running)
    if (isOver()) break
    const one = run(index)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(one))
    running.add(one)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}
