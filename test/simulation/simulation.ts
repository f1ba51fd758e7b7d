import { unreachable } from "../../src/foundation/assert.ts"
import { parseTopicName, type TopicName } from "../../src/protocol/topic.ts"
import { Chronicle, Violation } from "./chronicle.ts"
import {
  inspectRemains,
  inspectRest,
  inspectRetained,
  inspectSessions,
  inspectSubscriptions,
} from "./inspection.ts"
import { own, topics } from "./persona.ts"
import { Random } from "../support/random.ts"
import { type Scenario, scenario } from "./scenario.ts"
import type { SimulatedClient } from "./simulated-client.ts"
import { type FaultKind, Weather } from "./weather.ts"
import { World } from "./world.ts"

/** How a simulation ended; the violation comes with the story that led to it. */
export interface Outcome {
  readonly seed: number
  readonly violation: string | undefined
  readonly story: string
  /** What it was made of: messages delivered, and each kind of fault. */
  readonly figures: Readonly<Record<string, number>>
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
  return { seed, violation, story: chronicle.toString(), figures: simulation.figures }
}

/** The command line that tells this story again, and in full. */
export function commandFor(seed: number, steps: number): string {
  return `npm run simulate -- --seed ${seed} --steps ${steps}`
}

/** What one turn may add to an output before anybody knows that it is full: answers, and as much for each message. */
const overshootBytes = 1_000
const messageBytes = 64

interface Act {
  readonly weight: number
  run(client: SimulatedClient): void | Promise<void>
}

class Simulation {
  readonly #random: Random
  readonly #chronicle: Chronicle
  readonly #scenario: Scenario
  readonly #world: World
  readonly #weather: Weather
  readonly #acts: readonly Act[]

  constructor(seed: number, chronicle: Chronicle) {
    this.#random = new Random(seed)
    this.#chronicle = chronicle
    this.#scenario = scenario(this.#random)
    this.#world = new World(this.#random, chronicle, this.#scenario)
    this.#weather = new Weather(this.#random, this.#scenario.climate)
    this.#acts = this.#allActs()
  }

  get figures(): Readonly<Record<string, number>> {
    const { ledger, figures } = this.#world
    return { "messages delivered": ledger.arrivals, storms: this.#weather.storms, ...figures.all }
  }

  async run(steps: number): Promise<void> {
    const { broker } = this.#world.broker
    await broker.restore()
    for (let step = 0; step < steps; step++) await this.#step()
    this.#chronicle.tell("--- the faults are over ---")
    this.#world.healDisk()
    await this.#settle()
    this.#inspectRest()
    await this.#determineRetained()
    this.#inspectRest()
    inspectSubscriptions(this.#world.broker, this.#clients, this.#chronicle)
    await this.#checkNothingComesBack()
    await this.#checkNothingRemains()
  }

  get #clients(): readonly SimulatedClient[] {
    return this.#world.clients
  }

  #inspectRest(): void {
    inspectRest(this.#world.broker, this.#world.ledger, this.#chronicle)
  }

  // --- one thing after the other ---

  async #step(): Promise<void> {
    const random = this.#random
    this.#chronicle.nextStep()
    const client = random.pick(this.#clients)
    const act = random.weighted(this.#acts)
    if (client === undefined || act === undefined) return
    await act.run(client)
    const fault = this.#weather.strikes(client.isDelicate)
    if (fault !== undefined) await this.#befall(fault, client)
    this.#world.pass(random.between(0, 40))
    const { broker } = this.#world
    if (random.chance(0.6)) await broker.endTurn()
    else await broker.promises(random.between(0, 8))
    this.#lookAround()
  }

  #lookAround(): void {
    const { broker, storeHasFailed } = this.#world
    this.#world.looksAround()
    for (const client of this.#clients) {
      const { unsentBytes } = client
      const { highWaterBytes, limits } = this.#scenario
      this.#chronicle.check(
        unsentBytes <= highWaterBytes + overshootBytes + limits.inFlight * messageBytes,
        `${unsentBytes} bytes wait for ${client.name}, which does not read`,
      )
    }
    inspectSessions(broker, this.#clients, this.#chronicle)
    // Where the store could not drop the oldest message of a queue, that is longer than it should be.
    const mayOverflow = storeHasFailed && this.#scenario.limits.whenFull === "drop-oldest"
    const queuedMessages = mayOverflow ? Number.POSITIVE_INFINITY : this.#scenario.limits.queuedMessages
    for (const session of broker.broker.sessions) {
      this.#chronicle.check(
        session.load >= 0 && session.load <= queuedMessages,
        `the queue of ${session.clientId} has ${session.load} messages`,
      )
    }
  }

  #allActs(): readonly Act[] {
    const random = this.#random
    return [
      { weight: 14, run: (client) => this.#visit(client) },
      { weight: 16, run: (client) => client.read() },
      { weight: 14, run: (client) => client.answer() },
      { weight: 14, run: (client) => this.#publish(client) },
      { weight: 14, run: () => this.#world.write() },
      { weight: 8, run: () => void this.#world.store.answer() },
      { weight: 2, run: (client) => client.stall(random.between(0, 60)) },
      { weight: 5, run: (client) => client.drain() },
      { weight: 1, run: (client) => client.ping() },
      { weight: 3, run: (client) => this.#change(client) },
      { weight: 1, run: (client) => client.farewell(client.persona.isFickle && random.chance(0.3)) },
      { weight: 1, run: (client) => client.connect(client.persona.isFickle && random.chance(0.3)) },
      { weight: 1, run: (client) => (random.chance(0.5) ? client.cut() : client.cutNext()) },
      { weight: 6, run: (client) => this.#endOneWay(client) },
    ]
  }

  async #befall(fault: FaultKind, client: SimulatedClient): Promise<void> {
    const random = this.#random
    const { figures } = this.#world
    switch (fault) {
      case "cut":
        figures.count("cuts")
        return random.chance(0.5) ? client.cut() : client.cutNext()
      case "cut of several":
        figures.count("cuts of several at once")
        for (const each of this.#clients) if (random.chance(0.6)) each.cut()
        return
      case "one-way cut":
        if (client.isConnected) figures.count("one-way cuts")
        return client.lose(random.pick(["there", "back"] as const))
      case "stall":
        figures.count("stalls of several at once")
        for (const each of this.#clients) if (random.chance(0.6)) each.stall(random.between(0, 60))
        return
      case "leap":
        return this.#world.leap(false)
      case "leap to a date":
        return this.#world.leap(true)
      case "wall put back":
        return this.#world.putWall("back")
      case "wall put forward":
        return this.#world.putWall("forward")
      case "crash":
        return await this.#world.crash()
      case "restart":
        return await this.#world.restart()
      case "store failure":
        this.#world.failStore(random.between(1, 40))
        return this.#leaveUnnoted()
      case "store lost":
        return await this.#world.loseStore()
      case "slow disk":
        return this.#world.slowDisk(random.between(5, 60))
      default:
        return unreachable(fault)
    }
  }

  /** Some go while the disk can note nothing of them. */
  #leaveUnnoted(): void {
    const random = this.#random
    if (!this.#world.storeIsFailing || random.chance(0.5)) return
    for (const client of this.#clients) {
      if (random.chance(0.7)) continue
      if (client.isOnline) this.#world.figures.count("gone while the store fails")
      if (random.chance(0.5)) client.farewell(false)
      else client.cut()
    }
  }

  /** What went one way only goes both ways again, or none. */
  #endOneWay(client: SimulatedClient): void {
    if (!client.isOneWay) return
    if (this.#random.chance(0.5)) client.heal()
    else client.cut()
  }

  /** Whoever is away comes back, and asks for what it wants. */
  #visit(client: SimulatedClient): void {
    const random = this.#random
    if (!client.isConnected) return client.connect(client.persona.isFickle && random.chance(0.1))
    const wanted = random.pick(client.wanted)
    if (wanted !== undefined) client.subscribe(wanted)
  }

  #publish(anyone: SimulatedClient): void {
    const random = this.#random
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

  #change(client: SimulatedClient): void {
    if (!client.persona.isFickle) return
    const held = this.#random.pick(client.subscribed)
    if (held !== undefined && this.#random.chance(0.5)) client.unsubscribe(held)
    else client.subscribe(own(this.#random))
  }

  // --- when all faults are over ---

  /** Everyone comes back, reads and answers until nothing is left to say. */
  async #settle(): Promise<void> {
    let { arrivals } = this.#world.ledger
    let idle = 0
    for (let round = 0; round < settlingRounds && idle < idleRounds; round++) {
      this.#chronicle.nextStep()
      for (const client of this.#clients) {
        client.heal()
        if (!client.isConnected) client.connect(false)
        client.drain()
        client.read()
        client.answer()
        for (const wanted of client.wanted) if (client.isOnline) client.subscribe(wanted)
      }
      this.#world.pass(20)
      await this.#world.broker.endTurn()
      this.#world.store.commit()
      this.#world.store.answer()
      await this.#world.broker.endTurn()
      this.#lookAround()
      if (this.#isQuiet && this.#world.ledger.owed.length === 0) return
      idle = this.#world.ledger.arrivals === arrivals ? idle + 1 : 0
      arrivals = this.#world.ledger.arrivals
    }
    const [owed] = this.#world.ledger.owed
    if (owed !== undefined) this.#chronicle.blame(owed)
    this.#inspectRest()
    const restless = this.#clients.filter((client) => !client.isQuiet).map(({ name }) => name)
    this.#chronicle.blame(`no rest in sight for ${restless.join(", ") || "the store"}`)
  }

  get #isQuiet(): boolean {
    return (
      this.#world.store.isAtRest &&
      !this.#world.store.isAsked &&
      this.#clients.every((client) => client.isQuiet) &&
      [...this.#world.broker.broker.sessions].every(({ load }) => load === 0)
    )
  }

  /** Where the last word on a retained topic was not acknowledged, there is another one. */
  async #determineRetained(): Promise<void> {
    for (const client of this.#clients) {
      if (!this.#world.ledger.isRetainedSurely(this.#retainedTopicOf(client))) {
        await this.#retain(client, this.#random.chance(0.5))
      }
    }
    inspectRetained(this.#world.broker, this.#world.ledger, this.#chronicle)
  }

  /** Publishes to the client's retained topic until that is acknowledged: a short queue may refuse it for a while. */
  async #retain(client: SimulatedClient, clears: boolean): Promise<void> {
    const retained = this.#retainedTopicOf(client)
    for (let attempt = 0; attempt < 20; attempt++) {
      client.publish(retained, 1, true, clears, undefined)
      await this.#settle()
      if (this.#world.ledger.isRetainedSurely(retained)) return
    }
    this.#chronicle.blame(`nothing can be published to ${retained}`)
  }

  /** After a crash in the middle of nothing the broker is as it was. */
  async #checkNothingComesBack(): Promise<void> {
    const { arrivals } = this.#world.ledger
    const { size } = this.#world.broker.broker.retained
    await this.#world.crash()
    await this.#settle()
    this.#chronicle.check(
      this.#world.ledger.arrivals === arrivals,
      "a message was delivered again after a quiet crash",
    )
    this.#chronicle.check(
      this.#world.broker.broker.retained.size === size,
      "retained messages came or went in a crash",
    )
  }

  /** When everyone is gone for good, nothing is left of them, in memory or on the disk. */
  async #checkNothingRemains(): Promise<void> {
    for (const client of this.#clients) {
      if (this.#world.ledger.retainedTopics.includes(this.#retainedTopicOf(client)))
        await this.#retain(client, true)
    }
    for (const client of this.#clients) client.connect(true)
    await this.#settle()
    for (const client of this.#clients) client.farewell(true)
    for (let turn = 0; turn < 3; turn++) {
      await this.#world.broker.endTurn()
      this.#world.store.commit()
    }
    inspectRemains(this.#world.broker, this.#chronicle)
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
