import { assert } from "../../src/foundation/assert.ts"
import type { KeptTime } from "../../src/foundation/clock.ts"
import type { AccountStore } from "../../src/storage/account-store.ts"
import type { Message } from "../../src/protocol/message.ts"
import { type MessageRecord, recordOf } from "../../src/protocol/message-record.ts"
import type { TopicName } from "../../src/protocol/topic.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { Ticket } from "../../src/foundation/ticket.ts"
import type {
  RecalledMessage,
  Sequence,
  SessionJournal,
  SessionRecord,
  Store,
  StoredSession,
  StoreMood,
} from "../../src/storage/store.ts"
import { Batch, type Change, failedTicket, SimulatedDisk, wasSent } from "./simulated-disk.ts"
import { SimulatedJournal } from "./simulated-journal.ts"

interface Question {
  /** To be written, or to have failed, before the answer. */
  readonly after: ReadonlySet<Batch>
  answer(): void
}

/**
 * A store on a disk that obeys the simulation: it commits when told to, fails when told to, and loses with `crash`
 * whatever was not committed. It batches as the SQLite store does: one batch is being written while the next
 * gathers, and what is told within one turn is in one batch.
 */
export class SimulatedStore implements Store {
  readonly accounts: AccountStore = new MemoryStore().accounts
  readonly drops = new MemoryStore().drops
  readonly disk: SimulatedDisk
  readonly #behindMessages: number
  readonly #listeners: ((mood: StoreMood, why: string) => void)[] = []
  #mood: StoreMood = "healthy"
  #gathering = new Batch()
  #writing: Batch | undefined
  #questions: Question[] = []
  #crashed = false

  /** @param behindMessages more than these in batches not yet committed, and the store says that it is behind */
  constructor(disk = new SimulatedDisk(), behindMessages = Number.POSITIVE_INFINITY) {
    this.disk = disk
    this.#behindMessages = behindMessages
  }

  onAccountsChanged(): void {}

  // --- what the simulation does with it ---

  /** A batch is on its way to the disk, for `commit` or `fail` to end. */
  get isWriting(): boolean {
    return this.#writing !== undefined
  }

  /** All that was told is on the disk. */
  get isAtRest(): boolean {
    return this.#writing === undefined && this.#gathering.isEmpty && !this.cannotWrite
  }

  /** Nothing is promised. */
  get cannotWrite(): boolean {
    return this.#mood === "failed" || this.#mood === "lost"
  }

  /** Queues wait to be read. */
  get isAsked(): boolean {
    return this.#questions.length > 0
  }

  /** The turn of the event loop is over: what it told goes to the disk together. */
  endTurn(): void {
    if (this.#writing !== undefined || this.cannotWrite || this.#gathering.isEmpty) return
    this.#hand()
  }

  /** The batch that is being written is on the disk. A store that had failed tries again with this. */
  commit(): void {
    if (this.#mood === "lost") return
    if (this.#mood === "failed" && this.#writing === undefined) this.#hand()
    const batch = this.#writing
    if (batch === undefined) return
    this.#writing = undefined
    for (const { apply } of batch.changes) apply(this.disk)
    for (const { apply } of batch.lastChanges) apply(this.disk)
    if (this.#mood === "failed") this.#feel("healthy", "the store can write again")
    batch.promise.settle("committed")
    for (const ticket of batch.carried) ticket.settle("committed")
    if (this.#mood === "behind" && this.#uncommitted() <= this.#behindMessages / 2) {
      this.#feel("healthy", "what waited is written")
    }
  }

  /** Nothing of what waits can be written: its promises are broken, what takes away is tried again. */
  fail(why: string): void {
    const batch = this.#writing ?? new Batch()
    this.#writing = undefined
    const waiting = this.#gathering
    this.#gathering = new Batch()
    this.#gathering.carryOver(waiting)
    this.#gathering.carryOver(batch)
    if (!this.cannotWrite) this.#feel("failed", why)
    batch.promise.settle("failed")
    waiting.promise.settle("failed")
  }

  /** It is gone for good, and whoever serves from it has to stop. */
  lose(why: string): void {
    this.#feel("lost", why)
    this.fail(why)
  }

  /** What the next process begins its clock with. */
  keepTime(time: KeptTime): void {
    if (!this.cannotWrite) this.disk.time = time
  }

  /** Reads the queue that was asked for first. @returns false when its batch is still on its way */
  answer(): boolean {
    const [first] = this.#questions
    if (first === undefined) return false
    if (this.#writing !== undefined && first.after.has(this.#writing)) return false
    if (!this.cannotWrite && first.after.has(this.#gathering)) return false
    this.#questions.shift()
    first.answer()
    return true
  }

  /** The process is gone. What it still says or waits for leads nowhere. @returns the store of the next process */
  crash(): SimulatedStore {
    this.#crashed = true
    this.#questions = []
    return new SimulatedStore(this.disk, this.#behindMessages)
  }

  // --- what the broker does with it ---

  get mood(): StoreMood {
    return this.#mood
  }

  onMood(listener: (mood: StoreMood, why: string) => void): void {
    this.#listeners.push(listener)
  }

  async *sessions(): AsyncIterable<StoredSession> {
    for (const [session, atRest] of [...this.disk.sessions]) {
      const queue = [...atRest.queue.values()]
      yield {
        record: atRest.record,
        journal: new SimulatedJournal(this, session),
        subscriptions: [...atRest.subscriptions.values()],
        awaitingRelease: [...atRest.identifiers],
        queuedMessages: queue.length,
        queuedBytes: queue.reduce((sum, { queued }) => sum + bytesOf(queued.publish.message), 0),
        sentMessages: queue.filter((entry) => wasSent(entry, atRest)).length,
        sentUpTo: atRest.sentUpTo,
        lastSequence: Math.max(queue.at(-1)?.queued.sequence ?? 0, atRest.sentUpTo),
      }
    }
  }

  async *retained(): AsyncIterable<readonly MessageRecord[]> {
    yield [...this.disk.retained.values()].map(recordOf)
  }

  create(record: SessionRecord): { readonly journal: SessionJournal; readonly ticket: Ticket | undefined } {
    const session = ++this.disk.lastSession
    const ticket = this.promise((disk) => {
      for (const [earlier, { record: other }] of disk.sessions) {
        if (other.clientId === record.clientId) disk.sessions.delete(earlier)
      }
      disk.sessions.set(session, {
        record,
        subscriptions: new Map(),
        identifiers: new Set(),
        queue: new Map(),
        sentUpTo: 0,
      })
    })
    return { journal: new SimulatedJournal(this, session, ticket), ticket }
  }

  retain(message: Message): Ticket {
    return this.promise((disk) => disk.retained.set(message.topic.name, message))
  }

  unretain(topic: TopicName): Ticket {
    return this.promise((disk) => disk.retained.delete(topic))
  }

  async close(): Promise<void> {}

  // --- what its journals do with it ---

  /** One more promise for the batch that gathers. */
  promise(apply: Change, when: "in turn" | "at the end" = "in turn"): Ticket {
    if (this.cannotWrite) return failedTicket
    const batch = this.#gathering
    ;(when === "in turn" ? batch.changes : batch.lastChanges).push({ apply, carriedOver: false })
    return batch.promise
  }

  /** One more message; so many of them, and the store is behind. */
  enqueue(apply: Change): Ticket {
    const ticket = this.promise(apply)
    if (ticket !== failedTicket) this.#gathering.enqueued += 1
    if (this.#mood === "healthy" && this.#uncommitted() > this.#behindMessages) {
      this.#feel("behind", "more waits to be written than should")
    }
    return ticket
  }

  /** What may not be forgotten, whatever fails. */
  carry(apply: Change, when: "in turn" | "at the end" = "in turn"): Ticket | undefined {
    const batch = this.#gathering
    ;(when === "in turn" ? batch.changes : batch.lastChanges).push({ apply, carriedOver: true })
    return batch.carried.at(-1)
  }

  remove(session: number, sequence: Sequence): void {
    this.#gathering.removed.push({ session, sequence })
    this.carry((disk) => disk.sessions.get(session)?.queue.delete(sequence), "at the end")
  }

  ask(session: number, after: Sequence, limit: number): Promise<readonly RecalledMessage[]> {
    const batches = new Set([...(this.#writing === undefined ? [] : [this.#writing]), this.#gathering])
    return new Promise((resolve) => {
      this.#questions.push({
        after: this.#gathering.isEmpty ? new Set([...batches].filter((each) => !each.isEmpty)) : batches,
        answer: () => resolve(this.#read(session, after, limit)),
      })
    })
  }

  #read(session: number, after: Sequence, limit: number): readonly RecalledMessage[] {
    const atRest = this.disk.sessions.get(session)
    const recalled: RecalledMessage[] = []
    for (const { queued, released } of atRest?.queue.values() ?? []) {
      const { sequence } = queued
      if (sequence <= after || this.#isRemoved(session, sequence)) continue
      if (recalled.length >= limit) break
      recalled.push({ ...queued, sentBefore: sequence <= (atRest?.sentUpTo ?? 0), released })
    }
    return recalled
  }

  #isRemoved(session: number, sequence: Sequence): boolean {
    return [this.#writing, this.#gathering].some((batch) =>
      batch?.removed.some((removed) => removed.session === session && removed.sequence === sequence),
    )
  }

  #hand(): void {
    assert(!this.#crashed, "a process that is gone writes nothing")
    this.#writing = this.#gathering
    this.#gathering = new Batch()
  }

  #uncommitted(): number {
    return this.#gathering.enqueued + (this.#writing?.enqueued ?? 0)
  }

  #feel(mood: StoreMood, why: string): void {
    this.#mood = mood
    for (const listener of this.#listeners) listener(mood, why)
  }
}

function bytesOf({ topic, payload, properties }: Message): number {
  return topic.utf8.length + payload.length + properties.length
}
