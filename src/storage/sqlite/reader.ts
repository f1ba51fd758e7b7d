import type { Sequence } from "../store.ts"
import { ByteWriter } from "./bytes.ts"
import type { Database } from "./database.ts"
import type { QueuePage, RetainedPage, SessionRow, SessionsPage, SubscriptionRow } from "./exchange.ts"
import type { SessionNumber } from "./operation.ts"
import { isIntact } from "./records.ts"
import { packSession } from "./session-page.ts"

/** A page ends with the row that reaches this, however many were asked for. */
const pageBytes = 4 * 1024 * 1024

interface QueueRow {
  readonly sequence: Sequence
  readonly qos: number
  readonly retain: number
  readonly sent: number
  readonly released: number
  readonly subscriptionIdentifiers: Uint8Array | null
  readonly body: Uint8Array | null
}

type SessionColumns = Omit<
  SessionRow,
  "subscriptions" | "awaitingRelease" | "queuedMessages" | "queuedBytes" | "sentMessages" | "lastSequence"
>

/** Of one session's queue. What waited for its batch while it was sent is marked so itself. */
interface QueueSums {
  readonly session: SessionNumber
  readonly messages: number
  readonly bytes: number
  readonly lastSequence: Sequence
  readonly sent: number
  readonly sentUpTo: Sequence
}

/** Reads what is at rest, in pages. What fails its checksum is reported, and left out. */
export class StoreReader {
  readonly #database: Database
  readonly #damaged: (what: string) => void

  constructor(database: Database, damaged: (what: string) => void) {
    this.#database = database
    this.#damaged = damaged
  }

  /** Each row: sequence 8, QoS, RETAIN, sent before, released 1 each, identifiers and message with their length. */
  queue(session: SessionNumber, after: Sequence, limit: number): QueuePage {
    const sentUpTo = this.#sentUpTo(session)
    const writer = new ByteWriter()
    let rows = 0
    let lastSequence = after
    for (const row of this.#queueRows().iterate(session, after, limit)) {
      rows += 1
      lastSequence = row.sequence
      if (row.body === null || !isIntact(row.body)) {
        this.#damaged(`message ${row.sequence} in the queue of session ${session}`)
      } else {
        writer.float64(row.sequence)
        writer.uint8(row.qos)
        writer.uint8(row.retain)
        writer.uint8(row.sequence <= sentUpTo ? 1 : row.sent)
        writer.uint8(row.released)
        writer.sized(row.subscriptionIdentifiers ?? noIdentifiers)
        writer.sized(row.body)
      }
      if (writer.length >= pageBytes) break
    }
    return { packed: writer.written, isLast: rows < limit && writer.length < pageBytes, lastSequence }
  }

  /** Each row: the message with its length. */
  retained(after: number, limit: number): RetainedPage {
    const writer = new ByteWriter()
    let last: number | undefined
    for (const { row, message } of this.#retainedRows().iterate(after, limit)) {
      last = row
      if (isIntact(message)) writer.sized(message)
      else this.#damaged(`retained message in row ${row}`)
      if (writer.length >= pageBytes) break
    }
    return { packed: writer.written, last }
  }

  sessions(after: SessionNumber, limit: number): SessionsPage {
    const rows = this.#sessionRows().all(after, limit)
    const last = rows.at(-1)?.session
    const writer = new ByteWriter()
    if (last === undefined) return { packed: writer.written, last }
    // All are in the order of their sessions, so that each takes from the front.
    const subscriptions = new InTurn(this.#subscriptionRows().all(after, last))
    const identifiers = new InTurn(this.#identifierRows().all(after, last))
    const sums = new InTurn(this.#queueSums().all(after, last))
    for (const row of rows) {
      const [queue] = sums.take(row.session)
      const sentUpTo = Math.max(row.sentUpTo, queue?.sentUpTo ?? 0)
      packSession(writer, {
        ...row,
        will: this.#intactWill(row),
        subscriptions: subscriptions.take(row.session),
        awaitingRelease: identifiers.take(row.session).map(({ packetId }) => packetId),
        queuedMessages: queue?.messages ?? 0,
        queuedBytes: queue?.bytes ?? 0,
        sentMessages: queue?.sent ?? 0,
        sentUpTo,
        // A number that was sent is not given out again, or what gets it would go out with DUP.
        lastSequence: Math.max(sentUpTo, queue?.lastSequence ?? 0),
      })
    }
    return { packed: writer.written, last }
  }

  lastSession(): SessionNumber {
    const row = this.#database.query<{ last: number | null }, []>("SELECT max(id) AS last FROM session").get()
    return row?.last ?? 0
  }

  #intactWill(row: Pick<SessionColumns, "session" | "will">): Uint8Array | null {
    if (row.will === null || isIntact(row.will)) return row.will
    this.#damaged(`will of session ${row.session}`)
    return null
  }

  #sentUpTo(session: SessionNumber): Sequence {
    const sql = "SELECT sent_up_to AS upTo FROM session WHERE id = ?"
    return this.#database.query<{ upTo: Sequence }, [SessionNumber]>(sql).get(session)?.upTo ?? 0
  }

  #queueRows() {
    return this.#database.query<QueueRow, [SessionNumber, Sequence, number]>(`
      SELECT sequence, qos, retain, sent, released, subscription_identifiers AS subscriptionIdentifiers, body
      FROM queue LEFT JOIN message ON message.id = queue.message
      WHERE session = ? AND sequence > ? ORDER BY sequence LIMIT ?`)
  }

  #retainedRows() {
    // In the order in which they lie: by topic, each would be looked up somewhere else in the file.
    return this.#database.query<{ row: number; message: Uint8Array }, [number, number]>(
      "SELECT rowid AS row, message FROM retained WHERE rowid > ? ORDER BY rowid LIMIT ?",
    )
  }

  #sessionRows() {
    return this.#database.query<SessionColumns, [SessionNumber, number]>(`
      SELECT id AS session, client_id AS clientId, username, created_at_ms AS createdAtMs,
        expiry_interval_seconds AS expiryIntervalSeconds, disconnected_at_ms AS disconnectedAtMs, will,
        will_delay_seconds AS willDelaySeconds, will_expiry_seconds AS willExpirySeconds, sent_up_to AS sentUpTo
      FROM session WHERE id > ? ORDER BY id LIMIT ?`)
  }

  #subscriptionRows() {
    return this.#database.query<
      SubscriptionRow & { readonly session: SessionNumber },
      [SessionNumber, SessionNumber]
    >(`
      SELECT session, filter, qos, no_local AS noLocal, retain_as_published AS retainAsPublished,
        retain_handling AS retainHandling, subscription_identifier AS subscriptionIdentifier
      FROM subscription WHERE session > ? AND session <= ? ORDER BY session, filter`)
  }

  #identifierRows() {
    return this.#database.query<
      { readonly session: SessionNumber; readonly packetId: number },
      [SessionNumber, SessionNumber]
    >(`
      SELECT session, packet_id AS packetId FROM awaiting_release WHERE session > ? AND session <= ?
      ORDER BY session, packet_id`)
  }

  #queueSums() {
    return this.#database.query<QueueSums, [SessionNumber, SessionNumber]>(`
      SELECT session, count(*) AS messages, sum(bytes) AS bytes, max(sequence) AS lastSequence,
        sum(sequence <= sent_up_to OR sent OR released) AS sent,
        max(iif(sent OR released, sequence, 0)) AS sentUpTo
      FROM session CROSS JOIN queue ON session = id
      WHERE id > ? AND id <= ? GROUP BY id ORDER BY id`)
  }
}

const noIdentifiers = new Uint8Array(0)

/** Rows in the order of their sessions, given out session by session in the same order. */
class InTurn<Row extends { readonly session: SessionNumber }> {
  readonly #rows: readonly Row[]
  #next = 0

  constructor(rows: readonly Row[]) {
    this.#rows = rows
  }

  /** What belongs to no session that is asked for is passed over. */
  take(session: SessionNumber): readonly Row[] {
    const rows = this.#rows
    while ((rows[this.#next]?.session ?? session) < session) this.#next += 1
    const start = this.#next
    while (rows[this.#next]?.session === session) this.#next += 1
    return rows.slice(start, this.#next)
  }
}
