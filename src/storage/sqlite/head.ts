import { damage } from "../store-error.ts"
import type { Database } from "./database.ts"

/** How many rows there are of what the broker alone writes. Accounts may change while it is away. */
interface RowCounts {
  readonly sessions: number
  readonly subscriptions: number
  readonly identifiers: number
  readonly queued: number
  readonly messages: number
  readonly retained: number
}

/**
 * After a clean close, finds what was written then. Whole pages that got lost leave a file that SQLite likes.
 *
 * @throws StoreError
 */
export function checkHead(database: Database, file: string): void {
  const head = database
    .query<RowCounts & { readonly closedCleanly: number }, []>(
      `SELECT closed_cleanly AS closedCleanly, sessions, subscriptions, identifiers, queued, messages, retained
       FROM head`,
    )
    .get()
  if (head === null) throw damage("the head record is missing", file)
  if (head.closedCleanly === 0) return
  const counts = countRows(database)
  for (const [what, count] of Object.entries(counts)) {
    const expected = head[what as keyof RowCounts]
    if (count !== expected) throw damage(`${expected} ${what} were stored and ${count} found`, file)
  }
  // A page of long ago in the place of their table's has batches that were folded then.
  const waiting = database.query<{ batches: number }, []>("SELECT count(*) AS batches FROM batch").get()
  if (waiting?.batches !== 0) throw damage("batches were found, and all had been folded", file)
}

/** From now on the counts are not to be relied on, until the next clean close. */
export function openHead(database: Database): void {
  database.run("UPDATE head SET closed_cleanly = 0")
}

export function closeHead(database: Database): void {
  const { sessions, subscriptions, identifiers, queued, messages, retained } = countRows(database)
  database
    .query<unknown, number[]>(
      `UPDATE head SET closed_cleanly = 1, sessions = ?, subscriptions = ?, identifiers = ?, queued = ?, messages = ?,
         retained = ?`,
    )
    .run(sessions, subscriptions, identifiers, queued, messages, retained)
}

function countRows(database: Database): RowCounts {
  const counts = database
    .query<RowCounts, []>(
      `SELECT (SELECT count(*) FROM session) AS sessions, (SELECT count(*) FROM subscription) AS subscriptions,
         (SELECT count(*) FROM awaiting_release) AS identifiers, (SELECT count(*) FROM queue) AS queued, (SELECT count(*) FROM message) AS messages,
         (SELECT count(*) FROM retained) AS retained`,
    )
    .get()
  if (counts === null) throw new Error("assertion failed: a count has a row")
  return counts
}
