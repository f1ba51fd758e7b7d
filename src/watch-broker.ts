import type { Broker } from "./broker/broker.ts"
import type { Clock, Timer } from "./foundation/clock.ts"
import { type DropReason, dropReasons } from "./foundation/counters.ts"
import type { Log } from "./foundation/log.ts"

/** A client that loses messages by the thousand gets a line now and then, with their number. */
const dropReportMs = 600_000
/** Clients of which it is remembered, for each reason, that they have had their line. */
const mostReported = 10_000

export interface BrokerWatch {
  /** Tells what is left to be summed up, and waits for nothing any more. */
  close(): void
}

/** Writes what happens in a broker to the log: connects, disconnects with their reason, refusals, drops and queues that fill. */
export function watchBroker({ hook, limits }: Broker, clock: Clock, log: Log): BrokerWatch {
  hook.onEvent("client-connected", ({ clientId, username, address, version, sessionPresent }) =>
    log.info("client connected", {
      client: clientId,
      user: username,
      address,
      version,
      resumed: sessionPresent,
    }),
  )
  hook.onEvent("client-disconnected", ({ clientId, username, why }) =>
    log.info("client disconnected", { client: clientId, user: username, why }),
  )
  hook.onEvent("client-refused", ({ clientId, username, address, why }) =>
    log.warn("client refused", {
      client: clientId === "" ? undefined : clientId,
      user: username,
      address,
      why,
    }),
  )
  hook.onEvent("session-taken-over", ({ clientId }) => log.info("session taken over", { client: clientId }))
  hook.onEvent("session-expired", ({ clientId }) => log.info("session expired", { client: clientId }))
  hook.onEvent("subscribed", ({ clientId, filter }) => log.debug("subscribed", { client: clientId, filter }))
  hook.onEvent("unsubscribed", ({ clientId, filter }) =>
    log.debug("unsubscribed", { client: clientId, filter }),
  )
  hook.onEvent("queue-filling", ({ clientId, messages, bytes }) =>
    log.warn("a queue is filling", {
      client: clientId,
      messages,
      "messages-maximum": limits.queuedMessages,
      bytes,
      "bytes-maximum": limits.queuedBytes,
    }),
  )
  const reports = new Map(dropReasons.map((why) => [why, new DropReport(why, clock, log)]))
  hook.onEvent("message-dropped", ({ clientId, why, messages }) => reports.get(why)?.add(clientId, messages))
  return {
    close: () => {
      for (const report of reports.values()) report.close()
    },
  }
}

/** The first drop of a client is told at once; the rest of the next ten minutes is summed up. */
class DropReport {
  readonly #why: DropReason
  readonly #clock: Clock
  readonly #log: Log
  /** In the order of their first drops. */
  readonly #tallies = new Map<string, Tally>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(why: DropReason, clock: Clock, log: Log) {
    this.#why = why
    this.#clock = clock
    this.#log = log
  }

  /** Hot. */
  add(client: string, messages: number): void {
    const known = this.#tallies.get(client)
    if (known !== undefined) {
      known.more += messages
      return
    }
    this.#say("message dropped", client, messages)
    if (this.#isClosed) return
    if (this.#tallies.size === 0) this.#tellAt(this.#clock.now() + dropReportMs)
    const [oldest] = this.#tallies
    if (oldest !== undefined && this.#tallies.size >= mostReported) this.#tell(...oldest)
    this.#tallies.set(client, { endsMs: this.#clock.now() + dropReportMs, more: 0 })
  }

  /** Tells the rest of all. What a store drops that cannot write even as it is closed is told drop by drop. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    for (const [client, tally] of this.#tallies) this.#tell(client, tally)
  }

  #tellAt(atMs: number): void {
    this.#timer = this.#clock.at(atMs, () => {
      for (const [client, tally] of this.#tallies) {
        if (tally.endsMs > this.#clock.now()) return this.#tellAt(tally.endsMs)
        this.#tell(client, tally)
      }
    })
  }

  #tell(client: string, { more }: Tally): void {
    this.#tallies.delete(client)
    if (more > 0) this.#say("more messages dropped", client, more)
  }

  #say(sentence: string, client: string, count: number): void {
    // To miss what is said at QoS 0 while one sleeps is what QoS 0 means [4.3.1].
    const level = this.#why === "absent" ? "debug" : "warn"
    this.#log[level](sentence, { client, why: this.#why, ...(count > 1 && { count }) })
  }
}

interface Tally {
  readonly endsMs: number
  /** Since the first. */
  more: number
}
