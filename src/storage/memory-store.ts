import type { MessageRecord } from "../protocol/message-record.ts"
import { MemoryJournal } from "./memory-journal.ts"
import type { AccountStore, SessionJournal, Store, StoredSession, StoredUser } from "./store.ts"

/** The contract with nothing on disk: nothing is promised, so nothing is waited for, and no ticket is given. */
export class MemoryStore implements Store {
  readonly mood = "healthy"
  readonly accounts: AccountStore = new MemoryAccounts()

  onMood(): void {}

  // eslint-disable-next-line require-yield
  async *sessions(): AsyncIterable<StoredSession> {}

  // eslint-disable-next-line require-yield
  async *retained(): AsyncIterable<readonly MessageRecord[]> {}

  create(): { readonly journal: SessionJournal; readonly ticket: undefined } {
    return { journal: new MemoryJournal(), ticket: undefined }
  }

  retain(): undefined {}

  unretain(): undefined {}

  async close(): Promise<void> {}
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
