import type { MessageRecord } from "../protocol/message-record.ts"
import type { AccountStore } from "./account-store.ts"
import type { DropStore } from "./drop-store.ts"
import { MemoryAccounts } from "./memory-accounts.ts"
import { MemoryDrops } from "./memory-drops.ts"
import { MemoryJournal } from "./memory-journal.ts"
import type { SessionJournal, Store, StoredSession } from "./store.ts"

/** The contract with nothing on disk: nothing is promised, so nothing is waited for, and no ticket is given. */
export class MemoryStore implements Store {
  readonly mood = "healthy"
  readonly #accounts = new MemoryAccounts()
  readonly accounts: AccountStore = this.#accounts
  readonly drops: DropStore = new MemoryDrops()

  onMood(): void {}

  onAccountsChanged(listener: () => void): void {
    this.#accounts.listeners.push(listener)
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
