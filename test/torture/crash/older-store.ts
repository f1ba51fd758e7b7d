import { Database } from "bun:sqlite"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { copyLiving, layOutStore, type SampleParts } from "./sample-store.ts"

/** Step n brings a database from version n + 2 to n + 1: each takes back what that step of the migration did. */
const stepsBack: readonly string[] = [
  `DROP TABLE batch; ALTER TABLE head DROP COLUMN folded_bytes;`,
  `DROP TABLE access_rule;`,
  `DROP TRIGGER user_added; DROP TRIGGER user_changed; DROP TRIGGER user_removed; DROP TABLE user_change;
   DROP TABLE user_group; DROP TABLE ban; DROP TABLE audit;
   CREATE TABLE plain (
     name TEXT PRIMARY KEY,
     password_hash TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   INSERT INTO plain SELECT name, password_hash, created_at_ms FROM user;
   DROP TABLE user;
   ALTER TABLE plain RENAME TO user;`,
  `DROP TABLE dropped;`,
  `DROP TABLE clock; ALTER TABLE head DROP COLUMN identifiers;`,
]

/** A store as that version of the schema had it: closed by the first, and left by a kill by the later ones. */
export async function layOutOlderStore(directory: string, parts: SampleParts): Promise<void> {
  const workplace = `${directory}.present`
  // The first version had no batches that could wait to be folded.
  await layOutStore(workplace, parts.schema === 1 ? "closed" : "crashed", parts)
  {
    using database = new Database(join(workplace, "bantam.db"), { readwrite: true })
    database.run("PRAGMA journal_mode = WAL")
    database.transaction(() => {
      for (const step of stepsBack.slice(parts.schema - 1).toReversed()) database.run(step)
      database.run(`PRAGMA user_version = ${parts.schema}`)
    })()
    copyLiving(workplace, directory)
  }
  rmSync(workplace, { recursive: true })
}
