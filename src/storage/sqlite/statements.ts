import type { Database } from "./database.ts"

/** One row of the table of sessions, without its number and what was sent. */
export type SessionColumns = [
  clientId: string,
  username: string | null,
  createdAtMs: number,
  expiryIntervalSeconds: number,
  disconnectedAtMs: number | null,
  will: Uint8Array | null,
  willDelaySeconds: number,
  willExpirySeconds: number,
]

/** All that changes what is at rest, but for accounts. */
export function prepareStatements(database: Database) {
  const to = <Parameters extends Parameter[]>(sql: string) => database.query<unknown, Parameters>(sql)
  return {
    storeMessage: to<[number, Uint8Array]>("INSERT INTO message (id, body) VALUES (?, ?)"),
    share: to<[number, number]>("INSERT INTO shared (message, holders) VALUES (?, ?)"),
    // What is folded once more, because nobody knows how far it was, is there already.
    enqueue: to<[number, number, number, number, number, number, number, Uint8Array | null, number]>(
      `INSERT OR IGNORE INTO queue
         (session, sequence, qos, retain, sent, released, bytes, subscription_identifiers, message)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
    ),
    remove: to<[number, number]>("DELETE FROM queue WHERE session = ? AND sequence = ?"),
    // What was sent is the client's to answer.
    removeOldest: to<[number, number, number]>(
      `DELETE FROM queue WHERE session = ?1 AND sequence IN
         (SELECT sequence FROM queue
          WHERE session = ?1 AND sequence > max(?2, ifnull((SELECT sent_up_to FROM session WHERE id = ?1), 0))
            AND sent = 0 AND released = 0
          ORDER BY sequence LIMIT ?3)`,
    ),
    release: to<[number, number]>("UPDATE queue SET released = 1 WHERE session = ? AND sequence = ?"),
    sent: to<[number, number]>("UPDATE session SET sent_up_to = max(sent_up_to, ?) WHERE id = ?"),
    keepIdentifier: to<[number, number]>("INSERT OR IGNORE INTO awaiting_release VALUES (?, ?)"),
    releaseIdentifier: to<[number, number]>(
      "DELETE FROM awaiting_release WHERE session = ? AND packet_id = ?",
    ),
    subscribe: to<[number, string, number, number, number, number, number]>(
      "INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    unsubscribe: to<[number, string]>("DELETE FROM subscription WHERE session = ? AND filter = ?"),
    sessionOf: database.query<{ id: number }, [string]>("SELECT id FROM session WHERE client_id = ?"),
    create: to<[...SessionColumns, number]>(
      `INSERT INTO session (client_id, username, created_at_ms, expiry_interval_seconds, disconnected_at_ms,
         will, will_delay_seconds, will_expiry_seconds, id, sent_up_to)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    ),
    update: to<[...SessionColumns, number]>(
      `UPDATE session SET client_id = ?, username = ?, created_at_ms = ?, expiry_interval_seconds = ?,
         disconnected_at_ms = ?, will = ?, will_delay_seconds = ?, will_expiry_seconds = ?
       WHERE id = ?`,
    ),
    endSession: to<[number]>("DELETE FROM session WHERE id = ?"),
    endSubscriptions: to<[number]>("DELETE FROM subscription WHERE session = ?"),
    endIdentifiers: to<[number]>("DELETE FROM awaiting_release WHERE session = ?"),
    endQueue: to<[number]>("DELETE FROM queue WHERE session = ?"),
    retain: to<[string, Uint8Array]>("INSERT OR REPLACE INTO retained (topic, message) VALUES (?, ?)"),
    unretain: to<[string]>("DELETE FROM retained WHERE topic = ?"),
  }
}

type Parameter = string | number | Uint8Array | null
