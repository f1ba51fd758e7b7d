import { ConnectionEnded } from "../../src/client/client-end.ts"
import type { Client } from "../../src/client/client.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import { describeReasonCode, isError, type ReasonCode } from "../../src/protocol/reason-code.ts"
import type { BrokerPlan } from "../broker-options.ts"
import { type ConnectionOwner, type ConnectionState, KeptConnection } from "../kept-connection.ts"
import type { Reading, Source } from "./reading.ts"
import { SysValues } from "./sys-values.ts"
import { TopicRates } from "./topic-rates.ts"

const sysFilter = "$SYS/#"

/** What any broker tells by MQTT: its counters under `$SYS`, and the messages that we subscribe to. */
export class MqttSource implements Source, ConnectionOwner {
  readonly kind = "mqtt"
  readonly kick = undefined
  readonly #connection: KeptConnection
  readonly #filters: readonly string[]
  readonly #sys = new SysValues()
  readonly #topics = new TopicRates(performance.now())
  readonly #denied = new Map<string, ReasonCode>()

  private constructor(plan: BrokerPlan, filters: readonly string[]) {
    this.#filters = filters
    this.#connection = new KeptConnection(plan, this)
  }

  /**
   * @param filters of the messages to count
   * @throws NoConnection
   */
  static async open(plan: BrokerPlan, filters: readonly string[]): Promise<MqttSource> {
    const source = new MqttSource(plan, filters)
    await source.#connection.open()
    const { state } = source.#connection
    if (state.at === "online") await source.#subscribe(state.client)
    return source
  }

  /** Hot. A retained message of a topic that we subscribe to anew is no news. */
  message({ topic, payload, retain }: Publish): void {
    if (this.#sys.take(topic, payload) || retain) return
    this.#topics.count(topic, payload.length)
  }

  changed(state: ConnectionState): void {
    if (state.at === "waiting") this.#sys.clear()
    if (state.at !== "online" || state.returns === 0) return
    void this.#subscribe(state.client)
  }

  async read(): Promise<Reading> {
    const { state, plan } = this.#connection
    return {
      ...this.#sys.read(),
      atMs: Date.now(),
      name: plan.name,
      topics: this.#topics.read(performance.now()),
      clientRows: undefined,
      warnings: [],
      notes: this.#notes(),
      trouble: state.at === "online" ? undefined : state.at === "waiting" ? state.why : "connecting",
    }
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #subscribe(client: Client): Promise<void> {
    const filters = [sysFilter, ...this.#filters]
    const requests = filters.map((filter) => request(filter))
    this.#denied.clear()
    try {
      const { reasonCodes } = await client.subscribe(requests)
      for (const [index, code] of reasonCodes.entries()) {
        if (isError(code)) this.#denied.set(filters[index] ?? "", code)
      }
    } catch (error) {
      // Lost once more: the next connection subscribes.
      if (!(error instanceof ConnectionEnded)) throw error
    }
  }

  #notes(): readonly string[] {
    const { intervalSeconds } = this.#sys
    const asOften =
      intervalSeconds === undefined ? "" : `, which the broker publishes every ${intervalSeconds} s`
    return [
      ...[...this.#denied].map(([filter, code]) => `we may not read ${filter}: ${describeReasonCode(code)}`),
      this.#sys.isEmpty
        ? "no $SYS/broker topics came: only the messages that we receive ourselves are counted"
        : `figures of the broker are those of $SYS${asOften}`,
      `topics are those of ${this.#filters.join(" ")}, which are sent to us as well`,
      "single clients are not told by MQTT",
    ]
  }
}

function request(filter: string) {
  return { filter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}
