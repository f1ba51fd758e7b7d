import type { MemorySocket } from "../support/memory-socket.ts"
import { SimulatedDisk } from "../support/simulated-disk.ts"
import { SimulatedStore } from "../support/simulated-store.ts"
import type { Chronicle } from "./chronicle.ts"
import { Figures } from "./figures.ts"
import { inspectRetained } from "./inspection.ts"
import { Ledger } from "./ledger.ts"
import type { Random } from "../support/random.ts"
import type { Scenario } from "./scenario.ts"
import { type BrokerWatch, SimulatedBroker } from "./simulated-broker.ts"
import { type ClientSurroundings, SimulatedClient } from "./simulated-client.ts"

const yearMs = 31_536_000_000
/** By how much somebody puts a clock back or forward: a leap second's worth, a time zone, a battery that is empty. */
const putByMs = [900, 31_000, 3_600_000, 86_400_000, 30 * yearMs] as const

/** A broker, its disk and its clock, with clients around it: what may happen to them, and who is told. */
export class World implements ClientSurroundings, BrokerWatch {
  readonly random: Random
  readonly chronicle: Chronicle
  readonly ledger: Ledger
  readonly clients: readonly SimulatedClient[]
  readonly figures = new Figures()
  readonly #scenario: Scenario
  #store: SimulatedStore
  #broker: SimulatedBroker
  /**
   * What the clock of the broker must say, life after life: it is never put back or forward, and goes on in the next
   * life after as much time as the wall says.
   */
  #nowMs: number
  #atRestStep = 0
  /** When the present life of the broker began; 0 for the first. */
  #bornAtStep = 0
  /** Writes fail until then. */
  #failsUntilStep = 0
  /** Nothing is written until then. */
  #slowUntilStep = 0
  storeHasFailed = false

  constructor(random: Random, chronicle: Chronicle, scenario: Scenario) {
    this.random = random
    this.chronicle = chronicle
    this.#scenario = scenario
    const { limits, personas, behindMessages } = scenario
    this.ledger = new Ledger(chronicle, limits)
    this.#store = new SimulatedStore(new SimulatedDisk(), behindMessages)
    this.#nowMs = Date.UTC(2026, 0, 1)
    this.#broker = this.#newBroker(this.#nowMs)
    this.clients = personas.map((persona) => new SimulatedClient(persona, this))
  }

  get broker(): SimulatedBroker {
    return this.#broker
  }

  get store(): SimulatedStore {
    return this.#store
  }

  // --- what the clients find around them ---

  get receiveMaximum(): number {
    return this.#scenario.limits.receiveMaximum
  }

  get storeIsFailing(): boolean {
    return this.#store.cannotWrite
  }

  now(): number {
    return this.#nowMs
  }

  socket(): MemorySocket {
    return this.#broker.socket()
  }

  // --- what the broker tells ---

  dropped(...[client, why]: Parameters<BrokerWatch["dropped"]>): void {
    this.chronicle.tell(`the broker drops a message for ${client}: ${why}`)
    this.ledger.dropped(client, why)
    if (why === "expired") this.figures.count("messages expired")
  }

  happened(what: Parameters<BrokerWatch["happened"]>[0]): void {
    this.figures.count(`${what.replace(/^(session|will)/, "$1s")}`)
  }

  bug(error: string): void {
    this.chronicle.blame(error)
  }

  // --- time ---

  pass(ms: number): void {
    this.#nowMs += ms
    this.#broker.clock.advance(ms)
    this.chronicle.check(
      this.#broker.clock.now() <= this.#nowMs,
      "the clock of the broker is ahead of the time that has passed",
    )
  }

  /** Long enough that something expires, or up to the very moment when something does. */
  leap(toADate: boolean): void {
    const { random } = this
    const dates = this.clients.flatMap((client) => client.dates).filter((atMs) => atMs > this.#nowMs)
    const date = toADate ? random.pick(dates) : undefined
    const ms =
      date === undefined
        ? random.pick([2, 11, 31, 70, 700, 8_000] as const) * 1000
        : Math.max(0, date - this.#nowMs + random.pick([-1, 0, 1, -50] as const))
    this.chronicle.tell(`${ms / 1000} seconds pass`)
    this.figures.count(date === undefined ? "leaps" : "leaps to a date")
    this.pass(ms)
  }

  putWall(direction: "back" | "forward"): void {
    const ms = this.random.pick(putByMs)
    this.chronicle.tell(`the wall is put ${direction} by ${ms / 1000} seconds`)
    this.figures.count(`wall put ${direction}`)
    this.#broker.clock.putForward(direction === "back" ? -ms : ms)
    this.#broker.keepTime()
  }

  // --- the disk ---

  /** What is being written is written, unless the disk is slow or failing. */
  write(): void {
    const { step } = this.chronicle
    if (step < this.#failsUntilStep) return this.#fail()
    if (step < this.#slowUntilStep || (this.#store.mood === "failed" && this.random.chance(0.7))) return
    if (this.#store.mood === "failed" || this.#store.isWriting) this.chronicle.tell("the store commits")
    this.#store.commit()
  }

  /** For a while, in which a broker may start anew. */
  failStore(steps: number): void {
    this.#failsUntilStep = this.chronicle.step + steps
    if (!this.#store.isWriting) return
    this.#fail()
  }

  slowDisk(steps: number): void {
    this.chronicle.tell("the disk is slow")
    this.figures.count("slow disks")
    this.#slowUntilStep = this.chronicle.step + steps
  }

  #fail(): void {
    if (!this.#store.isWriting && this.#store.mood !== "failed") return
    if (this.#store.mood !== "failed") {
      this.chronicle.tell("the store fails")
      this.figures.count("store failures")
      const age = this.chronicle.step - this.#bornAtStep
      if (this.#bornAtStep > 0 && age < 30) this.figures.count("store failures right after a start")
    }
    this.storeHasFailed = true
    this.ledger.storeFailed()
    this.#store.fail("the disk is full")
  }

  /** All that can go wrong with it is over. */
  healDisk(): void {
    this.#failsUntilStep = 0
    this.#slowUntilStep = 0
  }

  /** Called after each step. */
  looksAround(): void {
    if (this.#store.isAtRest) this.#atRestStep = this.chronicle.step
    for (const client of this.clients) client.looksAround()
  }

  // --- lives of the broker ---

  async crash(): Promise<void> {
    this.chronicle.tell("the broker crashes")
    this.figures.count("crashes")
    await this.#comeBack(false)
  }

  /** Stopped and started: what it was told is written before, if it can be. */
  async restart(): Promise<void> {
    this.chronicle.tell("the broker is stopped")
    const isClean = await this.#stop()
    this.figures.count(isClean ? "clean restarts" : "restarts that could not write")
    await this.#comeBack(isClean)
  }

  /** The store is gone, the broker stops for that, and is started again. */
  async loseStore(): Promise<void> {
    this.chronicle.tell("the store is lost")
    this.figures.count("stores lost")
    this.storeHasFailed = true
    this.ledger.storeFailed()
    this.#store.lose("the disk is gone")
    await this.#broker.endTurn()
    await this.#stop()
    await this.#comeBack(false)
  }

  /** @returns whether all is written */
  async #stop(): Promise<boolean> {
    await this.#broker.stop((ms) => this.pass(ms))
    const isHealthy = !this.#store.cannotWrite && this.chronicle.step >= this.#failsUntilStep
    // One that has failed is tried once more.
    if (!isHealthy && this.random.chance(0.5)) return false
    for (let batches = 0; !this.#store.isAtRest && batches < 4; batches++) {
      this.#store.endTurn()
      this.#store.commit()
      await this.#broker.promises(10)
    }
    if (this.#store.isAtRest) this.looksAround()
    return this.#store.isAtRest
  }

  /** @param isClean the life before has ended with everything written */
  async #comeBack(isClean: boolean): Promise<void> {
    const { random } = this
    if (!isClean) {
      for (const client of this.clients) client.crashed(this.#atRestStep)
      this.ledger.crashed()
    }
    const awayMs = random.between(0, 20_000)
    const putMs = random.chance(0.2) ? random.pick(putByMs) * random.pick([-1, 1] as const) : 0
    if (putMs !== 0) {
      const direction = putMs < 0 ? "back" : "forward"
      this.chronicle.tell(`the wall is put ${direction} by ${Math.abs(putMs) / 1000} seconds meanwhile`)
      this.figures.count(`wall put ${direction} while it is away`)
    }
    const seemsMs = awayMs + putMs + this.#unkeptMs
    // What was kept last may be a moment older than the crash.
    if (seemsMs < 0) for (const client of this.clients) client.willsAreUnsure()
    this.#nowMs += Math.max(0, seemsMs)
    this.#store = this.#store.crash()
    this.#broker = this.#newBroker(this.#broker.clock.wall() + awayMs + putMs)
    this.#bornAtStep = this.chronicle.step
    await this.#broker.broker.restore()
    if (!isClean) for (const client of this.clients) client.restarted()
    inspectRetained(this.#broker, this.ledger, this.chronicle)
  }

  /** By how much the wall was put forward while nothing could be written: nobody can tell that from time that passed. */
  get #unkeptMs(): number {
    const { clock } = this.#broker
    const { nowMs, wallMs } = this.#store.disk.time ?? { nowMs: clock.now(), wallMs: clock.wall() }
    return clock.wall() - clock.now() - (wallMs - nowMs)
  }

  #newBroker(wallMs: number): SimulatedBroker {
    const { limits, shareStrategy, highWaterBytes } = this.#scenario
    return new SimulatedBroker(this.#store, wallMs, limits, shareStrategy, { highWaterBytes }, this)
  }
}
