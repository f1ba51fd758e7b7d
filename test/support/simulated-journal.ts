import type { PacketId } from "../../src/protocol/packet.ts"
import { type ShareName, subscriptionFilterText, type TopicFilter } from "../../src/protocol/topic.ts"
import type { Ticket } from "../../src/foundation/ticket.ts"
import type {
  QueuedMessage,
  RecalledMessage,
  Sequence,
  SessionJournal,
  SessionRecord,
  StoredSubscription,
} from "../../src/storage/store.ts"
import { failedTicket, type SessionAtRest, type SimulatedDisk, wasSent } from "./simulated-disk.ts"
import type { SimulatedStore } from "./simulated-store.ts"

/** One session's line to the simulated store. */
export class SimulatedJournal implements SessionJournal {
  readonly #store: SimulatedStore
  readonly #session: number
  readonly #creation: Ticket | undefined
  #isEnded = false
  #sentUpTo: Sequence = 0

  constructor(store: SimulatedStore, session: number, creation?: Ticket) {
    this.#store = store
    this.#session = session
    this.#creation = creation
  }

  enqueued(queued: QueuedMessage): Ticket | undefined {
    if (!this.#isThere()) return this.#refusal()
    // The store is told what the message is now, not what becomes of the object.
    const { sequence, publish, qos, retain, subscriptionIdentifiers } = queued
    const copy = { sequence, publish, qos, retain, subscriptionIdentifiers }
    return this.#store.enqueue((disk) => {
      disk.sessions.get(this.#session)?.queue.set(sequence, { queued: copy, released: false })
    })
  }

  sent(upTo: Sequence): void {
    if (upTo <= this.#sentUpTo || !this.#isThere()) return
    this.#sentUpTo = upTo
    this.#store.carry((disk) => {
      const atRest = disk.sessions.get(this.#session)
      if (atRest !== undefined) atRest.sentUpTo = Math.max(atRest.sentUpTo, upTo)
    }, "at the end")
  }

  removed(sequence: Sequence): void {
    if (this.#isThere()) this.#store.remove(this.#session, sequence)
  }

  removedOldest(beyond: Sequence): void {
    if (!this.#isThere()) return
    this.#store.promise((disk) => {
      const atRest = disk.sessions.get(this.#session)
      if (atRest === undefined) return
      for (const [sequence, entry] of atRest.queue) {
        if (sequence <= beyond || wasSent(entry, atRest)) continue
        atRest.queue.delete(sequence)
        return
      }
    }, "at the end")
  }

  released(sequence: Sequence): Ticket | undefined {
    return this.#promise((atRest) => {
      const entry = atRest.queue.get(sequence)
      if (entry !== undefined) entry.released = true
    })
  }

  identifierKept(packetId: PacketId): Ticket | undefined {
    return this.#promise((atRest) => atRest.identifiers.add(packetId))
  }

  identifierReleased(packetId: PacketId): Ticket | undefined {
    return this.#carry((atRest) => atRest.identifiers.delete(packetId))
  }

  subscribed(subscription: StoredSubscription): Ticket | undefined {
    return this.#promise((atRest) => {
      atRest.subscriptions.set(subscriptionFilterText(subscription), subscription)
    })
  }

  unsubscribed(filter: TopicFilter, shareName: ShareName | undefined): Ticket | undefined {
    return this.#carry((atRest) => atRest.subscriptions.delete(subscriptionFilterText({ filter, shareName })))
  }

  updated(record: SessionRecord): Ticket | undefined {
    return this.#promise((atRest) => {
      atRest.record = record
    })
  }

  noted(record: SessionRecord): void {
    this.#carry((atRest) => {
      atRest.record = record
    })
  }

  ended(): Ticket | undefined {
    if (!this.#isThere()) return undefined
    this.#isEnded = true
    return this.#store.carry((disk) => disk.sessions.delete(this.#session))
  }

  queue(after: Sequence, limit: number): Promise<readonly RecalledMessage[]> {
    return this.#store.ask(this.#session, after, limit)
  }

  #promise(apply: (atRest: SessionAtRest) => void): Ticket | undefined {
    if (!this.#isThere()) return this.#refusal()
    return this.#store.promise((disk) => this.#apply(disk, apply))
  }

  #carry(apply: (atRest: SessionAtRest) => void): Ticket | undefined {
    if (!this.#isThere()) return undefined
    return this.#store.carry((disk) => this.#apply(disk, apply))
  }

  #apply(disk: SimulatedDisk, apply: (atRest: SessionAtRest) => void): void {
    const atRest = disk.sessions.get(this.#session)
    if (atRest !== undefined) apply(atRest)
  }

  #isThere(): boolean {
    return !this.#isEnded && this.#creation?.state !== "failed"
  }

  /** Nobody waits for a promise to a session that is over; any other is refused. */
  #refusal(): Ticket | undefined {
    return this.#isEnded ? undefined : failedTicket
  }
}
