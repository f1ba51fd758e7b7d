import type { AccessRuleChange, AccountStore, StoredAccessRule, StoredUser } from "../store.ts"
import { guarded, type Database } from "./database.ts"

/** The tables of users and access rules, read anew each time: another process may have written a moment ago. */
export class Accounts {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  user(name: string): StoredUser | undefined {
    return this.#database.query<StoredUser, [string]>(`${select} WHERE name = ?`).get(name) ?? undefined
  }

  users(): readonly StoredUser[] {
    return this.#database.query<StoredUser, []>(`${select} ORDER BY name`).all()
  }

  saveUser({ name, passwordHash, createdAtMs }: StoredUser): void {
    this.#database
      .query<unknown, [string, string, number]>("INSERT OR REPLACE INTO user VALUES (?, ?, ?)")
      .run(name, passwordHash, createdAtMs)
  }

  removeUser(name: string): boolean {
    return this.#database.query<unknown, [string]>("DELETE FROM user WHERE name = ?").run(name).changes > 0
  }

  accessRules(): readonly StoredAccessRule[] {
    return this.#database.query<StoredAccessRule, []>("SELECT id, line FROM access_rule ORDER BY id").all()
  }

  changeAccessRules({ remove, add }: AccessRuleChange): { removed: number; added: number } {
    const removing = this.#database.query<unknown, [number]>("DELETE FROM access_rule WHERE id = ?")
    // Unlike OR IGNORE it uses up no number for a rule that is there.
    const adding = this.#database.query<unknown, [string]>(
      "INSERT INTO access_rule (line) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM access_rule WHERE line = ?1)",
    )
    let removed = 0
    let added = 0
    this.#database
      .transaction(() => {
        for (const id of remove) removed += removing.run(id).changes
        for (const line of add) added += adding.run(line).changes
      })
      .immediate()
    return { removed, added }
  }
}

const select = "SELECT name, password_hash AS passwordHash, created_at_ms AS createdAtMs FROM user"

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
    return guarded(this.#file, () => this.#accounts.user(name))
  }

  async users(): Promise<readonly StoredUser[]> {
    return guarded(this.#file, () => this.#accounts.users())
  }

  async saveUser(user: StoredUser): Promise<void> {
    guarded(this.#file, () => this.#accounts.saveUser(user))
  }

  async removeUser(name: string): Promise<boolean> {
    return guarded(this.#file, () => this.#accounts.removeUser(name))
  }

  async accessRules(): Promise<readonly StoredAccessRule[]> {
    return guarded(this.#file, () => this.#accounts.accessRules())
  }

  async changeAccessRules(change: AccessRuleChange): Promise<{ removed: number; added: number }> {
    return guarded(this.#file, () => this.#accounts.changeAccessRules(change))
  }

  close(): void {
    this.#database.close()
  }
}
