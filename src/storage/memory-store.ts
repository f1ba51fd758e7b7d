import { SharedPublish } from "../protocol/shared-publish.ts"
import type { Message } from "../protocol/message.ts"
import type {
  AccountStore,
  QueuedMessage,
  RecalledMessage,
  Sequence,
  SessionJournal,
  Store,
  StoredSession,
  StoredUser,
} from "./store.ts"

/** The contract with nothing on disk: nothing is promised, so nothing is waited for, and no ticket is given. */
export class MemoryStore implements Store {
  readonly mood = "healthy"
  readonly accounts: AccountStore = new MemoryAccounts()

  onMood(): void {}

  // eslint-disable-next-line require-yield
  async *sessions(): AsyncIterable<StoredSession> {}

  // eslint-disable-next-line require-yield
  async *retained(): AsyncIterable<Message> {}

  create(): { readonly journal: SessionJournal; readonly ticket: undefined } {
    return { journal: new MemoryJournal(), ticket: undefined }
  }

  retain(): undefined {}

  unretain(): undefined {}

  async close(): Promise<void> {}
}

interface Entry {
  readonly queued: QueuedMessage
  released: boolean
}

class MemoryJournal implements SessionJournal {
  /** In the order of enqueueing, which is the order of sequence. */
  readonly #entries = new Map<Sequence, Entry>()
  #sentUpTo: Sequence = 0

  enqueued(queued: QueuedMessage): undefined {
    this.#entries.set(queued.sequence, { queued, released: false })
  }

  sent(upTo: Sequence): void {
    this.#sentUpTo = Math.max(this.#sentUpTo, upTo)
  }

  removed(sequence: Sequence): void {
    this.#entries.delete(sequence)
  }

  removedOldest(beyond: Sequence): void {
    for (const sequence of this.#entries.keys()) {
      if (sequence <= beyond) continue
      this.#entries.delete(sequence)
      return
    }
  }

  released(sequence: Sequence): undefined {
    const entry = this.#entries.get(sequence)
    if (entry !== undefined) entry.released = true
  }

  identifierKept(): undefined {}

  identifierReleased(): undefined {}

  subscribed(): undefined {}

  unsubscribed(): undefined {}

  updated(): undefined {}

  ended(): undefined {
    this.#entries.clear()
  }

  async queue(after: Sequence, limit: number): Promise<readonly RecalledMessage[]> {
    const recalled: RecalledMessage[] = []
    for (const [sequence, { queued, released }] of this.#entries) {
      if (sequence <= after) continue
      if (recalled.length >= limit) break
      // Field by field: whoever queued it may keep the message behind a getter, which a spread would not take along.
      const { message, qos, retain, subscriptionIdentifiers } = queued
      const sentBefore = sequence <= this.#sentUpTo
      recalled.push({
        sequence,
        publish: new SharedPublish(message),
        qos,
        retain,
        subscriptionIdentifiers,
        sentBefore,
        released,
      })
    }
    return recalled
  }
}

class MemoryAccounts implements AccountStore {
  readonly #users = new Map<string, StoredUser>()

  async user(name: string): Promise<StoredUser | undefined> {
    return this.#users.get(name)
  }

  async users(): Promise<readonly StoredUser[]> {
    return [...this.#users.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  async saveUser(user: StoredUser): Promise<void> {
    this.#users.set(user.name, user)
  }

  async removeUser(name: string): Promise<boolean> {
    return this.#users.delete(name)
  }
}
