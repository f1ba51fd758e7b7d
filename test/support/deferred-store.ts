import type { AccountStore } from "../../src/storage/account-store.ts"
import type { MessageRecord } from "../../src/protocol/message-record.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { Ticket, TicketWaiter } from "../../src/foundation/ticket.ts"
import type {
  QueuedMessage,
  RecalledMessage,
  SessionJournal,
  SessionRecord,
  Store,
  StoreMood,
  StoredSession,
} from "../../src/storage/store.ts"

/** A ticket that the test settles. */
export class ManualTicket implements Ticket {
  #state: Ticket["state"]
  #waiters: TicketWaiter[] = []

  constructor(state: Ticket["state"] = "pending") {
    this.#state = state
  }

  get state(): Ticket["state"] {
    return this.#state
  }

  wait(waiter: TicketWaiter): void {
    this.#waiters.push(waiter)
  }

  settle(state: "committed" | "failed"): void {
    this.#state = state
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.settled(this)
  }
}

/** What is told between two commits: one part may fail, the other is carried over until it can be written. */
class Batch {
  readonly ticket = new ManualTicket()
  readonly lasting = new ManualTicket()
  readonly changes: { readonly apply: () => void; readonly mayFail: boolean }[] = []
  readonly readers: (() => void)[] = []
}

/**
 * A memory store with a disk as slow as the test wants it: `hold` it, and what is told to it stays a promise until
 * `commit` or `fail`.
 */
export class DeferredStore implements Store {
  readonly #inner = new MemoryStore()
  readonly accounts: AccountStore = this.#inner.accounts
  readonly drops = this.#inner.drops
  #way: "at-once" | "held" | "refusing" = "at-once"
  #batch = new Batch()
  #mood: StoreMood = "healthy"
  #moodListeners: ((mood: StoreMood, why: string) => void)[] = []

  onAccountsChanged(listener: () => void): void {
    this.#inner.onAccountsChanged(listener)
  }

  get mood(): StoreMood {
    return this.#mood
  }

  set mood(mood: StoreMood) {
    this.#mood = mood
    for (const listener of this.#moodListeners) listener(mood, "the test says so")
  }

  /** From here on nothing is written but by `commit`. */
  hold(): void {
    this.#way = "held"
  }

  /** Writes what waits, and from here on everything at once. */
  letGo(): void {
    this.commit()
    this.#way = "at-once"
  }

  /** From here on whatever may fail has failed when it is told; what may not waits for `commit`. */
  refuse(): void {
    this.#way = "refusing"
  }

  commit(): void {
    const batch = this.#batch
    this.#batch = new Batch()
    for (const change of batch.changes) change.apply()
    batch.ticket.settle("committed")
    batch.lasting.settle("committed")
    for (const read of batch.readers) read()
  }

  /** What may fail fails; the rest waits on. */
  fail(): void {
    const batch = this.#batch
    const next = new Batch()
    next.changes.push(...batch.changes.filter((change) => !change.mayFail))
    this.#batch = next
    batch.ticket.settle("failed")
    batch.lasting.wait({ settled: () => {} })
    next.lasting.wait({ settled: () => batch.lasting.settle("committed") })
    for (const read of batch.readers) read()
  }

  onMood(listener: (mood: StoreMood, why: string) => void): void {
    this.#moodListeners.push(listener)
  }

  sessions(): AsyncIterable<StoredSession> {
    return this.#inner.sessions()
  }

  retained(): AsyncIterable<readonly MessageRecord[]> {
    return this.#inner.retained()
  }

  create(): { readonly journal: SessionJournal; readonly ticket: Ticket | undefined } {
    const { journal } = this.#inner.create()
    return { journal: new DeferredJournal(this, journal), ticket: this.told(() => {}) }
  }

  retain(): Ticket | undefined {
    return this.told(() => {})
  }

  unretain(): Ticket | undefined {
    return this.told(() => {}, "never-fails")
  }

  async close(): Promise<void> {}

  /** One change, as the way of the moment has it. */
  told(apply: () => void, kind: "may-fail" | "never-fails" = "may-fail"): Ticket | undefined {
    const mayFail = kind === "may-fail"
    if (this.#way === "at-once") {
      apply()
      return undefined
    }
    if (this.#way === "refusing" && mayFail) return new ManualTicket("failed")
    this.#batch.changes.push({ apply, mayFail })
    return mayFail ? this.#batch.ticket : this.#batch.lasting
  }

  /** Resolves when all that was told so far is written or has failed. */
  async written(): Promise<void> {
    if (this.#batch.changes.length === 0) return
    const { readers } = this.#batch
    await new Promise<void>((resolve) => readers.push(resolve))
  }
}

class DeferredJournal implements SessionJournal {
  readonly #store: DeferredStore
  readonly #inner: SessionJournal

  constructor(store: DeferredStore, inner: SessionJournal) {
    this.#store = store
    this.#inner = inner
  }

  enqueued(queued: QueuedMessage): Ticket | undefined {
    return this.#store.told(() => this.#inner.enqueued(queued))
  }

  sent(upTo: number): void {
    this.#store.told(() => this.#inner.sent(upTo), "never-fails")
  }

  removed(sequence: number): void {
    this.#store.told(() => this.#inner.removed(sequence), "never-fails")
  }

  removedOldest(beyond: number): void {
    this.#store.told(() => this.#inner.removedOldest(beyond))
  }

  released(sequence: number): Ticket | undefined {
    return this.#store.told(() => this.#inner.released(sequence))
  }

  identifierKept(): Ticket | undefined {
    return this.#store.told(() => {})
  }

  identifierReleased(): Ticket | undefined {
    return this.#store.told(() => {}, "never-fails")
  }

  subscribed(): Ticket | undefined {
    return this.#store.told(() => {})
  }

  unsubscribed(): Ticket | undefined {
    return this.#store.told(() => {}, "never-fails")
  }

  updated(_record: SessionRecord): Ticket | undefined {
    return this.#store.told(() => {})
  }

  noted(_record: SessionRecord): void {
    this.#store.told(() => {}, "never-fails")
  }

  ended(): Ticket | undefined {
    return this.#store.told(() => this.#inner.ended(), "never-fails")
  }

  async queue(after: number, limit: number): Promise<readonly RecalledMessage[]> {
    await this.#store.written()
    return this.#inner.queue(after, limit)
  }
}
