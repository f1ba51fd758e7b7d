import { unreachable } from "../foundation/assert.ts"
import {
  type AccountChange,
  type AccountStore,
  type AdministrativeChange,
  type AuditEntry,
  type AuditQuery,
  mostAuditEntries,
  type StoredAccessRule,
  type StoredBan,
  type StoredGroup,
  type StoredUser,
  type UsersChanged,
} from "./account-store.ts"

/** The accounts of a broker that keeps nothing. */
export class MemoryAccounts implements AccountStore {
  readonly listeners: (() => void)[] = []
  readonly #users = new Map<string, StoredUser>()
  readonly #groups = new Map<string, StoredGroup>()
  readonly #rules = new Map<number, string>()
  readonly #bans = new Map<number, StoredBan>()
  #audit: AuditEntry[] = []
  readonly #auditCounts: Record<AuditEntry["kind"], number> = { change: 0, refusal: 0 }
  #lastId = 0

  async user(name: string): Promise<StoredUser | undefined> {
    return this.#users.get(name)
  }

  async usersNamed(names: readonly string[]): Promise<readonly StoredUser[]> {
    return names.flatMap((name) => this.#users.get(name) ?? [])
  }

  /** Who has no disk has few users, and need not remember. */
  async usersChangedSince(): Promise<UsersChanged> {
    return { last: 0, names: undefined }
  }

  async users(): Promise<readonly StoredUser[]> {
    return [...this.#users.values()].toSorted(byName)
  }

  async countUsers(): Promise<number> {
    return this.#users.size
  }

  async groups(): Promise<readonly StoredGroup[]> {
    return [...this.#groups.values()].toSorted(byName)
  }

  async accessRules(): Promise<readonly StoredAccessRule[]> {
    return [...this.#rules].map(([id, line]) => ({ id, line }))
  }

  async bans(): Promise<readonly StoredBan[]> {
    return [...this.#bans.values()]
  }

  async audit({ kind, who, sinceMs = 0, afterId = 0, limit }: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#audit
      .filter((entry) => {
        if (kind !== undefined && entry.kind !== kind) return false
        if (who !== undefined && entry.who !== who) return false
        return entry.atMs >= sinceMs && entry.id > afterId
      })
      .slice(-limit)
  }

  async change(who: string, changes: readonly AdministrativeChange[]): Promise<readonly boolean[]> {
    const atMs = Date.now()
    const changed = changes.map(({ change, said }) => {
      const took = this.#apply(change)
      // Later entries call a rule by its number.
      const facts = took && change.change === "add-rule" ? { rule: this.#lastId } : {}
      if (took && said !== undefined) this.#write({ atMs, kind: "change", who, what: said, facts })
      return took
    })
    const isMereRehash = changes.every(({ change }) => change.change === "rehash")
    if (!isMereRehash) for (const listener of this.listeners) listener()
    return changed
  }

  async record(entries: readonly Omit<AuditEntry, "id">[]): Promise<void> {
    for (const entry of entries) this.#write(entry)
  }

  #write(entry: Omit<AuditEntry, "id">): void {
    this.#audit.push({ ...entry, id: ++this.#lastId })
    const count = ++this.#auditCounts[entry.kind]
    if (count <= 1.05 * mostAuditEntries) return
    let surplus = count - mostAuditEntries
    this.#audit = this.#audit.filter(({ kind }) => kind !== entry.kind || surplus-- <= 0)
    this.#auditCounts[entry.kind] = mostAuditEntries
  }

  #apply(change: AccountChange): boolean {
    switch (change.change) {
      case "add-user":
        if (this.#users.has(change.user.name)) return false
        this.#users.set(change.user.name, change.user)
        return true
      case "save-user":
        this.#users.set(change.user.name, change.user)
        return true
      case "change-user":
        if (!Bun.deepEquals(this.#users.get(change.before.name), change.before)) return false
        this.#users.set(change.after.name, change.after)
        return true
      case "remove-user":
        return this.#users.delete(change.name)
      case "rehash": {
        const user = this.#users.get(change.name)
        if (user?.passwordHash !== change.before) return false
        this.#users.set(user.name, { ...user, passwordHash: change.after })
        return true
      }
      case "add-group":
        if (this.#groups.has(change.group.name)) return false
        this.#groups.set(change.group.name, change.group)
        return true
      case "remove-group":
        for (const user of this.#users.values()) {
          this.#users.set(user.name, { ...user, groups: user.groups.filter((name) => name !== change.name) })
        }
        return this.#groups.delete(change.name)
      case "add-rule":
        if ([...this.#rules.values()].includes(change.line)) return false
        this.#rules.set(++this.#lastId, change.line)
        return true
      case "remove-rule":
        return this.#rules.delete(change.id)
      case "save-ban":
        for (const { id, kind, value } of this.#bans.values()) {
          if (kind === change.ban.kind && value === change.ban.value) this.#bans.delete(id)
        }
        this.#lastId += 1
        this.#bans.set(this.#lastId, { ...change.ban, id: this.#lastId })
        return true
      case "remove-ban":
        return this.#bans.delete(change.id)
      default:
        return unreachable(change)
    }
  }
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1
}
