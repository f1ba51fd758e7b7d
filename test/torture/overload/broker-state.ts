import type { Packet } from "../../../src/protocol/packet.ts"
import { patiently } from "../patience.ts"
import { Probe } from "./probe.ts"

const prefix = "$SYS/broker/"

/** The watch's own connections. */
export const watchedClients = 4

/** What must be at the end as it was at the beginning, under the names of `$SYS`; retained ones but for those of `$SYS`. */
export const lasting = [
  "clients/connected",
  "clients/total",
  "subscriptions/count",
  "shared_subscriptions/count",
  "retained messages/count",
  "store/messages/count",
  "store/messages/bytes",
] as const

export type State = Readonly<Record<(typeof lasting)[number], number>>

/**
 * What a broker says of itself under `$SYS`. All that it reports at one time leaves in one turn, `uptime` first, so
 * whatever was reported has come when a PINGREQ sent at `uptime` is answered.
 */
export class BrokerState {
  readonly #values = new Map<string, string>()
  readonly #onLost: () => void
  #probe: Probe | undefined
  #isFresh = false
  #isLost = false
  #waiting: (() => void)[] = []

  private constructor(onLost: () => void) {
    this.#onLost = onLost
  }

  /** The broker must report every second: `mqtt.sys_interval_seconds=1`. */
  static async of(port: number, onLost: () => void): Promise<BrokerState> {
    const state = new BrokerState(onLost)
    state.#probe = await Probe.connect(port, "state", {
      took: (packet) => state.#took(packet),
      lost: () => state.#lost(),
    })
    await state.#probe.subscribe(`${prefix}#`, 0)
    return state
  }

  /** The number that was reported last; NaN when there is none. */
  value(name: string): number {
    return Number(this.#values.get(name) ?? Number.NaN)
  }

  /** Those of a broker to which nobody has come but the watch. */
  static get ofNobody(): State {
    return {
      "clients/connected": watchedClients,
      "clients/total": watchedClients,
      "subscriptions/count": 2,
      "shared_subscriptions/count": 0,
      "retained messages/count": 0,
      "store/messages/count": 0,
      "store/messages/bytes": 0,
    }
  }

  get lasting(): State {
    const counts = Object.fromEntries(lasting.map((name) => [name, this.value(name)])) as State
    const retained = counts["retained messages/count"] - this.#values.size
    return { ...counts, "retained messages/count": retained }
  }

  /**
   * Resolves when everything is reported anew; at once when the broker has closed on us.
   *
   * @throws Error when it is there and reports nothing any more
   */
  async reported(): Promise<void> {
    if (this.#isLost) return
    await patiently(new Promise<void>((resolve) => this.#waiting.push(resolve)), "a report of the broker")
  }

  leave(): Promise<void> {
    return this.#probe?.leave() ?? Promise.resolve()
  }

  #took(packet: Packet): void {
    if (packet.type === "pingresp" && this.#isFresh) this.#wake()
    if (packet.type !== "publish") return
    const name = packet.topic.slice(prefix.length)
    this.#values.set(name, Buffer.from(packet.payload).toString())
    // With RETAIN it is of an earlier report.
    if (name !== "uptime" || packet.retain) return
    this.#isFresh = true
    this.#probe?.ping()
  }

  #lost(): void {
    this.#isLost = true
    this.#wake()
    this.#onLost()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
