import type { Packet } from "../../../src/protocol/packet.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Trial } from "../torture.ts"
import { BrokerState, type State } from "./broker-state.ts"
import { Probe, type ProbeOwner } from "./probe.ts"
import { freshMebibytes, freshMemoryMs } from "./fresh-memory.ts"
import { forgetPeak, memoryOf, openFilesOf } from "./process-figures.ts"
import { RoundTrips } from "./round-trips.ts"

/** What a torture promises of the broker under its load. */
export interface WatchBounds {
  /**
   * Longest round trip of an honest message at QoS 1, and of a PINGREQ; bounds of time. What this machine takes to hand
   * out memory comes on top.
   */
  readonly roundTripMs: number
  /** By how much its memory may grow, at the most and for good. */
  readonly growthBytes: number
  readonly keptBytes: number
}

/** What the watch needs in the words behind `serve`. */
export const watchedWords: readonly string[] = ["--port", "0", "--set", "mqtt.sys_interval_seconds=1"]

/** Until everything is as it was. Nothing waits for so long but what never comes. */
const patienceMs = 30_000
const mebibyte = 1024 * 1024
const topic = "watch/round-trips"

/**
 * Looks at a broker while others make it suffer: a pair of honest clients, one of which sends the other a message at
 * QoS 1 every few milliseconds; a client that says PINGREQ as often and nothing else, which is as long under way as the
 * loop of the broker is late; what the broker says of itself; its memory and its open files.
 *
 * The load belongs into a process of its own, or its work is measured with the broker's.
 */
export class Watch {
  readonly state: BrokerState
  readonly #broker: WatchedBroker
  readonly #trial: Trial
  readonly #before: Beginning
  readonly #probes: readonly Probe[]
  readonly #messages: RoundTrips
  readonly #pings: RoundTrips

  private constructor(
    broker: WatchedBroker,
    trial: Trial,
    state: BrokerState,
    probes: readonly Probe[],
    messages: RoundTrips,
    pings: RoundTrips,
    before: State,
  ) {
    this.#broker = broker
    this.#trial = trial
    this.state = state
    this.#probes = probes
    this.#messages = messages
    this.#pings = pings
    // What filled its store before may have taken more than what is watched.
    forgetPeak(broker.pid)
    this.#before = {
      state: before,
      memoryBytes: memoryOf(broker.pid).now,
      openFiles: openFilesOf(broker.pid),
    }
  }

  /**
   * What is true of the broker now must be true of it at the end.
   *
   * @param broker started with `watchedWords`
   * @param met fresh: nobody has come to it so far, so that its first report need not be waited for
   */
  static async begin(broker: WatchedBroker, trial: Trial, met: "fresh" | "used" = "used"): Promise<Watch> {
    const port = broker.port("tcp")
    const lost = (who: string) => () => trial.wrong(`${who} lost its connection`)
    const listener = await Probe.connect(port, "watch-listener", {
      took: (packet) => hear(packet, listener, messages, trial),
      lost: lost("the honest listener"),
    })
    await listener.subscribe(topic, 1)
    const nothing: ProbeOwner["took"] = () => {}
    const speaker = await Probe.connect(port, "watch-speaker", {
      took: nothing,
      lost: lost("the honest speaker"),
    })
    const messages = new RoundTrips((number) => speaker.publish(topic, Buffer.from(String(number))))
    let pinged = 0
    const pinger = await Probe.connect(port, "watch-pinger", {
      took: () => pings.came(pinged),
      lost: lost("the honest idler"),
    })
    const pings = new RoundTrips((number) => {
      pinged = number
      pinger.ping()
    })
    const state = await BrokerState.of(port, lost("who reads what the broker says of itself"))
    if (met === "used") await state.reported()
    const before = met === "used" ? state.lasting : BrokerState.ofNobody
    const watch = new Watch(broker, trial, state, [listener, speaker, pinger], messages, pings, before)
    messages.start()
    pings.start()
    return watch
  }

  /** How much memory the broker has more than at the beginning. */
  get growthBytes(): number {
    return memoryOf(this.#broker.pid).now - this.#before.memoryBytes
  }

  /** How many files it has open beyond those at the beginning. */
  get moreOpenFiles(): number {
    return openFilesOf(this.#broker.pid) - this.#before.openFiles
  }

  /** What it says of itself now. @returns the difference to the beginning by name, of what is different */
  get differences(): ReadonlyMap<string, number> {
    const { state } = this.#before
    const now = Object.entries(this.state.lasting) as [keyof State, number][]
    const differences = now.map(([name, value]) => [name, value - state[name]] as const)
    return new Map(differences.filter(([, difference]) => difference !== 0))
  }

  /** The load is gone. Waits until the broker is as it was, then tells the trial what was seen, and leaves. */
  async end({ roundTripMs, growthBytes, keptBytes }: WatchBounds): Promise<void> {
    const trial = this.#trial
    const endsAt = performance.now() + patienceMs
    // A message under way would be counted as one that is stored.
    await this.#restUntil(endsAt)
    do await this.state.reported()
    while (!this.#isAsBefore(keptBytes) && performance.now() < endsAt)

    const longestMs = roundTripMs + freshMemoryMs()
    trial.figure(`${freshMebibytes} MiB of fresh memory (ms)`, freshMemoryMs())
    trial.atLeast("honest round trips", this.#messages.count, 1)
    trial.figure("99 of 100 round trips (ms)", this.#messages.p99Ms)
    trial.timed("longest round trip (ms)", this.#messages.longestMs, longestMs)
    trial.figure("99 of 100 loop delays (ms)", this.#pings.p99Ms)
    trial.timed("longest loop delay (ms)", this.#pings.longestMs, longestMs)
    const { memoryBytes } = this.#before
    const { now, peak } = memoryOf(this.#broker.pid)
    trial.figure("memory before (MiB)", memoryBytes / mebibyte)
    trial.bounded("more memory at most (MiB)", (peak - memoryBytes) / mebibyte, growthBytes / mebibyte)
    trial.bounded("more memory afterwards (MiB)", (now - memoryBytes) / mebibyte, keptBytes / mebibyte)
    trial.bounded("open files left behind", Math.abs(this.moreOpenFiles), 0)
    const { differences } = this
    trial.bounded("counts that are not as before", differences.size, 0)
    for (const [name, more] of differences) trial.wrong(`${name} is off by ${more} afterwards`)
    await Promise.all([...this.#probes.map((probe) => probe.leave()), this.state.leave()])
  }

  #isAsBefore(keptBytes: number): boolean {
    return this.differences.size === 0 && this.moreOpenFiles === 0 && this.growthBytes <= keptBytes
  }

  async #restUntil(endsAt: number): Promise<void> {
    const late = Promise.withResolvers<"late">()
    const timer = setTimeout(() => late.resolve("late"), endsAt - performance.now())
    const rested = Promise.all([this.#messages.stop(), this.#pings.stop()])
    if ((await Promise.race([rested, late.promise])) === "late") {
      this.#trial.wrong("an honest client waits for an answer that does not come")
    }
    clearTimeout(timer)
  }
}

interface Beginning {
  readonly state: State
  readonly memoryBytes: number
  readonly openFiles: number
}

/** Hot. */
function hear(packet: Packet, listener: Probe, messages: RoundTrips, trial: Trial): void {
  if (packet.type !== "publish") return
  const { packetId, payload } = packet
  if (packetId !== undefined) listener.acknowledge(packetId)
  const text = Buffer.from(payload).toString()
  if (!messages.came(Number(text))) trial.wrong(`the honest listener got ${text}, which is not its turn`)
}
