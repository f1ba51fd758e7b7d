import type { Unlisten } from "../broker/hook.ts"
import type { Connection } from "../connection/connection.ts"
import type { Timer } from "../foundation/clock.ts"
import type { Counters } from "../foundation/counters.ts"
import type { TopicFilter } from "../protocol/topic.ts"
import { Loudest } from "./loudest.ts"
import { LoudestTopics, type TopicCount } from "./loudest-topics.ts"
import { Slice } from "./slice.ts"
import type { ManagementSurroundings } from "./surroundings.ts"

/** What goes on in a broker at the moment. Whoever asks again and again makes rates of two answers. */
export interface ActivityFacts {
  /** By a clock that nobody puts back. */
  readonly atMs: number
  readonly counters: Counters
  /** Since when topics are counted: nobody pays for it while nobody watches. */
  readonly topicsSinceMs: number
  /** The loudest since then. */
  readonly topics: readonly TopicCount[]
  /** The busiest since the answer before, as far as there was one within the last ten seconds. */
  readonly clients: readonly ClientActivity[]
}

export interface ClientActivity {
  readonly client: string
  readonly user: string | null
  readonly address: string
  /** Messages a second. */
  readonly publishedPerSecond: number
  readonly deliveredPerSecond: number
  readonly queuedMessages: number
  readonly slow: boolean
  readonly paused: boolean
}

interface Seen {
  readonly published: number
  readonly delivered: number
}

/** So many clients are told of at most, as of topics. */
export const mostTold = 1_000
/** Topics are counted for so long after somebody has asked. */
const attentionMs = 10_000
/** Who asks within so long has the answer of who asked before. */
const freshMs = 250

/** Watches for as long as somebody asks. */
export class Activity {
  readonly #surroundings: ManagementSurroundings
  readonly #soon: (run: () => void) => void
  #watch:
    { readonly topics: LoudestTopics; readonly sinceMs: number; readonly unlisten: Unlisten } | undefined
  #timer: Timer | undefined
  #before = new Map<Connection, Seen>()
  #beforeMs: number | undefined
  #latest: { readonly atMs: number; readonly clients: Promise<readonly ClientActivity[]> } | undefined

  constructor(surroundings: ManagementSurroundings, soon: (run: () => void) => void) {
    this.#surroundings = surroundings
    this.#soon = soon
  }

  /** @param most of topics, and of clients */
  async look(most: number): Promise<ActivityFacts> {
    const { clock, broker } = this.#surroundings
    const watch = this.#payAttention()
    const atMs = clock.now()
    if (this.#latest === undefined || atMs - this.#latest.atMs >= freshMs) {
      this.#latest = { atMs, clients: this.#lookAtClients(atMs) }
    }
    const clients = await this.#latest.clients
    return {
      atMs,
      counters: broker.counters,
      topicsSinceMs: watch.sinceMs,
      topics: watch.topics.top(most),
      clients: clients.slice(0, most),
    }
  }

  close(): void {
    this.#timer?.cancel()
    this.#watch?.unlisten()
    this.#watch = undefined
    this.#before.clear()
    this.#beforeMs = undefined
    this.#latest = undefined
  }

  #payAttention(): { readonly topics: LoudestTopics; readonly sinceMs: number } {
    const { broker, clock } = this.#surroundings
    this.#timer?.cancel()
    this.#timer = clock.at(clock.now() + attentionMs, () => this.close())
    if (this.#watch === undefined) {
      const topics = new LoudestTopics()
      const unlisten = broker.hook.onMessage("#" as TopicFilter, ({ topic, payload }) =>
        topics.add(topic.name, payload.length),
      )
      this.#watch = { topics, sinceMs: clock.now(), unlisten }
    }
    return this.#watch
  }

  /** @returns those that do or wait for something, the busiest first */
  async #lookAtClients(nowMs: number): Promise<readonly ClientActivity[]> {
    const seconds = this.#beforeMs === undefined ? undefined : (nowMs - this.#beforeMs) / 1000
    const before = this.#before
    const seen = new Map<Connection, Seen>()
    this.#before = seen
    this.#beforeMs = nowMs
    const found = new Loudest(mostTold, weightOf)
    const slice = new Slice(this.#surroundings.clock)
    for (const connection of this.#surroundings.acceptor.connections) {
      if (slice.isOver()) await new Promise<void>((go) => this.#soon(go))
      const { client, door, waitsFor } = connection
      if (client === undefined) continue
      const { requester, session, link } = client
      const now = { published: client.published, delivered: link.delivered }
      seen.set(connection, now)
      const rate = (of: keyof Seen) =>
        seconds === undefined ? 0 : (now[of] - (before.get(connection)?.[of] ?? 0)) / seconds
      const activity: ClientActivity = {
        client: requester.clientId,
        user: requester.username ?? null,
        address: door.remoteAddress,
        publishedPerSecond: rate("published"),
        deliveredPerSecond: rate("delivered"),
        queuedMessages: session.load,
        slow: !link.takesMore,
        paused: waitsFor !== undefined,
      }
      if (weightOf(activity) > 0) found.add(activity)
    }
    return found.sorted()
  }
}

function weightOf({ publishedPerSecond, deliveredPerSecond, queuedMessages }: ClientActivity): number {
  return publishedPerSecond + deliveredPerSecond + queuedMessages
}
