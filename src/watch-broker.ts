import type { Broker } from "./broker/broker.ts"
import type { Clock } from "./foundation/clock.ts"
import type { DropReason } from "./foundation/counters.ts"
import type { Log } from "./foundation/log.ts"

/** A client that loses messages by the thousand gets a line now and then, with their number. */
const dropReportMs = 10_000

/** Writes what happens in a broker to the log: connects, disconnects with their reason, refusals and drops. */
export function watchBroker({ hook }: Broker, clock: Clock, log: Log): void {
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
  const drops = new DropReport(clock, log)
  hook.onEvent("message-dropped", ({ clientId, why }) => drops.add(clientId, why))
}

/** The first drop of a client and reason is told at once, the rest are summed up. */
class DropReport {
  readonly #clock: Clock
  readonly #log: Log
  readonly #counts = new Map<string, { client: string; why: DropReason; count: number }>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  add(client: string, why: DropReason): void {
    const key = `${why} ${client}`
    const known = this.#counts.get(key)
    if (known !== undefined) {
      known.count += 1
      return
    }
    this.#log.warn("message dropped", { client, why })
    if (this.#counts.size === 0) {
      this.#clock.at(this.#clock.now() + dropReportMs, () => this.#tell())
    }
    this.#counts.set(key, { client, why, count: 0 })
  }

  #tell(): void {
    for (const { client, why, count } of this.#counts.values()) {
      if (count > 0) this.#log.warn("more messages dropped", { client, why, count })
    }
    this.#counts.clear()
  }
}
