import { subscriptionFilterText } from "../../src/protocol/topic.ts"
import type { Chronicle } from "./chronicle.ts"
import type { Ledger } from "./ledger.ts"
import type { SimulatedBroker } from "./simulated-broker.ts"
import type { SimulatedClient } from "./simulated-client.ts"

/*
 * Looks into a broker and onto its disk, where what is wrong would show itself to a client only much later. Each
 * throws a Violation.
 */

export function inspectRetained({ broker }: SimulatedBroker, ledger: Ledger, chronicle: Chronicle): void {
  for (const name of ledger.retainedTopics) {
    const allowed = ledger.mayBeRetained(name)
    const text = new TextDecoder().decode(broker.retained.get(name)?.payload)
    chronicle.check(allowed.has(text), `${name} retains "${text}", not ${[...allowed].join(" or ")}`)
  }
}

/** When everything is delivered and acknowledged, no queue has anything, and the disk is as the memory. */
export function inspectRest({ broker, store }: SimulatedBroker, ledger: Ledger, chronicle: Chronicle): void {
  for (const { clientId, load, received } of broker.sessions) {
    chronicle.check(load === 0, `${clientId} has ${load} messages in its queue, and got them all`)
    chronicle.check(received.size === 0, `${clientId} has ${received.size} identifiers it released`)
  }
  const { messagesQueued, bytesQueued } = broker.counters
  chronicle.check(
    messagesQueued === 0 && bytesQueued === 0,
    `${messagesQueued} messages and ${bytesQueued} bytes are counted in empty queues`,
  )
  for (const { record, queue, identifiers } of store.disk.sessions.values()) {
    chronicle.check(queue.size + identifiers.size === 0, `the disk still has some of ${record.clientId}`)
  }
  for (const name of ledger.retainedTopics) {
    chronicle.check(
      broker.retained.get(name)?.counter === store.disk.retained.get(name)?.counter,
      `${name} retains one message in memory and another on the disk`,
    )
  }
}

/** No session is gone before its time. */
export function inspectSessions(
  { broker }: SimulatedBroker,
  clients: readonly SimulatedClient[],
  chronicle: Chronicle,
): void {
  for (const { name, hasSession } of clients) {
    if (!hasSession) continue
    const isThere = [...broker.sessions].some(({ clientId }) => clientId === name)
    chronicle.check(isThere, `the session of ${name} is gone before its time`)
  }
}

/** Each session has the subscriptions that its client knows of. */
export function inspectSubscriptions(
  { broker }: SimulatedBroker,
  clients: readonly SimulatedClient[],
  chronicle: Chronicle,
): void {
  for (const client of clients) {
    const session = [...broker.sessions].find(({ clientId }) => clientId === client.name)
    const actual = [...(session?.subscriptions ?? [])].map(subscriptionFilterText)
    const [lost] = client.subscribed.filter((text) => !actual.includes(text))
    chronicle.check(lost === undefined, `${client.name} has lost its subscription to ${lost}`)
    const known = [...client.subscribed, ...client.perhapsSubscribed]
    const [left] = actual.filter((text) => !known.includes(text))
    chronicle.check(left === undefined, `${client.name} still has a subscription to ${left}`)
  }
}

/** When everyone is gone for good, nothing is left of them, in memory or on the disk. */
export function inspectRemains({ broker, acceptor, store }: SimulatedBroker, chronicle: Chronicle): void {
  const remains = {
    sessions: broker.sessions.size,
    subscriptions: broker.subscriptions.size,
    "shared subscriptions": broker.subscriptions.sharedSize,
    "retained messages": broker.retained.size,
    connections: acceptor.size,
    "connected clients": broker.counters.clientsConnected,
    "queued messages": broker.counters.messagesQueued,
    "queued bytes": broker.counters.bytesQueued,
    "sessions on the disk": store.disk.sessions.size,
    "retained messages on the disk": store.disk.retained.size,
  }
  for (const [what, count] of Object.entries(remains)) {
    chronicle.check(count === 0, `${count} ${what} are left when everyone is gone`)
  }
}
