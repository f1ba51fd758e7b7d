import type { ClientEnd } from "../../src/client/client-end.ts"
import type { LoadClient } from "../../src/client/load-client.ts"
import { CommandError } from "../output.ts"
import { Crowd, subscribeTo } from "./crowd.ts"
import type { Ending, Findings, GeneratorFacts } from "./findings.ts"
import { GeneratorHealth } from "./generator-health.ts"
import { beltOf, trafficOf } from "./make-traffic.ts"
import type { Plan, Server } from "./plan.ts"
import { Publisher } from "./publisher.ts"
import { quotaOf } from "./schedule.ts"
import { SequenceCheck } from "./sequence-check.ts"
import { Subscriber } from "./subscriber.ts"
import { Topology } from "./topology.ts"
import { trafficFindings } from "./traffic-findings.ts"
import type { Traffic } from "./traffic.ts"
import { phase, type Watch } from "./watch.ts"

/** How long what is still awaited may be quiet before it is given up. */
const patienceMs = { qos0: 2_000, acknowledged: 10_000, interrupted: 3_000 } as const
const writeOffEveryMs = 250
/** A group's messages come to its members in any order, so that one has to remember further back. */
const sharedMemory = 8_192

/** pub, sub, fanout and fanin. @throws CommandError when the broker cannot be reached or does not take the load */
export async function runTraffic(server: Server, plan: Plan, watch: Watch): Promise<Findings> {
  const crowd = new Crowd(server, plan)
  try {
    return await new TrafficRun(server, plan, watch, crowd).run()
  } finally {
    watch.show(phase("closing"))
    await crowd.close()
  }
}

class TrafficRun {
  readonly #server: Server
  readonly #plan: Plan
  readonly #watch: Watch
  readonly #crowd: Crowd
  readonly #topology: Topology
  readonly #traffic: Traffic
  readonly #health = new GeneratorHealth()
  #idleBefore = 0
  /** Why a connection was lost. */
  #end: ClientEnd | undefined
  #usage: Omit<GeneratorFacts, "sentLateP99"> = { cpuShare: 0, longestAwayMs: 0 }

  constructor(server: Server, plan: Plan, watch: Watch, crowd: Crowd) {
    this.#server = server
    this.#plan = plan
    this.#watch = watch
    this.#crowd = crowd
    this.#topology = new Topology(plan, plan.topicPrefix)
    this.#traffic = trafficOf(plan, this.#topology)
    void this.#traffic.broken.then((end) => (this.#end = end))
  }

  async run(): Promise<Findings> {
    this.#watch.show(phase("connecting"))
    const early = await this.#unlessOver(this.#gather())
    if (early !== undefined) return this.#findings(early)
    const { gauge } = this.#traffic
    gauge.lastAt = gauge.now()
    const writingOff = setInterval(() => this.#traffic.writeOffLost(), writeOffEveryMs)
    try {
      const ended = await (this.#plan.extent.by === "time" ? this.#forTime() : this.#forCount())
      return this.#findings(ended)
    } finally {
      clearInterval(writingOff)
    }
  }

  async #gather(): Promise<void> {
    const { subscribers, publishers, hearing, qos } = this.#plan
    const traffic = this.#traffic
    const memory = hearing === "shared" ? sharedMemory : 32
    const common = new SequenceCheck(subscribers > 0 ? this.#topology.lanes : 0, memory)
    const fresh = () => (hearing === "shared" ? common : new SequenceCheck(this.#topology.lanes))
    await this.#crowd.open(subscribers, async (client, index) => {
      client.tell(new Subscriber(fresh(), traffic, traffic.gauge))
      await subscribeTo(client, this.#topology.filtersOf(index), qos)
    })
    const all: Publisher[] = []
    await this.#crowd.open(publishers, async (client, index) => {
      all[index] = this.#publisher(client, index)
    })
    for (const publisher of all) traffic.add(publisher)
  }

  #publisher(client: LoadClient, index: number): Publisher {
    const { qos, extent, publishers, version } = this.#plan
    const belt = beltOf(index, this.#plan, this.#topology)
    const { maximumQos, maximumPacketSize } = client.terms
    if (qos > maximumQos)
      throw new CommandError(`the broker takes no more than QoS ${maximumQos}: try -q ${maximumQos}`)
    if (version === 5 && belt.frameBytes > maximumPacketSize) {
      throw new CommandError(
        `the broker takes packets of ${maximumPacketSize} bytes at most: choose a smaller --size`,
      )
    }
    const total = extent.by === "count" ? extent.count : Infinity
    return new Publisher(index, client, belt, quotaOf(total, index, publishers), this.#traffic)
  }

  async #forTime(): Promise<Ending> {
    const { extent } = this.#plan
    if (extent.by !== "time") return "count"
    const { gauge } = this.#traffic
    this.#traffic.start()
    this.#watch.show(phase("warming up"))
    const early = await this.#unlessOver(Bun.sleep(extent.warmUpMs))
    if (early !== undefined) return this.#stop(early)
    this.#begin()
    this.#show(() => gauge.measured.seconds / (extent.ms / 1000))
    const ended = (await this.#unlessOver(Bun.sleep(extent.ms))) ?? "time"
    gauge.end()
    return this.#stop(ended)
  }

  async #forCount(): Promise<Ending> {
    const { extent, subscribers, qos } = this.#plan
    if (extent.by !== "count") return "time"
    const traffic = this.#traffic
    const { gauge } = traffic
    this.#begin()
    traffic.start()
    this.#show(() => gauge.published / extent.count)
    const unpublished = () => extent.count - gauge.published
    const ended = await this.#unlessOver(traffic.settle(this.#patienceMs(), unpublished))
    // QoS 0 has arrived when the broker, having read all of it, closes.
    if (qos === 0 && subscribers === 0 && ended === undefined) await this.#crowd.close()
    gauge.end(qos === 0 && subscribers === 0 ? gauge.now() : gauge.lastAt)
    return this.#stop(ended ?? (unpublished() > 0 ? "stalled" : "count"))
  }

  #begin(): void {
    this.#idleBefore = this.#traffic.idleMicroseconds
    this.#traffic.gauge.begin()
    this.#health.begin()
  }

  async #stop(ended: Ending): Promise<Ending> {
    const traffic = this.#traffic
    this.#usage = this.#health.end(traffic.idleMicroseconds - this.#idleBefore)
    traffic.stop()
    this.#watch.show(phase("waiting for the last"))
    switch (ended) {
      case "interrupted":
        // Whoever wants it to end does not wait until a broker that is behind has caught up.
        await Promise.race([traffic.settle(patienceMs.interrupted), Bun.sleep(patienceMs.interrupted)])
        return ended
      case "time": {
        const early = await this.#unlessOver(traffic.settle(this.#patienceMs()))
        return early ?? (traffic.unacknowledged > 0 ? "stalled" : ended)
      }
      case "count":
      case "stalled":
      case "connection-lost":
        // Who counts has waited already.
        return ended
    }
  }

  #patienceMs(): number {
    return this.#plan.qos === 0 ? patienceMs.qos0 : patienceMs.acknowledged
  }

  /** @returns what ended the run before the work was done */
  #unlessOver(work: Promise<unknown>): Promise<Ending | undefined> {
    return Promise.race([
      work.then(() => undefined),
      this.#watch.interrupted,
      this.#traffic.broken.then(() => "connection-lost" as const),
    ])
  }

  #findings(ended: Ending): Findings {
    return trafficFindings(this.#server, this.#plan, this.#traffic, this.#usage, ended, this.#end)
  }

  #show(share: () => number): void {
    const { gauge } = this.#traffic
    const { subscribers, qos } = this.#plan
    this.#watch.show(() => {
      const { seconds, delivered, acknowledged, published } = gauge.measured
      const count = subscribers > 0 ? delivered : qos > 0 ? acknowledged : published
      const latency = subscribers > 0 ? gauge.delivery : qos > 0 ? gauge.acknowledgement : undefined
      return { phase: "measuring", share: Math.min(1, share()), count, seconds, latency }
    })
  }
}
