import { Database } from "bun:sqlite"
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "../../../src/foundation/clock.ts"
import { openStore } from "../../../src/storage/open-store.ts"
import { migrations } from "../../../src/storage/sqlite/schema.ts"
import { silentLog } from "../../support/silent-log.ts"

/** Rows of each table, by a name of the table's or one of ours. */
export type StoreContent = Readonly<Record<string, readonly string[]>>

/** What whoever serves the store would find; the numbers of messages and the head record are its own business. */
const questions = {
  session: "SELECT * FROM session ORDER BY client_id",
  subscription: "SELECT * FROM subscription ORDER BY session, filter",
  awaiting_release: "SELECT * FROM awaiting_release ORDER BY session, packet_id",
  queue: `SELECT session, sequence, qos, retain, sent, released, bytes, hex(subscription_identifiers), hex(body)
    FROM queue LEFT JOIN message ON message.id = queue.message ORDER BY session, sequence`,
  "messages of no queue": "SELECT id FROM message WHERE id NOT IN (SELECT message FROM queue)",
  retained: "SELECT topic, hex(message) FROM retained ORDER BY topic",
  user: "SELECT * FROM user ORDER BY name",
  user_group: "SELECT * FROM user_group ORDER BY name",
  access_rule: "SELECT * FROM access_rule ORDER BY id",
  ban: "SELECT * FROM ban ORDER BY id",
  dropped: "SELECT * FROM dropped ORDER BY hour, client_id, why, prefix",
} as const

/** Opens a store as the broker does, and closes it. @throws StoreError it is damaged, or not whole */
export async function contentOf(directory: string): Promise<StoreContent> {
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  await store.close()
  using database = new Database(join(directory, "bantam.db"), { readwrite: true })
  const check = database.query<{ quick_check: string }, []>("PRAGMA quick_check").all()
  const content: Record<string, readonly string[]> = {
    damage: check.map(({ quick_check }) => quick_check).filter((line) => line !== "ok"),
  }
  for (const [name, sql] of Object.entries(questions)) {
    content[name] = database
      .query<Record<string, unknown>, []>(sql)
      .all()
      .map((row) => JSON.stringify(row))
  }
  return content
}

/** @returns in which tables they differ, and by how much; undefined: they are the same */
export function difference(expected: StoreContent, found: StoreContent): string | undefined {
  const parts: string[] = []
  for (const [name, rows] of Object.entries(expected)) {
    const others = new Set(found[name])
    const missing = rows.filter((row) => !others.delete(row))
    if (missing.length > 0) parts.push(`${missing.length} of ${rows.length} in ${name} missing`)
    if (others.size > 0) parts.push(`${others.size} in ${name} too many`)
  }
  return parts.length === 0 ? undefined : parts.join(", ")
}

/**
 * Looks at a database's schema as SQLite finds it after the kill, and leaves its files as they are.
 *
 * @returns what is neither the one schema nor the other; undefined: it is one of them
 */
export function halfMigration(directory: string, from: number): string | undefined {
  const copy = mkdtempSync(join(tmpdir(), "bantam-schema-"))
  try {
    for (const name of ["bantam.db", "bantam.db-wal"]) {
      if (existsSync(join(directory, name))) cpSync(join(directory, name), join(copy, name))
    }
    using database = new Database(join(copy, "bantam.db"), { readwrite: true })
    const version = versionOf(database)
    if (version !== from && version !== migrations.length) return `schema ${version}, neither old nor new`
    return tablesOf(database) === tablesOfVersion(version)
      ? undefined
      : `tables that are not of schema ${version}`
  } finally {
    rmSync(copy, { recursive: true })
  }
}

function versionOf(database: Database): number {
  return database.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0
}

function tablesOfVersion(version: number): string {
  using database = new Database(":memory:")
  for (const step of migrations.slice(0, version)) database.run(step)
  return tablesOf(database)
}

function tablesOf(database: Database): string {
  const rows = database
    .query<{ type: string; name: string; columns: string }, []>(
      `SELECT type, name, (SELECT group_concat(name) FROM pragma_table_info(sqlite_schema.name)) AS columns
       FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name`,
    )
    .all()
  return rows.map(({ type, name, columns }) => `${type} ${name} ${columns}`).join("\n")
}
