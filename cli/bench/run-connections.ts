import { ConnectionEnded } from "../../src/client/client-end.ts"
import { deafListener, LoadClient } from "../../src/client/load-client.ts"
import { describeReasonCode } from "../../src/protocol/reason-code.ts"
import { type Ending, type Findings, latencyFacts, noFaults, rateOf, type Refusal } from "./findings.ts"
import { generatorRemarks, GeneratorHealth } from "./generator-health.ts"
import { Histogram } from "./histogram.ts"
import { brokerFacts } from "./load-facts.ts"
import { oneLine } from "./one-line.ts"
import type { Plan, Server } from "./plan.ts"
import { Schedule } from "./schedule.ts"
import { Turns } from "./turns.ts"
import { phase, type Watch } from "./watch.ts"

/** After a connection that failed, its place in a closed loop rests: a broker that refuses is not to be stormed. */
const restMs = 100

/** conn: connections that come and go. @throws CommandError when not even the first one is let in */
export async function runConnections(server: Server, plan: Plan, watch: Watch): Promise<Findings> {
  watch.show(phase("connecting"))
  const run = new ConnectionsRun(server, plan, watch)
  await run.tryOne()
  return run.run()
}

class ConnectionsRun {
  readonly #server: Server
  readonly #plan: Plan
  readonly #watch: Watch
  readonly #schedule: Schedule | undefined
  readonly #latency = new Histogram()
  readonly #sentLate = new Histogram()
  readonly #health = new GeneratorHealth()
  readonly #refused = new Map<string, Refusal>()
  readonly #opening = new Set<Promise<void>>()
  readonly #done = Promise.withResolvers<void>()
  readonly #startedNanoseconds = Bun.nanoseconds()
  #number = 0
  /** Open loop: how many have become due. */
  #called = 0
  #begun = 0
  #tried = 0
  #connected = 0
  #isStopped = false
  #from = Infinity
  #until = Infinity
  #connectedBefore = 0

  constructor(server: Server, plan: Plan, watch: Watch) {
    this.#server = server
    this.#plan = plan
    this.#watch = watch
    this.#schedule = plan.perSecond === undefined ? undefined : new Schedule(plan.perSecond, this.#total)
  }

  async tryOne(): Promise<void> {
    try {
      const client = await this.#connect()
      await client.disconnect()
    } catch (error) {
      throw oneLine(error)
    }
  }

  async run(): Promise<Findings> {
    const { extent } = this.#plan
    // All that is counted is measured, so what is begun first as well.
    if (extent.by === "count") this.#from = this.#now()
    const turns = this.#start()
    let ended: Ending | undefined
    if (extent.by === "time") {
      this.#watch.show(phase("warming up"))
      ended = await this.#unlessInterrupted(Bun.sleep(extent.warmUpMs))
    }
    this.#begin()
    const idleBefore = turns?.idleMicroseconds ?? 0
    const work = extent.by === "time" ? Bun.sleep(extent.ms) : this.#done.promise
    ended ??= (await this.#unlessInterrupted(work)) ?? extent.by
    this.#until = this.#now()
    const connected = this.#connected - this.#connectedBefore
    const usage = this.#health.end((turns?.idleMicroseconds ?? 0) - idleBefore)
    this.#isStopped = true
    turns?.stop()
    this.#watch.show(phase("closing"))
    await Promise.all(this.#opening)
    return this.#findings(ended, connected, usage)
  }

  get #total(): number {
    return this.#plan.extent.by === "count" ? this.#plan.extent.count : Infinity
  }

  #start(): Turns | undefined {
    if (this.#schedule === undefined) {
      for (let place = 0; place < this.#plan.inFlight; place++) this.#hold(this.#comeAndGo())
      return undefined
    }
    const schedule = this.#schedule
    const turns = new Turns(schedule, {
      now: () => this.#now(),
      due: () => void (this.#called += 1),
      turned: () => this.#openDue(schedule, this.#opening.size < this.#plan.inFlight),
    })
    turns.start()
    return turns
  }

  #begin(): void {
    const { extent } = this.#plan
    if (extent.by === "time") {
      this.#from = this.#now()
      this.#connectedBefore = this.#connected
    }
    this.#health.begin()
    this.#watch.show(() => {
      const seconds = (this.#now() - this.#from) / 1e6
      const share = extent.by === "time" ? (seconds * 1000) / extent.ms : this.#tried / extent.count
      const count = this.#connected - this.#connectedBefore
      return { phase: "measuring", share: Math.min(1, share), count, seconds, latency: this.#latency }
    })
  }

  /** Closed loop: one place, that takes connection after connection. */
  async #comeAndGo(): Promise<void> {
    while (!this.#isStopped && this.#begun < this.#total) {
      this.#begun += 1
      const isIn = await this.#one(this.#now())
      if (!isIn) await Bun.sleep(restMs)
    }
  }

  /**
   * Open loop: whoever is due and finds a place.
   *
   * @param isFree nobody waited for a place: who is late now is so because of us
   */
  #openDue(schedule: Schedule, isFree = false): void {
    while (!this.#isStopped && this.#begun < this.#called && this.#opening.size < this.#plan.inFlight) {
      const due = schedule.dueAt(this.#begun)
      this.#begun += 1
      if (isFree && this.#isMeasured(due)) this.#sentLate.record(this.#now() - due)
      this.#hold(this.#one(due))
    }
  }

  #hold(work: Promise<unknown>): void {
    const held = work.then(() => {
      this.#opening.delete(held)
      if (this.#schedule !== undefined) this.#openDue(this.#schedule)
    })
    this.#opening.add(held)
  }

  /** @returns whether it was let in */
  async #one(due: number): Promise<boolean> {
    try {
      const client = await this.#connect()
      const now = this.#now()
      this.#connected += 1
      if (this.#isMeasured(due)) this.#latency.record(now - due)
      await client.disconnect()
      return true
    } catch (error) {
      this.#tally(error)
      return false
    } finally {
      this.#tried += 1
      if (this.#tried === this.#total) this.#done.resolve()
    }
  }

  #connect(): Promise<LoadClient> {
    const { target, username, password } = this.#server
    const { version, idPrefix, keepAliveSeconds } = this.#plan
    this.#number += 1
    return LoadClient.connect(target, {
      version,
      clientId: `${idPrefix}-${this.#number}`,
      username,
      password,
      keepAliveSeconds,
      listener: { ...deafListener, lost() {} },
    })
  }

  #tally(error: unknown): void {
    const end = error instanceof ConnectionEnded ? error.end : undefined
    const reasonCode = end?.why === "refused" ? end.reasonCode : null
    const text = error instanceof Error ? error.message.replace(/\.$/, "") : String(error)
    const reason = reasonCode === null ? text : describeReasonCode(reasonCode)
    const count = (this.#refused.get(reason)?.count ?? 0) + 1
    this.#refused.set(reason, { what: "connect", reasonCode, reason, count })
  }

  #unlessInterrupted(work: Promise<unknown>): Promise<Ending | undefined> {
    return Promise.race([work.then(() => undefined), this.#watch.interrupted])
  }

  #findings(ended: Ending, connected: number, usage: ReturnType<GeneratorHealth["end"]>): Findings {
    const seconds = (this.#until - this.#from) / 1e6
    const connect = latencyFacts(this.#latency)
    const sentLateP99 = this.#schedule === undefined ? null : this.#sentLate.percentile(0.99)
    const generator = { ...usage, sentLateP99 }
    const waiting = Math.max(0, this.#called - this.#begun)
    return {
      ...brokerFacts(this.#server, this.#plan),
      ended,
      seconds,
      rates: { connected: rateOf(connected, seconds, null) },
      latencies: { connect },
      faults: noFaults,
      refused: [...this.#refused.values()],
      generator,
      remarks: [
        ...(waiting > 0
          ? [`${waiting} connections that were due found no place: more --clients may be opening at a time`]
          : []),
        ...generatorRemarks(generator, connect),
      ],
    }
  }

  #isMeasured(due: number): boolean {
    return due >= this.#from && due < this.#until
  }

  #now(): number {
    return (Bun.nanoseconds() - this.#startedNanoseconds) / 1000
  }
}
