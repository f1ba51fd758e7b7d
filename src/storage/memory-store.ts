import type { MessageRecord } from "../protocol/message-record.ts"
import { MemoryJournal } from "./memory-journal.ts"
import type {
  AccessRuleChange,
  AccountStore,
  SessionJournal,
  Store,
  StoredAccessRule,
  StoredSession,
  StoredUser,
} from "./store.ts"

/** The contract with nothing on disk: nothing is promised, so nothing is waited for, and no ticket is given. */
export class MemoryStore implements Store {
  readonly mood = "healthy"
  readonly #accounts = new MemoryAccounts()
  readonly accounts: AccountStore = this.#accounts

  onMood(): void {}

  onAccountsChanged(listener: () => void): void {
    this.#accounts.changed = listener
  }

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
  changed = (): void => {}
  readonly #users = new Map<string, StoredUser>()
  #rules: StoredAccessRule[] = []
  #lastRule = 0

  async user(name: string): Promise<StoredUser | undefined> {
    return this.#users.get(name)
  }

  async users(): Promise<readonly StoredUser[]> {
    return [...this.#users.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  async saveUser(user: StoredUser): Promise<void> {
    this.#users.set(user.name, user)
    this.changed()
  }

  async removeUser(name: string): Promise<boolean> {
    const existed = this.#users.delete(name)
    this.changed()
    return existed
  }

  async accessRules(): Promise<readonly StoredAccessRule[]> {
    return this.#rules
  }

  async changeAccessRules({ remove, add }: AccessRuleChange): Promise<{ removed: number; added: number }> {
    const kept = this.#rules.filter(({ id }) => !remove.includes(id))
    const removed = this.#rules.length - kept.length
    const lines = new Set(kept.map(({ line }) => line))
    const added = [...new Set(add)].filter((line) => !lines.has(line))
    this.#rules = [...kept, ...added.map((line) => ({ id: ++this.#lastRule, line }))]
    this.changed()
    return { removed, added: added.length }
  }
}
