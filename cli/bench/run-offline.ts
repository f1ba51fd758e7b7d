import { type ClientEnd, describeEnd } from "../../src/client/client-end.ts"
import { CommandError } from "../output.ts"
import { Crowd, subscribeTo } from "./crowd.ts"
import { type Ending, type Findings, latencyFacts, noFaults, rateOf, refusedPublishes } from "./findings.ts"
import { Gauge } from "./gauge.ts"
import { generatorRemarks, GeneratorHealth } from "./generator-health.ts"
import { brokerFacts } from "./load-facts.ts"
import type { Plan, Server } from "./plan.ts"
import { Publisher } from "./publisher.ts"
import { beltOf } from "./make-traffic.ts"
import { quotaOf } from "./schedule.ts"
import { SequenceCheck } from "./sequence-check.ts"
import { settle } from "./settle.ts"
import { type Senders, Subscriber } from "./subscriber.ts"
import { Topology } from "./topology.ts"
import { Traffic } from "./traffic.ts"
import { phase, type Watch } from "./watch.ts"

/** Sessions that nobody ends any more, because we died, go by themselves, where the broker speaks MQTT 5. */
const sessionExpirySeconds = 3_600
const patienceMs = 10_000

/**
 * offline: sessions whose clients are away while messages queue up for them, and are then fetched. The sessions are ended
 * whatever happens.
 *
 * @throws CommandError when the broker cannot be reached or does not take the load
 */
export async function runOffline(server: Server, plan: Plan, watch: Watch): Promise<Findings> {
  const run = new OfflineRun(server, plan, watch)
  watch.show(phase("making sessions"))
  let findings: Findings
  try {
    findings = await run.play()
  } catch (error) {
    // What went wrong first is what is told.
    await run.endSessions().catch(() => {})
    throw error
  }
  watch.show(phase("ending sessions"))
  try {
    await run.endSessions()
    return findings
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    // A broker that is gone has them still, when it comes back.
    const remark = `the sessions of ${plan.idPrefix}-away-0 and so on could not be ended: ${error.message}`
    return { ...findings, ended: "connection-lost", remarks: [...findings.remarks, remark] }
  }
}

class OfflineRun {
  readonly #server: Server
  readonly #plan: Plan
  readonly #watch: Watch
  readonly #topology: Topology
  readonly #count: number
  readonly #lanes: readonly Int32Array[]
  readonly #health = new GeneratorHealth()
  readonly #broken = Promise.withResolvers<ClientEnd>()
  /** How many sessions there may be. */
  #sessions = 0
  #end: ClientEnd | undefined

  constructor(server: Server, plan: Plan, watch: Watch) {
    this.#server = server
    this.#plan = plan
    this.#watch = watch
    this.#topology = new Topology(plan, plan.topicPrefix)
    this.#count = plan.extent.by === "count" ? plan.extent.count : 0
    this.#lanes = Array.from({ length: plan.publishers }, (_, index) => this.#topology.lanesOf(index))
    void this.#broken.promise.then((end) => (this.#end = end))
  }

  async play(): Promise<Findings> {
    const early = await this.#makeSessions()
    this.#health.begin()
    const fill = new Traffic(
      { qos: this.#plan.qos, inFlight: this.#plan.inFlight, fanOut: 0, dueAt: undefined },
      this.#lanes,
      false,
      undefined,
    )
    const drain = new Gauge()
    const unfilled = early ?? (await this.#fill(fill))
    const expected = fill.gauge.published - fill.gauge.refusals
    const ended = unfilled ?? (await this.#drain(drain, expected))
    return this.#findings(ended, fill, drain, expected)
  }

  /** Whatever of them there is: a clean start ends it. */
  async endSessions(): Promise<void> {
    const crowd = new Crowd(this.#server, this.#plan)
    try {
      await crowd.open(
        this.#sessions,
        () => Promise.resolve(),
        (index) => ({ ...this.#session(index), persistent: false }),
      )
    } finally {
      await crowd.close()
    }
  }

  /** @returns why it ended before all were made */
  async #makeSessions(): Promise<Ending | undefined> {
    const crowd = new Crowd(this.#server, this.#plan)
    try {
      const { subscribers, qos } = this.#plan
      const opened = crowd.open(
        subscribers,
        (client, index) => subscribeTo(client, this.#topology.filtersOf(index), qos),
        (index) => {
          this.#sessions = index + 1
          return this.#session(index)
        },
      )
      return await this.#unlessOver(opened)
    } finally {
      await crowd.close()
    }
  }

  #session(index: number) {
    return { clientId: `${this.#plan.idPrefix}-away-${index}`, persistent: true, sessionExpirySeconds }
  }

  /** @returns why it ended before all was acknowledged */
  async #fill(traffic: Traffic): Promise<Ending | undefined> {
    const { gauge } = traffic
    const crowd = new Crowd(this.#server, this.#plan)
    try {
      await crowd.open(this.#plan.publishers, async (client, index) => {
        const belt = beltOf(index, this.#plan, this.#topology)
        const quota = quotaOf(this.#count, index, this.#plan.publishers)
        traffic.add(new Publisher(index, client, belt, quota, traffic))
      })
      void traffic.broken.then((end) => this.#broken.resolve(end))
      this.#watch.show(() => ({
        phase: "filling",
        share: gauge.acknowledged / this.#count / 2,
        count: gauge.acknowledged,
        seconds: gauge.measured.seconds,
        latency: gauge.acknowledgement,
      }))
      gauge.begin()
      traffic.start()
      const unpublished = () => this.#count - gauge.published
      const ended = await this.#unlessOver(traffic.settle(patienceMs, unpublished))
      gauge.end(gauge.lastAt)
      traffic.stop()
      return ended ?? (unpublished() + traffic.unacknowledged > 0 ? "stalled" : undefined)
    } finally {
      await crowd.close()
    }
  }

  async #drain(gauge: Gauge, expected: number): Promise<Ending> {
    const crowd = new Crowd(this.#server, this.#plan)
    const senders: Senders = {
      lanes: this.#lanes,
      isShared: false,
      delivered() {},
      endOfChunk: () => gauge.endOfChunk(),
      lost: (end) => this.#broken.resolve(end),
    }
    const missing = () => expected - (gauge.delivered - gauge.duplicated)
    this.#watch.show(() => ({
      phase: "draining",
      share: 0.5 + gauge.delivered / expected / 2,
      count: gauge.delivered,
      seconds: gauge.measured.seconds,
      latency: undefined,
    }))
    try {
      gauge.begin()
      const opened = crowd.open(
        this.#plan.subscribers,
        () => Promise.resolve(),
        (index) => ({
          ...this.#session(index),
          listener: new Subscriber(new SequenceCheck(this.#topology.lanes), senders, gauge),
        }),
      )
      const ended = await this.#unlessOver(opened.then(() => settle(missing, patienceMs)))
      gauge.end(gauge.lastAt)
      return ended ?? "count"
    } finally {
      await crowd.close()
    }
  }

  #unlessOver(work: Promise<unknown>): Promise<Ending | undefined> {
    return Promise.race([
      work.then(() => undefined),
      this.#watch.interrupted,
      this.#broken.promise.then(() => "connection-lost" as const),
    ])
  }

  #findings(ended: Ending, fill: Traffic, drain: Gauge, expected: number): Findings {
    const { payloadBytes } = this.#plan
    const filled = fill.gauge.measured
    const drained = drain.measured
    const generator = { ...this.#health.end(0), sentLateP99: null }
    const { duplicated, late, delivered } = drain
    // Whoever ended it early did not wait for the rest.
    const lost = ended === "count" ? Math.max(0, expected - (delivered - duplicated)) : 0
    const acknowledgement = latencyFacts(fill.gauge.acknowledgement)
    return {
      ...brokerFacts(this.#server, this.#plan),
      ended,
      seconds: filled.seconds + drained.seconds,
      rates: {
        filled: rateOf(filled.acknowledged, filled.seconds, payloadBytes),
        drained: rateOf(drained.delivered, drained.seconds, payloadBytes),
      },
      latencies: { acknowledgement },
      faults: { ...noFaults, lost, duplicated, outOfOrder: late, isBreach: lost + duplicated + late > 0 },
      refused: refusedPublishes(fill.gauge.refused),
      generator,
      remarks: [
        ...(this.#end === undefined ? [] : [describeEnd(this.#end)]),
        ...(lost > 0
          ? ["a broker keeps no more for an absent client than it is told to: try a lower --count"]
          : []),
        ...generatorRemarks(generator, acknowledgement),
      ],
    }
  }
}
