import { unreachable } from "../../foundation/assert.ts"
import {
  type AccountChange,
  type AccountStore,
  type AdministrativeChange,
  type AuditEntry,
  type AuditQuery,
  auditKinds,
  mostAuditEntries,
  type StoredAccessRule,
  type StoredBan,
  type StoredGroup,
  type StoredUser,
  type UsersChanged,
} from "../account-store.ts"
import { guarded, type Database } from "./database.ts"
import { type ProfileColumns, readUser, userColumns } from "./user-profile.ts"

const entriesBetweenCounts = 1_000

/** The contract for who has the database at hand, and need not wait. */
export type AccountsAtHand = {
  readonly [Verb in keyof AccountStore]: (
    ...asks: Parameters<AccountStore[Verb]>
  ) => Awaited<ReturnType<AccountStore[Verb]>>
}

/** The tables of the accounts, read anew each time: another process may have written a moment ago. */
export class Accounts implements AccountsAtHand {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  user(name: string): StoredUser | undefined {
    const row = this.#database.query<ProfileColumns, [string]>(`${selectUser} WHERE name = ?`).get(name)
    return row === null ? undefined : readUser(row)
  }

  usersNamed(names: readonly string[]): readonly StoredUser[] {
    return names.flatMap((name) => this.user(name) ?? [])
  }

  usersChangedSince(last: number): UsersChanged {
    const bounds = this.#database
      .query<{ first: number | null; last: number | null }, []>(
        "SELECT min(id) AS first, max(id) AS last FROM user_change",
      )
      .get()
    if (bounds === null || bounds.first === null || bounds.last === null) return { last: 0, names: [] }
    if (bounds.first > last + 1) return { last: bounds.last, names: undefined }
    const changed = this.#database
      .query<{ name: string }, [number]>("SELECT DISTINCT name FROM user_change WHERE id > ?")
      .all(last)
    return { last: bounds.last, names: changed.map(({ name }) => name) }
  }

  users(): readonly StoredUser[] {
    return this.#database.query<ProfileColumns, []>(`${selectUser} ORDER BY name`).all().map(readUser)
  }

  countUsers(): number {
    return this.#database.query<{ users: number }, []>("SELECT count(*) AS users FROM user").get()?.users ?? 0
  }

  groups(): readonly StoredGroup[] {
    return this.#database
      .query<StoredGroup, []>("SELECT name, created_at_ms AS createdAtMs FROM user_group ORDER BY name")
      .all()
  }

  accessRules(): readonly StoredAccessRule[] {
    return this.#database.query<StoredAccessRule, []>("SELECT id, line FROM access_rule ORDER BY id").all()
  }

  bans(): readonly StoredBan[] {
    type Row = Omit<StoredBan, "untilMs"> & { readonly untilMs: number | null }
    return this.#database
      .query<Row, []>(
        "SELECT id, kind, value, until_ms AS untilMs, why, created_at_ms AS createdAtMs FROM ban ORDER BY id",
      )
      .all()
      .map((row) => ({ ...row, untilMs: row.untilMs ?? undefined }))
  }

  audit({ kind, who, sinceMs, afterId, limit }: AuditQuery): readonly AuditEntry[] {
    type Row = Omit<AuditEntry, "facts"> & { readonly facts: string }
    return this.#database
      .query<Row, [string | null, string | null, number, number, number]>(
        `SELECT id, at_ms AS atMs, kind, who, what, facts FROM audit
         WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR who = ?2) AND at_ms >= ?3 AND id > ?4
         ORDER BY id DESC LIMIT ?5`,
      )
      .all(kind ?? null, who ?? null, sinceMs ?? 0, afterId ?? 0, limit)
      .toReversed()
      .map((row) => ({ ...row, facts: JSON.parse(row.facts) as AuditEntry["facts"] }))
  }

  change(who: string, changes: readonly AdministrativeChange[]): readonly boolean[] {
    return this.#database
      .transaction(() => {
        const atMs = Date.now()
        const changed = changes.map(({ change }) => this.#apply(change))
        const told = changes.flatMap(({ change, said }, index): Omit<AuditEntry, "id">[] => {
          if (changed[index] !== true || said === undefined) return []
          return [{ atMs, kind: "change", who, what: said, facts: this.#factsOf(change) }]
        })
        this.#write(told)
        return changed
      })
      .immediate()
  }

  /** Which number a rule got, for later entries call it by that. */
  #factsOf(change: AccountChange): AuditEntry["facts"] {
    if (change.change !== "add-rule") return {}
    const added = this.#database
      .query<Pick<StoredAccessRule, "id">, [string]>("SELECT id FROM access_rule WHERE line = ?")
      .get(change.line)
    // Taken away again by a later change of the same lot.
    return added === null ? {} : { rule: added.id }
  }

  record(entries: readonly Omit<AuditEntry, "id">[]): void {
    this.#database.transaction(() => this.#write(entries)).immediate()
  }

  #write(entries: readonly Omit<AuditEntry, "id">[]): void {
    if (entries.length === 0) return
    const adding = this.#database.query<unknown, [number, string, string, string, string]>(
      "INSERT INTO audit (at_ms, kind, who, what, facts) VALUES (?, ?, ?, ?, ?)",
    )
    let id = 0
    for (const { atMs, kind, who, what, facts } of entries) {
      id = Number(adding.run(atMs, kind, who, what, JSON.stringify(facts)).lastInsertRowid)
    }
    // To count them takes 10 ms, so it is done now and then.
    const isTime =
      Math.floor(id / entriesBetweenCounts) > Math.floor((id - entries.length) / entriesBetweenCounts)
    if (!isTime) return
    const forgetting = this.#database.query<unknown, [string, string, number]>(
      `DELETE FROM audit WHERE kind = ? AND id <=
        (SELECT id FROM audit WHERE kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    )
    for (const kind of auditKinds) forgetting.run(kind, kind, mostAuditEntries)
  }

  /** @returns whether there was something to change */
  #apply(change: AccountChange): boolean {
    switch (change.change) {
      case "add-user":
        return this.#putUser("INSERT OR IGNORE", change.user)
      case "save-user":
        return this.#putUser("INSERT OR REPLACE", change.user)
      case "change-user": {
        const now = this.user(change.before.name)
        return Bun.deepEquals(now, change.before) && this.#putUser("INSERT OR REPLACE", change.after)
      }
      case "remove-user":
        return this.#run("DELETE FROM user WHERE name = ?", change.name)
      case "rehash":
        return this.#run(
          "UPDATE user SET password_hash = ? WHERE name = ? AND password_hash = ?",
          change.after,
          change.name,
          change.before,
        )
      case "add-group":
        return this.#run(
          "INSERT OR IGNORE INTO user_group VALUES (?, ?)",
          change.group.name,
          change.group.createdAtMs,
        )
      case "remove-group":
        return this.#removeGroup(change.name)
      case "add-rule":
        // Unlike OR IGNORE it uses up no number for a rule that is there.
        return this.#run(
          "INSERT INTO access_rule (line) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM access_rule WHERE line = ?1)",
          change.line,
        )
      case "remove-rule":
        return this.#run("DELETE FROM access_rule WHERE id = ?", change.id)
      case "save-ban": {
        const { kind, value, untilMs, why, createdAtMs } = change.ban
        return this.#run(
          "INSERT OR REPLACE INTO ban (kind, value, until_ms, why, created_at_ms) VALUES (?, ?, ?, ?, ?)",
          kind,
          value,
          untilMs ?? null,
          why,
          createdAtMs,
        )
      }
      case "remove-ban":
        return this.#run("DELETE FROM ban WHERE id = ?", change.id)
      default:
        return unreachable(change)
    }
  }

  #putUser(verb: "INSERT OR IGNORE" | "INSERT OR REPLACE", user: StoredUser): boolean {
    return this.#run(`${verb} INTO user VALUES (?, ?, ?, ?, ?)`, ...userColumns(user))
  }

  #removeGroup(name: string): boolean {
    if (!this.#run("DELETE FROM user_group WHERE name = ?", name)) return false
    for (const user of this.users()) {
      if (!user.groups.includes(name)) continue
      this.#putUser("INSERT OR REPLACE", { ...user, groups: user.groups.filter((each) => each !== name) })
    }
    return true
  }

  #run(sql: string, ...values: (string | number | null)[]): boolean {
    return this.#database.query<unknown, (string | number | null)[]>(sql).run(...values).changes > 0
  }
}

const selectUser =
  "SELECT name, password_hash AS passwordHash, password_set_at_ms AS passwordSetAtMs, " +
  "created_at_ms AS createdAtMs, profile FROM user"

/** The same in the dress of the contract, for a process that has the database open itself. */
export class DirectAccounts implements AccountStore {
  readonly #accounts: Accounts
  readonly #database: Database
  readonly #file: string

  /** @param file where the database is, to be named in errors */
  constructor(database: Database, file: string) {
    this.#database = database
    this.#accounts = new Accounts(database)
    this.#file = file
  }

  async user(name: string): Promise<StoredUser | undefined> {
    return this.#do((accounts) => accounts.user(name))
  }

  async usersNamed(names: readonly string[]): Promise<readonly StoredUser[]> {
    return this.#do((accounts) => accounts.usersNamed(names))
  }

  async usersChangedSince(last: number): Promise<UsersChanged> {
    return this.#do((accounts) => accounts.usersChangedSince(last))
  }

  async users(): Promise<readonly StoredUser[]> {
    return this.#do((accounts) => accounts.users())
  }

  async countUsers(): Promise<number> {
    return this.#do((accounts) => accounts.countUsers())
  }

  async groups(): Promise<readonly StoredGroup[]> {
    return this.#do((accounts) => accounts.groups())
  }

  async accessRules(): Promise<readonly StoredAccessRule[]> {
    return this.#do((accounts) => accounts.accessRules())
  }

  async bans(): Promise<readonly StoredBan[]> {
    return this.#do((accounts) => accounts.bans())
  }

  async audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#do((accounts) => accounts.audit(query))
  }

  async change(who: string, changes: readonly AdministrativeChange[]): Promise<readonly boolean[]> {
    return this.#do((accounts) => accounts.change(who, changes))
  }

  async record(entries: readonly Omit<AuditEntry, "id">[]): Promise<void> {
    this.#do((accounts) => accounts.record(entries))
  }

  close(): void {
    this.#database.close()
  }

  #do<Result>(work: (accounts: Accounts) => Result): Result {
    return guarded(this.#file, () => work(this.#accounts))
  }
}
