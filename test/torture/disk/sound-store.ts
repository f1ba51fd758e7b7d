import { Database } from "bun:sqlite"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { payloadStartOf, parseRecord } from "../../../src/protocol/message-record.ts"
import { StoreError } from "../../../src/storage/store-error.ts"
import { copyData } from "../../support/copy-data.ts"
import { copyUpToDamage } from "./damaged-log.ts"
import { nameOf } from "./numbered-message.ts"
import { scratchFolder } from "./scratch.ts"
import { StandingRows, type Table } from "./standing-rows.ts"
import { readStore, type StoreContent } from "./store-content.ts"

type Found = StoreContent["found"]

/** What can be said of a damaged store without the code that recovers it; keys are those of the ledger. */
export interface Owed {
  /** Must be there. */
  readonly must: Found
  /** May be there, and where something may, nothing else may. */
  readonly may: Found
  /** Whether the log is what is damaged: it is read up to there, and what it undid behind that is back. */
  readonly isOfLog: boolean
  /** Keys of a kind that may be wrong all the same: rows on a page that was changed may say anything. */
  mayBeWrong(kind: string): number
  /** Whether what was changed holds rows of this kind that have no checksum. */
  mayChangeUnseen(kind: string): boolean
}

const kindsOf = {
  session: ["session", "will", "subscription", "identifier", "queued"],
  subscription: ["subscription"],
  awaiting_release: ["identifier"],
  message: ["queued"],
  queue: ["queued"],
  retained: ["retained"],
} as const satisfies Partial<Record<Table, readonly string[]>>

const withChecksum: readonly string[] = ["message", "retained"] satisfies readonly Table[]

/** A store before it is damaged. */
export class SoundStore {
  /** All that is in it. */
  readonly content: StoreContent
  readonly #directory: string
  readonly #rows: StandingRows
  readonly #names: Names

  private constructor(directory: string, content: StoreContent, names: Names) {
    this.#directory = directory
    this.#rows = new StandingRows(directory)
    this.content = content
    this.#names = names
  }

  /** @param directory nobody serves it; it stays as it is, and must be there as long as this is used */
  static async of(directory: string): Promise<SoundStore> {
    return inCopy(directory, async (copy) => {
      const content = await readStore(copy, "full")
      return new SoundStore(directory, content, new Names(join(copy, "bantam.db")))
    })
  }

  /**
   * @param damaged a copy of it in which one file was damaged
   * @param copiedPage of the database, which was put in the place of another one
   * @returns undefined: nothing can be said, for what all else is found by is not what it was
   */
  async owedBy(damaged: string, copiedPage?: number): Promise<Owed | undefined> {
    const upToDamage = await this.#contentUpToDamage(damaged)
    if (upToDamage === "unreadable") return undefined
    if (upToDamage !== "undamaged") {
      const { found } = upToDamage
      return { must: found, may: found, isOfLog: true, mayBeWrong: () => 0, mayChangeUnseen: () => false }
    }
    const concerned = this.#rows.concernedBy(damaged)
    // What was told after what stands in the tables is not there any more.
    if (concerned === undefined || (concerned.get("batch")?.rows ?? 0) > 0) return undefined
    const unread = (table: Table) => concerned.get(table)?.unread ?? new Set<string>()
    const must = new Map(this.content.found)
    for (const [key, origin] of this.#names.origins) {
      if (unread("session").has(origin.session) || unread(origin.table).has(origin.row)) must.delete(key)
    }
    const copied = copiedPage === undefined ? 0 : this.#rows.rowsBy(copiedPage)
    const rowsOf = (kind: string) =>
      Object.entries(kindsOf)
        .filter(([, kinds]) => (kinds as readonly string[]).includes(kind))
        .map(([table]) => ({ table, rows: concerned.get(table as Table)?.rows ?? 0 }))
        .filter(({ rows }) => rows > 0)
    return {
      must,
      may: this.content.found,
      isOfLog: false,
      mayBeWrong: (kind) => rowsOf(kind).reduce((sum, { rows }) => sum + rows + copied, 0),
      mayChangeUnseen: (kind) => rowsOf(kind).some(({ table }) => !withChecksum.includes(table)),
    }
  }

  /** Whether one of the errors that were logged tells of the thing with this key. */
  isNamed(key: string, errors: readonly string[]): boolean {
    return errors.some((error) => this.#names.isNamed(key, error))
  }

  /** As the log was committed in front of its damage. */
  #contentUpToDamage(damaged: string): Promise<StoreContent | "undamaged" | "unreadable"> {
    const folder = scratchFolder()
    const read = async () => {
      const copy = join(folder, "store")
      if (!copyUpToDamage(this.#directory, damaged, copy)) return "undamaged"
      try {
        return await readStore(copy, "full")
      } catch (error) {
        // The database was ahead of this part of its log.
        if (error instanceof StoreError && error.damaged) return "unreadable"
        throw error
      }
    }
    return read().finally(() => rmSync(folder, { recursive: true }))
  }
}

/** The row from which a key of the ledger comes. */
interface Origin {
  readonly table: Table
  readonly row: string
  /** Number of the session that it belongs to; "" for none. */
  readonly session: string
}

/** What the ledger calls by the names of clients, the store calls by numbers. */
class Names {
  readonly origins = new Map<string, Origin>()
  /** By the number of the session. */
  readonly #clients = new Map<string, string>()
  /** By number of the session and sequence. */
  readonly #queued = new Map<string, string>()
  /** By number of the row. */
  readonly #retained = new Map<string, string>()

  /** @param file a database whose batches are folded */
  constructor(file: string) {
    using database = new Database(file, { readwrite: true })
    const sessions = database.query<{ id: number; client: string }, []>(
      "SELECT id, client_id AS client FROM session",
    )
    for (const { id, client } of sessions.iterate()) {
      const session = String(id)
      this.#clients.set(session, client)
      for (const kind of ["session", "will"]) {
        this.origins.set(`${kind}/${client}`, { table: "session", row: session, session })
      }
    }
    const add = (
      table: Table,
      kind: string,
      id: number,
      word: string | number,
      name: string | number = word,
    ) => {
      const session = String(id)
      const key = `${kind}/${this.#clients.get(session)}/${name}`
      this.origins.set(key, { table, row: `${session} ${word}`, session })
      return key
    }
    const subscriptions = database.query<{ session: number; filter: string }, []>(
      "SELECT session, filter FROM subscription",
    )
    for (const { session, filter } of subscriptions.iterate()) {
      add("subscription", "subscription", session, filter)
    }
    const identifiers = database.query<{ session: number; packetId: number }, []>(
      "SELECT session, packet_id AS packetId FROM awaiting_release",
    )
    for (const { session, packetId } of identifiers.iterate()) {
      add("awaiting_release", "identifier", session, packetId)
    }
    const queue = database.query<{ session: number; sequence: number; body: Uint8Array }, []>(
      "SELECT session, sequence, body FROM queue JOIN message ON message.id = queue.message",
    )
    for (const { session, sequence, body } of queue.iterate()) {
      const key = add("queue", "queued", session, sequence, nameIn(body))
      this.#queued.set(`${session} ${sequence}`, key)
    }
    const retained = database.query<{ row: number; topic: string }, []>(
      "SELECT rowid AS row, topic FROM retained",
    )
    for (const { row, topic } of retained.iterate()) {
      this.origins.set(`retained/${topic}`, { table: "retained", row: topic, session: "" })
      this.#retained.set(String(row), `retained/${topic}`)
    }
  }

  /** As far as what is logged says which one it means. */
  isNamed(key: string, error: string): boolean {
    const words = (expression: RegExp) => expression.exec(error) ?? undefined
    const queued = words(/message (\d+) in the queue of session (\d+)/)
    if (queued !== undefined) return this.#queued.get(`${queued[2]} ${queued[1]}`) === key
    const recalled = words(/message (\d+) of a queue/)
    if (recalled !== undefined) {
      return [...this.#queued].some(([place, each]) => each === key && place.endsWith(` ${recalled[1]}`))
    }
    const retained = words(/retained message in row (\d+)/)
    if (retained !== undefined) return this.#retained.get(retained[1] ?? "") === key
    if (error.includes("a retained message")) return key.startsWith("retained/")
    const will = words(/will of session (\d+)/)
    if (will !== undefined) return key === `will/${this.#clients.get(will[1] ?? "")}`
    // What it calls the filter is not what that was.
    const subscription = words(/subscription .* of session (\d+)/)
    if (subscription === undefined) return false
    return key.startsWith(`subscription/${this.#clients.get(subscription[1] ?? "")}/`)
  }
}

function nameIn(body: Uint8Array): string {
  const record = parseRecord(body)
  if (record === undefined) throw new Error("a sound store holds a message that is none")
  return nameOf(record.subarray(payloadStartOf(record)))
}

async function inCopy<Result>(directory: string, use: (copy: string) => Promise<Result>): Promise<Result> {
  const folder = scratchFolder()
  try {
    const copy = join(folder, "store")
    copyData(directory, copy)
    return await use(copy)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Keys whose values are not those, by the first word of the key. */
export function differing(expected: Found, found: Found): ReadonlyMap<string, readonly string[]> {
  const byKind = new Map<string, string[]>()
  for (const [key, value] of expected) {
    if (found.get(key) === value) continue
    const kind = kindOf(key)
    byKind.set(kind, [...(byKind.get(kind) ?? []), key])
  }
  return byKind
}

export function kindOf(key: string): string {
  return key.slice(0, key.indexOf("/"))
}

/** @returns what a recovery did not save and should have, and what it saved that was not there */
export function faultsOf({ must, may, mayBeWrong }: Owed, found: Found): string[] {
  const lost = differing(must, found)
  const others = differing(new Map([...found].filter(([key]) => !must.has(key))), may)
  const faults: string[] = []
  for (const kind of new Set([...lost.keys(), ...others.keys()])) {
    const wrong = [...(lost.get(kind) ?? []), ...(others.get(kind) ?? [])]
    if (wrong.length <= mayBeWrong(kind)) continue
    const example = wrong[0] ?? ""
    faults.push(
      `${lost.get(kind)?.length ?? 0} lost and ${others.get(kind)?.length ?? 0} that were not there of ${kind}, where the damage explains ${mayBeWrong(kind)}: ${example} is "${found.get(example) ?? ""}" and not "${may.get(example) ?? ""}"`,
    )
  }
  return faults
}
