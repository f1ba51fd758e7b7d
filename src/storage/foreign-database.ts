import { existsSync } from "node:fs"
import { type Database, openReadOnly } from "./sqlite/database.ts"
import { StoreError } from "./store-error.ts"

/** What SQLite has in a column. */
export type ForeignValue = string | number | null | Uint8Array
export type ForeignRow = Readonly<Record<string, ForeignValue>>

/** An SQLite file of another program: read where it lies, and left as it is. */
export class ForeignDatabase {
  readonly #database: Database
  readonly #file: string

  private constructor(database: Database, file: string) {
    this.#database = database
    this.#file = file
  }

  /**
   * Opens it, lets it be read, and closes it.
   *
   * @throws StoreError it is not there, no SQLite file, or damaged
   */
  static read<Result>(file: string, use: (database: ForeignDatabase) => Result): Result {
    if (!existsSync(file)) throw new StoreError(`${file}: is not there; check the path`)
    const database = explained(file, () => openReadOnly(file))
    try {
      return use(new ForeignDatabase(database, file))
    } finally {
      database.close()
    }
  }

  /** @throws StoreError a table or column is missing, or the file damaged */
  rows(query: string): readonly ForeignRow[] {
    return explained(this.#file, () => this.#database.query<ForeignRow, []>(query).all())
  }

  hasTable(name: string): boolean {
    const tables = this.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return tables.some((table) => table["name"] === name)
  }
}

function explained<Result>(file: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    // Bun throws nothing else for what SQLite says.
    if (!(error instanceof Error) || error.name !== "SQLiteError") throw error
    throw new StoreError(
      `${file}: SQLite reports "${error.message}"; stop its program and copy the file with its -wal, nothing was changed`,
    )
  }
}
