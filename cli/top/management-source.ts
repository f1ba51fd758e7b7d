import type { ActivityFacts, ClientActivity } from "../../src/management/activity.ts"
import type { Status } from "../../src/management/status.ts"
import type { ManagementClient } from "../management/management-client.ts"
import { CommandError } from "../output.ts"
import { CounterRates } from "./counter-rates.ts"
import type { ClientRow, Counts, Reading, Source } from "./reading.ts"
import { type TopicCounts, topicDeltas } from "./topic-deltas.ts"
import { TopicRates } from "./topic-rates.ts"

/** Of topics and of clients: more than anyone looks through. */
const mostTold = 1_000
/** The broker counts topics for as long as somebody asks, and forgets them after 10 seconds. */
const longestSilenceMs = 5_000
/** A client that has become quiet stays in sight for a while, so that those that speak now and then do not flicker. */
const inSightMs = 10_000

/** A broker of ours on this machine, asked at its admin socket. */
export class ManagementSource implements Source {
  readonly kind = "management"
  readonly #client: ManagementClient
  readonly #rates = new CounterRates()
  readonly #topics = new TopicRates(performance.now())
  readonly #seen = new Map<string, { readonly activity: ClientActivity; readonly atMs: number }>()
  readonly #reminder: ReturnType<typeof setInterval> | undefined
  #counts: TopicCounts | undefined
  #latest: Reading | undefined

  /** @param intervalMs between two readings */
  constructor(client: ManagementClient, intervalMs: number) {
    this.#client = client
    if (intervalMs > longestSilenceMs) {
      this.#reminder = setInterval(() => void this.#look().catch(() => {}), longestSilenceMs)
    }
  }

  /** @throws CommandError the first time, when there is no broker to ask */
  async read(): Promise<Reading> {
    try {
      const [status, activity] = await Promise.all([
        this.#client.ask<Status>("GET", "/v1/status"),
        this.#look(),
      ])
      return (this.#latest = this.#reading(status, activity))
    } catch (error) {
      if (!(error instanceof CommandError) || this.#latest === undefined) throw error
      return { ...this.#latest, atMs: Date.now(), trouble: error.message }
    }
  }

  readonly kick = async (clientId: string): Promise<void> => {
    await this.#client.ask("DELETE", "/v1/client", { client: clientId })
    this.#seen.delete(clientId)
  }

  async close(): Promise<void> {
    clearInterval(this.#reminder)
  }

  async #look(): Promise<ActivityFacts> {
    const activity = await this.#client.ask<ActivityFacts>("GET", "/v1/activity", { most: mostTold })
    const { topics, topicsSinceMs: sinceMs } = activity
    const counts = { sinceMs, topics, isCut: topics.length >= mostTold }
    for (const { topic, messages, bytes } of topicDeltas(this.#counts, counts)) {
      this.#topics.count(topic, bytes, messages)
    }
    this.#counts = counts
    return activity
  }

  #reading(status: Status, activity: ActivityFacts): Reading {
    const { version, uptimeSeconds, urls, clients, sessions, subscriptions, retained, queued, warnings } =
      status
    const totals = countsOf(activity)
    const [first = "", ...more] = urls.map((url) => url.replace(/^tcp:\/\//, ""))
    return {
      atMs: Date.now(),
      name: more.length === 0 ? first : `${first} and ${more.length} more`,
      version: `bantam ${version}`,
      uptimeSeconds,
      clients: clients.connected,
      sessions: sessions.total,
      subscriptions: subscriptions.total,
      retained: retained.messages,
      queued: queued.messages,
      totals,
      rates: this.#rates.read(totals, activity.atMs / 1000),
      topics: this.#topics.read(performance.now()),
      clientRows: this.#rows(activity),
      warnings,
      notes: [],
      trouble: undefined,
    }
  }

  #rows({ clients, atMs }: ActivityFacts): readonly ClientRow[] {
    for (const activity of clients) this.#seen.set(activity.client, { activity, atMs })
    const rows: ClientRow[] = []
    for (const [clientId, seen] of this.#seen) {
      if (atMs - seen.atMs > inSightMs) this.#seen.delete(clientId)
      else rows.push(rowOf(seen.activity, seen.atMs === atMs))
    }
    return rows
  }
}

function rowOf(activity: ClientActivity, isBusy: boolean): ClientRow {
  const { client, user, address, publishedPerSecond, deliveredPerSecond, queuedMessages, slow, paused } =
    activity
  return {
    clientId: client,
    username: user ?? undefined,
    address,
    inPerSecond: isBusy ? publishedPerSecond : 0,
    outPerSecond: isBusy ? deliveredPerSecond : 0,
    queued: isBusy ? queuedMessages : 0,
    marks: isBusy ? [...(slow ? ["slow"] : []), ...(paused ? ["held"] : [])] : [],
  }
}

/** What sleepers miss at QoS 0 is no loss that anyone has to look at; `$SYS` does not count it either. */
function countsOf({ counters }: ActivityFacts): Counts {
  const lost = Object.values(counters.dropped).reduce((sum, count) => sum + count, 0)
  return {
    messagesIn: counters.publishesReceived,
    messagesOut: counters.publishesSent,
    bytesIn: counters.bytesReceived,
    bytesOut: counters.bytesSent,
    dropped: lost - counters.dropped.absent,
  }
}
