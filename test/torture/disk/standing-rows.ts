import { Database } from "bun:sqlite"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { copyData } from "../../support/copy-data.ts"
import { pagesOfLog } from "./damaged-log.ts"
import { pageBytes, PageTree } from "./page-tree.ts"
import { scratchFolder } from "./scratch.ts"

/** Tables with the words of their keys, in the order in which a recovery reads them. */
const orders = {
  session: ["id"],
  subscription: ["session", "filter"],
  awaiting_release: ["session", "packet_id"],
  message: ["id"],
  queue: ["session", "sequence"],
  retained: ["topic"],
  user: ["name"],
  user_group: ["name"],
  access_rule: ["id"],
  ban: ["id"],
  batch: ["id"],
} as const

export type Table = keyof typeof orders
const tables = Object.keys(orders) as readonly Table[]

export function isTable(name: string): name is Table {
  return name in orders
}

/** @param row its columns by their names */
export function keyOf(table: Table, row: Readonly<Record<string, unknown>>): string {
  return orders[table].map((word) => String(row[word])).join(" ")
}

/** What of a table a damage concerns. */
export interface Concerned {
  /** Keys, their words with a space between, of the rows between the first and the last that cannot be read for certain. */
  readonly unread: ReadonlySet<string>
  /** How many rows stand on the pages concerned or are found by way of them; 1 where the table was empty, too. */
  readonly rows: number
}

interface Row {
  readonly key: string
  readonly pages: readonly number[]
}

/**
 * On which pages of its database each row of a sound store stands, so that it can be said what a damage can have cost: a
 * recovery reads each table from the front up to the first broken page, and from the back.
 */
export class StandingRows {
  readonly #file: Buffer
  readonly #logPages: ReadonlySet<number>
  readonly #tree: PageTree
  readonly #schema: ReadonlySet<number>
  readonly #rows: ReadonlyMap<Table, readonly Row[]>
  readonly #roots: ReadonlyMap<Table, number>
  /** Words of the key of each queue entry, by its message. */
  readonly #entries = new Map<string, string[]>()

  /** @param directory nobody serves it; it stays as it is */
  constructor(directory: string) {
    this.#file = readFileSync(join(directory, "bantam.db"))
    this.#logPages = pagesOfLog(directory)
    const folder = scratchFolder()
    try {
      const copy = join(folder, "store")
      copyData(directory, copy)
      const file = join(copy, "bantam.db")
      using database = new Database(file, { readwrite: true })
      database.query("PRAGMA wal_checkpoint(TRUNCATE)").get()
      this.#tree = new PageTree(readFileSync(file))
      this.#schema = new Set(this.#tree.rows(1).flat())
      this.#rows = new Map(tables.map((table) => [table, rowsOf(database, this.#tree, table)]))
      this.#roots = new Map(tables.map((table) => [table, rootOf(database, table)]))
      const entries = database.query<{ message: number; key: string }, []>(
        "SELECT message, session || ' ' || sequence AS key FROM queue",
      )
      for (const { message, key } of entries.iterate()) {
        this.#entries.set(String(message), [...(this.#entries.get(String(message)) ?? []), key])
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  /**
   * @param directory the same store, of which the database is damaged and the log is not
   * @returns undefined: the schema is concerned, and without it nothing can be found
   */
  concernedBy(directory: string): ReadonlyMap<Table, Concerned> | undefined {
    const pages = this.#damagedPages(directory)
    if (pages === undefined || [...pages].some((page) => this.#schema.has(page))) return undefined
    const concerned = new Map<Table, Concerned>()
    for (const [table, rows] of this.#rows) {
      const found = concernedOf(rows, pages)
      // One without rows may have some now: what a page in the place of its only one holds.
      const isFilled = found.rows === 0 && pages.has(this.#roots.get(table) ?? 0)
      concerned.set(table, isFilled ? { ...found, rows: 1 } : found)
    }
    const queue = concerned.get("queue")
    const messages = [...(concerned.get("message")?.unread ?? [])]
    // An entry is nothing without its message.
    const unread = new Set([
      ...(queue?.unread ?? []),
      ...messages.flatMap((key) => this.#entries.get(key) ?? []),
    ])
    return concerned.set("queue", { rows: queue?.rows ?? 0, unread })
  }

  /** How many rows a page would bring to another place. */
  rowsBy(page: number): number {
    const rows = [...this.#rows.values()].flat().filter(({ pages }) => pages.includes(page)).length
    return Math.max(rows, this.#tree.cells(page))
  }

  /** @returns undefined: what every program reads first is not what it was */
  #damagedPages(directory: string): ReadonlySet<number> | undefined {
    const path = join(directory, "bantam.db")
    const file = existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
    const headBytes = 100
    if (!file.subarray(0, headBytes).equals(this.#file.subarray(0, headBytes))) return undefined
    const pages = new Set<number>()
    for (let start = 0; start < this.#file.length; start += pageBytes) {
      const page = start / pageBytes + 1
      const end = start + pageBytes
      if (this.#logPages.has(page) || file.subarray(start, end).equals(this.#file.subarray(start, end)))
        continue
      pages.add(page)
    }
    return pages
  }
}

function concernedOf(rows: readonly Row[], damaged: ReadonlySet<number>): Concerned {
  const isConcerned = ({ pages }: Row) => pages.some((page) => damaged.has(page))
  const first = rows.findIndex(isConcerned)
  if (first === -1) return { unread: new Set(), rows: 0 }
  const between = rows.slice(first, rows.findLastIndex(isConcerned) + 1)
  return { unread: new Set(between.map(({ key }) => key)), rows: rows.filter(isConcerned).length }
}

function rowsOf(database: Database, tree: PageTree, table: Table): readonly Row[] {
  const keys = keysOf(database, table, orders[table])
  const rows = tree.rows(rootOf(database, table))
  if (table !== "retained") return keys.map((key, index) => ({ key, pages: pagesAt(rows, index, table) }))
  // Read by its index, row by row: what is concerned of either cannot be found.
  const index = tree.rows(rootOf(database, "sqlite_autoindex_retained_1"))
  const places = new Map(keysOf(database, table, ["rowid"]).map((row, place) => [row, place]))
  const rowIds = database.query<{ row: number }, []>("SELECT rowid AS row FROM retained ORDER BY topic").all()
  return keys.map((key, at) => {
    const place = places.get(String(rowIds[at]?.row)) ?? -1
    return { key, pages: [...pagesAt(index, at, table), ...pagesAt(rows, place, table)] }
  })
}

/** @throws Error when SQLite knows a row more than stands on the pages */
function pagesAt(rows: readonly (readonly number[])[], index: number, table: Table): readonly number[] {
  const pages = rows[index]
  if (pages === undefined)
    throw new Error(`${rows.length} rows of ${table} stand on its pages, and not ${index + 1}`)
  return pages
}

function keysOf(database: Database, table: Table, words: readonly string[]): readonly string[] {
  const sql = `SELECT ${words.join(" || ' ' || ")} || '' AS key FROM ${table} ORDER BY ${words.join(", ")}`
  return database
    .query<{ key: string }, []>(sql)
    .all()
    .map(({ key }) => key)
}

function rootOf(database: Database, name: string): number {
  const sql = "SELECT rootpage AS root FROM sqlite_schema WHERE name = ?"
  const root = database.query<{ root: number }, [string]>(sql).get(name)?.root
  if (root === undefined) throw new Error(`the database has no ${name}`)
  return root
}
