import { parseTopicName, type TopicName } from "../../src/protocol/topic.ts"
import { SimulatedDisk } from "../support/simulated-disk.ts"
import { SimulatedStore } from "../support/simulated-store.ts"
import { Chronicle, Violation } from "./chronicle.ts"
import { inspectRemains, inspectRest, inspectRetained, inspectSubscriptions } from "./inspection.ts"
import { Ledger } from "./ledger.ts"
import { own, topics } from "./persona.ts"
import { Random } from "./random.ts"
import { type Scenario, scenario } from "./scenario.ts"
import { type BrokerWatch, SimulatedBroker } from "./simulated-broker.ts"
import { type ClientSurroundings, SimulatedClient } from "./simulated-client.ts"

/** How a simulation ended; the violation comes with the story that led to it. */
export interface Outcome {
  readonly seed: number
  readonly violation: string | undefined
  readonly story: string
  /** Messages that came to applications. */
  readonly arrivals: number
  readonly crashes: number
}

const eventsKept = 40
/** Without faults something must arrive within so many rounds, until everything has. */
const idleRounds = 400
const settlingRounds = 10_000

/**
 * One seed, one story: clients that keep to the specification, on a network, a disk and a clock that do not. Each
 * step is one thing that happens; what the broker promised is checked throughout, and at the end when all faults are
 * over.
 */
export async function simulate(seed: number, steps: number, kept = eventsKept): Promise<Outcome> {
  const chronicle = new Chronicle(kept)
  const simulation = new Simulation(seed, chronicle)
  let violation: string | undefined
  try {
    await simulation.run(steps)
  } catch (error) {
    violation =
      error instanceof Violation ? error.message : String(error instanceof Error ? error.stack : error)
  }
  return { seed, violation, story: chronicle.toString(), ...simulation.sums }
}

/** What one turn may add to an output before anybody knows that it is full: answers, and as much for each message. */
const overshootBytes = 1_000
const messageBytes = 64

interface Act {
  readonly weight: number
  run(client: SimulatedClient): void | Promise<void>
}

class Simulation implements ClientSurroundings, BrokerWatch {
  readonly random: Random
  readonly chronicle: Chronicle
  readonly ledger: Ledger
  readonly #scenario: Scenario
  readonly #clients: readonly SimulatedClient[]
  readonly #acts: readonly Act[]
  #store: SimulatedStore
  #broker: SimulatedBroker
  #atRestStep = 0
  storeHasFailed = false

  constructor(seed: number, chronicle: Chronicle) {
    this.random = new Random(seed)
    this.chronicle = chronicle
    this.#scenario = scenario(this.random)
    const { limits, personas, behindMessages } = this.#scenario
    this.ledger = new Ledger(chronicle, limits)
    this.#store = new SimulatedStore(new SimulatedDisk(), behindMessages)
    this.#broker = this.#newBroker(Date.UTC(2026, 0, 1))
    this.#clients = personas.map((persona) => new SimulatedClient(persona, this))
    this.#acts = this.#actsOf(this.#scenario)
  }

  get sums(): { readonly arrivals: number; readonly crashes: number } {
    const { arrivals, crashes } = this.ledger
    return { arrivals, crashes }
  }

  async run(steps: number): Promise<void> {
    await this.#broker.broker.restore()
    for (let step = 0; step < steps; step++) await this.#step()
    this.chronicle.tell("--- the faults are over ---")
    await this.#settle()
    inspectRest(this.#broker, this.ledger, this.chronicle)
    await this.#determineRetained()
    inspectRest(this.#broker, this.ledger, this.chronicle)
    inspectSubscriptions(this.#broker, this.#clients, this.chronicle)
    await this.#checkNothingComesBack()
    await this.#checkNothingRemains()
  }

  // --- what the clients find around them ---

  get receiveMaximum(): number {
    return this.#scenario.limits.receiveMaximum
  }

  get storeIsFailing(): boolean {
    return this.#store.mood === "failed"
  }

  now(): number {
    return this.#broker.clock.now()
  }

  socket() {
    return this.#broker.socket()
  }

  dropped(...[client, why]: Parameters<BrokerWatch["dropped"]>): void {
    this.chronicle.tell(`the broker drops a message for ${client}: ${why}`)
    this.ledger.dropped(client, why)
  }

  bug(error: string): void {
    this.chronicle.blame(error)
  }

  // --- one thing after the other ---

  async #step(): Promise<void> {
    this.chronicle.nextStep()
    const client = this.random.pick(this.#clients)
    const act = this.random.weighted(this.#acts)
    if (client === undefined || act === undefined) return
    await act.run(client)
    this.#broker.clock.advance(this.random.between(0, 40))
    if (this.random.chance(0.6)) await this.#broker.endTurn()
    else await this.#broker.promises(this.random.between(0, 8))
    this.#lookAround()
  }

  #lookAround(): void {
    if (this.#store.isAtRest) this.#atRestStep = this.chronicle.step
    for (const client of this.#clients) {
      client.looksAround()
      const { unsentBytes } = client
      const { highWaterBytes, limits } = this.#scenario
      this.chronicle.check(
        unsentBytes <= highWaterBytes + overshootBytes + limits.inFlight * messageBytes,
        `${unsentBytes} bytes wait for ${client.name}, which does not read`,
      )
    }
    // Where the store could not drop the oldest message of a queue, that is longer than it should be.
    const mayOverflow = this.storeHasFailed && this.#scenario.limits.whenFull === "drop-oldest"
    const queuedMessages = mayOverflow ? Number.POSITIVE_INFINITY : this.#scenario.limits.queuedMessages
    for (const session of this.#broker.broker.sessions) {
      this.chronicle.check(
        session.load >= 0 && session.load <= queuedMessages,
        `the queue of ${session.clientId} has ${session.load} messages`,
      )
    }
  }

  #actsOf({ weights }: Scenario): readonly Act[] {
    const { random } = this
    return [
      { weight: 14, run: (client) => this.#visit(client) },
      { weight: 16, run: (client) => client.read() },
      { weight: 14, run: (client) => client.answer() },
      { weight: 14, run: (client) => this.#publish(client) },
      { weight: 14, run: () => this.#write() },
      { weight: 8, run: () => void this.#store.answer() },
      { weight: 3, run: (client) => client.stall(random.between(0, 60)) },
      { weight: 5, run: (client) => client.drain() },
      { weight: 1, run: (client) => client.ping() },
      { weight: 3, run: (client) => this.#change(client) },
      { weight: 1, run: (client) => client.farewell(client.persona.isFickle && random.chance(0.3)) },
      { weight: 1, run: (client) => client.connect(client.persona.isFickle && random.chance(0.3)) },
      { weight: weights.cut, run: (client) => (random.chance(0.5) ? client.cut() : client.cutNext()) },
      { weight: weights.crash, run: () => (random.chance(0.3) ? this.#crash() : undefined) },
      { weight: weights.storeFailure, run: () => this.#failStore() },
      { weight: weights.jump, run: () => this.#jump() },
    ]
  }

  /** Whoever is away comes back, and asks for what it wants. */
  #visit(client: SimulatedClient): void {
    const { random } = this
    if (!client.isConnected) return client.connect(client.persona.isFickle && random.chance(0.1))
    const wanted = random.pick(client.wanted)
    if (wanted !== undefined) client.subscribe(wanted)
  }

  #publish(anyone: SimulatedClient): void {
    const { random } = this
    const client = anyone.persona.publishes
      ? anyone
      : random.pick(this.#clients.filter(({ persona }) => persona.publishes))
    if (client === undefined) return
    for (let left = random.between(1, 3); left > 0; left--) {
      const qos = random.pick([0, 1, 1, 2, 2] as const)
      const expiry = random.chance(0.05) ? random.between(0, 30) : undefined
      if (random.chance(0.15))
        client.publish(this.#retainedTopicOf(client), qos, true, random.chance(0.4), undefined)
      else client.publish(topic(random.pick(topics)), qos, false, false, expiry)
    }
  }

  #write(): void {
    if (this.#store.mood === "failed" && this.random.chance(0.7)) return
    if (this.#store.mood === "failed" || this.#store.isWriting) this.chronicle.tell("the store commits")
    this.#store.commit()
  }

  #change(client: SimulatedClient): void {
    if (!client.persona.isFickle) return
    const held = this.random.pick(client.subscribed)
    if (held !== undefined && this.random.chance(0.5)) client.unsubscribe(held)
    else client.subscribe(own(this.random))
  }

  #failStore(): void {
    if (!this.#store.isWriting) return
    this.chronicle.tell("the store fails")
    this.storeHasFailed = true
    this.ledger.storeFailed()
    this.#store.fail("the disk is full")
    for (const client of this.#clients) client.storeFailed(this.#atRestStep)
  }

  #jump(): void {
    const seconds = this.random.pick([2, 11, 31, 70, 700, 8_000] as const)
    this.chronicle.tell(`${seconds} seconds pass`)
    this.#broker.clock.advance(seconds * 1000)
  }

  async #crash(): Promise<void> {
    this.chronicle.tell("the broker crashes")
    for (const client of this.#clients) client.crashed(this.#atRestStep)
    this.ledger.crashed()
    const nowMs = this.now() + this.random.between(0, 20_000)
    this.#store = this.#store.crash()
    this.#broker = this.#newBroker(nowMs)
    await this.#broker.broker.restore()
    for (const client of this.#clients) client.restarted()
    inspectRetained(this.#broker, this.ledger, this.chronicle)
  }

  #newBroker(nowMs: number): SimulatedBroker {
    const { limits, shareStrategy, highWaterBytes } = this.#scenario
    return new SimulatedBroker(this.#store, nowMs, limits, shareStrategy, { highWaterBytes }, this)
  }

  // --- when all faults are over ---

  /** Everyone comes back, reads and answers until nothing is left to say. */
  async #settle(): Promise<void> {
    let { arrivals } = this.ledger
    let idle = 0
    for (let round = 0; round < settlingRounds && idle < idleRounds; round++) {
      this.chronicle.nextStep()
      for (const client of this.#clients) {
        if (!client.isConnected) client.connect(false)
        client.drain()
        client.read()
        client.answer()
        for (const wanted of client.wanted) if (client.isOnline) client.subscribe(wanted)
      }
      this.#broker.clock.advance(20)
      await this.#broker.endTurn()
      this.#store.commit()
      this.#store.answer()
      await this.#broker.endTurn()
      this.#lookAround()
      if (this.#isQuiet && this.ledger.owed.length === 0) return
      idle = this.ledger.arrivals === arrivals ? idle + 1 : 0
      arrivals = this.ledger.arrivals
    }
    const [owed] = this.ledger.owed
    if (owed !== undefined) this.chronicle.blame(owed)
    inspectRest(this.#broker, this.ledger, this.chronicle)
    const restless = this.#clients.filter((client) => !client.isQuiet).map(({ name }) => name)
    this.chronicle.blame(`no rest in sight for ${restless.join(", ") || "the store"}`)
  }

  get #isQuiet(): boolean {
    return (
      this.#store.isAtRest &&
      !this.#store.isAsked &&
      this.#clients.every((client) => client.isQuiet) &&
      [...this.#broker.broker.sessions].every(({ load }) => load === 0)
    )
  }

  /** Where the last word on a retained topic was not acknowledged, there is another one. */
  async #determineRetained(): Promise<void> {
    for (const client of this.#clients) {
      if (!this.ledger.isRetainedSurely(this.#retainedTopicOf(client))) {
        await this.#retain(client, this.random.chance(0.5))
      }
    }
    inspectRetained(this.#broker, this.ledger, this.chronicle)
  }

  /** Publishes to the client's retained topic until that is acknowledged: a short queue may refuse it for a while. */
  async #retain(client: SimulatedClient, clears: boolean): Promise<void> {
    const retained = this.#retainedTopicOf(client)
    for (let attempt = 0; attempt < 20; attempt++) {
      client.publish(retained, 1, true, clears, undefined)
      await this.#settle()
      if (this.ledger.isRetainedSurely(retained)) return
    }
    this.chronicle.blame(`nothing can be published to ${retained}`)
  }

  /** After a crash in the middle of nothing the broker is as it was. */
  async #checkNothingComesBack(): Promise<void> {
    const { arrivals } = this.ledger
    const { size } = this.#broker.broker.retained
    await this.#crash()
    await this.#settle()
    this.chronicle.check(
      this.ledger.arrivals === arrivals,
      "a message was delivered again after a quiet crash",
    )
    this.chronicle.check(
      this.#broker.broker.retained.size === size,
      "retained messages came or went in a crash",
    )
  }

  /** When everyone is gone for good, nothing is left of them, in memory or on the disk. */
  async #checkNothingRemains(): Promise<void> {
    for (const client of this.#clients) {
      if (this.ledger.retainedTopics.includes(this.#retainedTopicOf(client))) await this.#retain(client, true)
    }
    for (const client of this.#clients) client.connect(true)
    await this.#settle()
    for (const client of this.#clients) client.farewell(true)
    for (let turn = 0; turn < 3; turn++) {
      await this.#broker.endTurn()
      this.#store.commit()
    }
    inspectRemains(this.#broker, this.chronicle)
  }

  #retainedTopicOf({ name }: SimulatedClient): TopicName {
    return topic(`r/${name}`)
  }
}

function topic(text: string): TopicName {
  const parsed = parseTopicName(text)
  if (parsed === undefined) throw new Error(`${text} is no topic name`)
  return parsed
}
