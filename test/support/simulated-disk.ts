import { assert } from "../../src/foundation/assert.ts"
import type { KeptTime } from "../../src/foundation/clock.ts"
import type { Message } from "../../src/protocol/message.ts"
import type { PacketId } from "../../src/protocol/packet.ts"
import type { TopicName } from "../../src/protocol/topic.ts"
import type { Ticket, TicketWaiter } from "../../src/foundation/ticket.ts"
import type { QueuedMessage, Sequence, SessionRecord, StoredSubscription } from "../../src/storage/store.ts"

/** What a power cut leaves: it changes by whole batches only. */
export class SimulatedDisk {
  readonly sessions = new Map<number, SessionAtRest>()
  readonly retained = new Map<TopicName, Message>()
  lastSession = 0
  time: KeptTime | undefined
}

export interface SessionAtRest {
  record: SessionRecord
  readonly subscriptions: Map<string, StoredSubscription>
  readonly identifiers: Set<PacketId>
  readonly queue: Map<Sequence, EntryAtRest>
  sentUpTo: Sequence
}

export interface EntryAtRest {
  readonly queued: QueuedMessage
  released: boolean
}

/** It has been on the wire, so that it is its client's to answer. */
export function wasSent({ queued, released }: EntryAtRest, { sentUpTo }: SessionAtRest): boolean {
  return released || queued.sequence <= sentUpTo
}

export type Change = (disk: SimulatedDisk) => void

/** What is told between two ends of a turn. Some of it is carried over to the next batch when this one fails. */
export class Batch {
  readonly changes: { readonly apply: Change; readonly carriedOver: boolean }[] = []
  /** What speaks of the queues as they are by the end of the batch; the same applies. */
  readonly lastChanges: { readonly apply: Change; readonly carriedOver: boolean }[] = []
  readonly removed: { readonly session: number; readonly sequence: Sequence }[] = []
  readonly promise = new SettledTicket()
  readonly carried: SettledTicket[] = [new SettledTicket()]
  enqueued = 0

  get isEmpty(): boolean {
    return this.changes.length + this.lastChanges.length === 0
  }

  carryOver(failed: Batch): void {
    this.changes.unshift(...failed.changes.filter((change) => change.carriedOver))
    this.lastChanges.unshift(...failed.lastChanges.filter((change) => change.carriedOver))
    this.removed.unshift(...failed.removed)
    this.carried.unshift(...failed.carried)
  }
}

export class SettledTicket implements Ticket {
  #state: Ticket["state"] = "pending"
  #waiters: TicketWaiter[] = []

  get state(): Ticket["state"] {
    return this.#state
  }

  wait(waiter: TicketWaiter): void {
    assert(this.#state === "pending", "only a pending ticket is waited for")
    this.#waiters.push(waiter)
  }

  settle(state: "committed" | "failed"): void {
    this.#state = state
    for (const waiter of this.#waiters.splice(0)) waiter.settled(this)
  }
}

export const failedTicket: Ticket = {
  state: "failed",
  wait() {
    throw new Error("a failed ticket is not waited for")
  },
}
