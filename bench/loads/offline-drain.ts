import { Belt } from "../../src/client/belt.ts"
import { deafListener, type LoadClient } from "../../src/client/load-client.ts"
import { connectLoadClient } from "../load-client.ts"
import type { LoadOrder, LoadReport } from "../load-report.ts"
import type { OfflineDrain } from "../scenario-kinds.ts"
import { own, plainTraffic } from "../traffic.ts"
import { Meter } from "./meter.ts"
import { publishAll } from "./publish-all.ts"
import { settle } from "../../cli/bench/settle.ts"
import { SequenceCheck } from "./traffic-clients.ts"

/**
 * Only the way back is measured: connect, take everything, acknowledge it, leave. What fills the queues is not. See
 * `OfflineDrain`.
 */
export async function runOfflineDrain(drain: OfflineDrain, order: LoadOrder): Promise<LoadReport> {
  const sessions = Array.from({ length: drain.clients }, (_, index) => new AwaySession(index, drain, order))
  const together = (step: (session: AwaySession) => Promise<void>) => Promise.all(sessions.map(step))
  await together((session) => session.begin())
  const meter = new Meter(order.pid)
  let rounds = 0
  if (order.warmUpSeconds > 0) {
    await together((session) => session.fill())
    await together((session) => session.drain())
  }
  const budgetMs = order.seconds * 1000
  for (let measuredMs = 0; measuredMs < budgetMs; rounds++) {
    await together((session) => session.fill())
    const startedMs = performance.now()
    meter.start()
    await together((session) => session.drain())
    meter.stop()
    measuredMs += performance.now() - startedMs
  }
  const faults = sessions.reduce((sum, session) => sum + session.faults, 0)
  return meter.report(rounds * drain.clients * drain.messagesEach, { faults })
}

/** A session whose client is away while it is published to. */
class AwaySession {
  faults = 0

  readonly #index: number
  readonly #order: LoadOrder
  readonly #messages: number
  readonly #check: SequenceCheck
  readonly #belt: Belt

  constructor(index: number, { clients, messagesEach, payloadBytes }: OfflineDrain, order: LoadOrder) {
    this.#index = index
    this.#order = order
    this.#messages = messagesEach
    this.#check = new SequenceCheck(clients)
    const traffic = { ...plainTraffic, payloadBytes, topics: own, qos: 1 } as const
    this.#belt = new Belt(index, traffic, 4, 100)
  }

  async begin(): Promise<void> {
    const client = await this.#connect(() => {})
    await client.subscribe(own(this.#index), 1)
    await client.disconnect()
  }

  async fill(): Promise<void> {
    const client = await connectLoadClient(this.#order, { clientId: `publisher-${this.#index}` })
    await publishAll(client, this.#belt, this.#messages)
    await client.disconnect()
  }

  async drain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let missing = this.#messages
    const client = await this.#connect((bytes, start) => {
      if (!this.#check.isNext(bytes, start)) this.faults += 1
      missing -= 1
      if (missing === 0) resolve()
    })
    await Promise.race([promise, settle(() => missing)])
    // The broker closes when it has read all acknowledgements before the DISCONNECT, so they are measured too.
    await client.disconnect()
    this.faults += Math.abs(missing)
  }

  #connect(message: (bytes: Uint8Array, start: number) => void): Promise<LoadClient> {
    return connectLoadClient(this.#order, {
      clientId: `away-${this.#index}`,
      persistent: true,
      listener: { ...deafListener, message },
    })
  }
}
