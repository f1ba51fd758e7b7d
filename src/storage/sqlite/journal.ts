import type { PacketId } from "../../protocol/packet.ts"
import { subscriptionFilterText, type ShareName, type TopicFilter } from "../../protocol/topic.ts"
import type { Ticket } from "../../foundation/ticket.ts"
import type {
  QueuedMessage,
  RecalledMessage,
  Sequence,
  SessionJournal,
  SessionRecord,
  StoredSubscription,
} from "../store.ts"
import type { Batch } from "./batch.ts"
import type { GroupCommit } from "./group-commit.ts"
import type { PlainOperation, SessionNumber } from "./operation.ts"
import { recallQueue } from "./recall.ts"
import { failedTicket } from "./ticket.ts"
import type { WorkerLink } from "./worker-link.ts"

/** One session's line to the SQLite store. */
export class SqliteJournal implements SessionJournal {
  readonly #session: SessionNumber
  readonly #commits: GroupCommit
  readonly #link: WorkerLink
  readonly #givesTickets: boolean
  /** Of the session's creation, until that is known to be written. */
  #creation: Ticket | undefined
  #isEnded = false
  #sentUpTo: Sequence = 0
  #lastSequence: Sequence

  /**
   * @param lastSequence the highest in its queue so far
   * @param givesTickets false when nobody waits for the disk
   */
  constructor(
    session: SessionNumber,
    lastSequence: Sequence,
    commits: GroupCommit,
    link: WorkerLink,
    givesTickets: boolean,
  ) {
    this.#session = session
    this.#lastSequence = lastSequence
    this.#commits = commits
    this.#link = link
    this.#givesTickets = givesTickets
  }

  /** Writes the first record. If that fails, nothing can be promised to this session any more. */
  create(record: SessionRecord): Ticket | undefined {
    const ticket = this.#promise({ op: "created", session: this.#session, record })
    this.#creation = this.#givesTickets ? ticket : undefined
    return ticket
  }

  enqueued(queued: QueuedMessage): Ticket | undefined {
    const batch = this.#promising()
    if (batch === undefined) return this.#refusal()
    batch.enqueue(this.#session, queued, this.#lastSequence)
    this.#lastSequence = queued.sequence
    return this.#ticket(batch)
  }

  sent(upTo: Sequence): void {
    if (upTo <= this.#sentUpTo || !this.#isThere()) return
    this.#commits.gathering().sent(this.#session, upTo, this.#sentUpTo)
    this.#sentUpTo = upTo
  }

  removed(sequence: Sequence): void {
    if (this.#isThere()) this.#commits.gathering().remove(this.#session, sequence)
  }

  removedOldest(beyond: Sequence): void {
    this.#promising()?.removeOldest(this.#session, beyond)
  }

  released(sequence: Sequence): Ticket | undefined {
    return this.#promise({ op: "released", session: this.#session, sequence })
  }

  identifierKept(packetId: PacketId): Ticket | undefined {
    return this.#promise({ op: "identifierKept", session: this.#session, packetId })
  }

  identifierReleased(packetId: PacketId): Ticket | undefined {
    return this.#carry({ op: "identifierReleased", session: this.#session, packetId })
  }

  subscribed(subscription: StoredSubscription): Ticket | undefined {
    return this.#promise({ op: "subscribed", session: this.#session, subscription })
  }

  unsubscribed(filter: TopicFilter, shareName: ShareName | undefined): Ticket | undefined {
    const text = subscriptionFilterText({ filter, shareName })
    return this.#carry({ op: "unsubscribed", session: this.#session, filter: text })
  }

  updated(record: SessionRecord): Ticket | undefined {
    return this.#promise({ op: "updated", session: this.#session, record })
  }

  noted(record: SessionRecord): void {
    if (this.#isThere()) this.#commits.gathering().note(this.#session, record)
  }

  ended(): Ticket | undefined {
    const ticket = this.#carry({ op: "ended", session: this.#session })
    this.#isEnded = true
    return ticket
  }

  queue(after: Sequence, limit: number): Promise<readonly RecalledMessage[]> {
    return recallQueue(this.#commits, this.#link, this.#session, after, limit)
  }

  #promise(operation: PlainOperation): Ticket | undefined {
    const batch = this.#promising()
    if (batch === undefined) return this.#refusal()
    batch.add(operation)
    return this.#ticket(batch)
  }

  /** What takes away from a session that is not there has been done already. */
  #carry(operation: PlainOperation): Ticket | undefined {
    if (!this.#isThere()) return undefined
    const batch = this.#commits.gathering()
    batch.add(operation)
    return this.#givesTickets ? batch.carriedTicket : undefined
  }

  #promising(): Batch | undefined {
    return this.#isThere() ? this.#commits.promising() : undefined
  }

  /** Nobody waits for a promise to a session that is over; any other is refused. */
  #refusal(): Ticket | undefined {
    return this.#isEnded ? undefined : failedTicket
  }

  #ticket(batch: Batch): Ticket | undefined {
    const ticket = this.#commits.promised(batch)
    return this.#givesTickets ? ticket : undefined
  }

  #isThere(): boolean {
    if (this.#creation !== undefined && this.#creation.state === "committed") this.#creation = undefined
    return !this.#isEnded && this.#creation?.state !== "failed"
  }
}
