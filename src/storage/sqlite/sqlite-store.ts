import type { Clock } from "../../foundation/clock.ts"
import type { Log } from "../../foundation/log.ts"
import type { Message } from "../../protocol/message.ts"
import { type MessageRecord, parseRecord } from "../../protocol/message-record.ts"
import { parsePacketId } from "../../protocol/packet.ts"
import type { TopicName } from "../../protocol/topic.ts"
import type { Ticket } from "../../foundation/ticket.ts"
import type {
  AccountStore,
  AdministrativeChange,
  AuditEntry,
  AuditQuery,
  StoredAccessRule,
  StoredBan,
  StoredGroup,
  StoredUser,
  UsersChanged,
} from "../account-store.ts"
import type { DropStore } from "../drop-store.ts"
import type {
  Sequence,
  SessionJournal,
  SessionRecord,
  Store,
  StoredSession,
  StoredSubscription,
  StoredWill,
  StoreMood,
} from "../store.ts"
import { ByteReader } from "./bytes.ts"
import type { Durability } from "./database.ts"
import type { SessionRow, SubscriptionRow } from "./exchange.ts"
import { GroupCommit, type BacklogLimits } from "./group-commit.ts"
import { SqliteJournal } from "./journal.ts"
import type { SessionNumber } from "./operation.ts"
import { MessageReader, parseQos, storedClientId, storedFilter } from "./records.ts"
import { readSessions } from "./session-page.ts"
import { failedTicket } from "./ticket.ts"
import { type OpenedWorker, WorkerLink } from "./worker-link.ts"

export interface SqliteOptions {
  readonly directory: string
  readonly durability: Durability
  /** Save what can be saved, should the database be damaged. */
  readonly recover?: boolean
  /** Look through the structure of the whole file at start: about a second for each gigabyte. On by default. */
  readonly quickCheck?: boolean
  /** The database does not grow beyond this: new messages are refused then. Unlimited by default. */
  readonly maximumBytes?: number
  /** How much may wait to be written before publishers are slowed. */
  readonly backlog?: BacklogLimits
}

/** Packed and on its way, what waits is in memory four times over; and packing it takes 1 ms for each megabyte. */
export const defaultBacklog: BacklogLimits = { bytes: 16 * 1024 * 1024, messages: 100_000 }

const sessionsPerPage = 256
const retainedPerPage = 1024

/** The store on SQLite: gathers here, writes in its worker. */
export class SqliteStore implements Store {
  readonly accounts: AccountStore
  readonly drops: DropStore
  readonly #commits: GroupCommit
  readonly #link: WorkerLink
  readonly #log: Log
  readonly #givesTickets: boolean
  #lastSession: SessionNumber

  private constructor(
    options: SqliteOptions,
    clock: Clock,
    log: Log,
    link: WorkerLink,
    lastSession: SessionNumber,
  ) {
    this.#commits = new GroupCommit(link, clock, options.backlog ?? defaultBacklog)
    this.#link = link
    this.#log = log
    this.#givesTickets = options.durability !== "none"
    this.#lastSession = lastSession
    this.accounts = new LinkedAccounts(link)
    this.drops = {
      addDrops: (drops) => link.ask("addDrops", drops),
      drops: (query) => link.ask("drops", query),
    }
    link.onLost((why) => this.#commits.lose(why))
  }

  /** @throws StoreError it is damaged, foreign, too new, or served by another process */
  static async open(
    options: SqliteOptions,
    clock: Clock,
    log: Log,
  ): Promise<Omit<OpenedWorker, "link" | "lastSession"> & { readonly store: SqliteStore }> {
    const { link, lastSession, ...opened } = await WorkerLink.open(
      {
        directory: options.directory,
        durability: options.durability,
        quickCheck: options.quickCheck ?? true,
        recover: options.recover ?? false,
        maximumBytes: options.maximumBytes,
      },
      log,
    )
    return { store: new SqliteStore(options, clock, log, link, lastSession), ...opened }
  }

  get mood(): StoreMood {
    return this.#commits.mood
  }

  onMood(listener: (mood: StoreMood, why: string) => void): void {
    this.#commits.onMood(listener)
  }

  onAccountsChanged(listener: () => void): void {
    this.#link.onAccountsChanged(listener)
  }

  /** @throws StoreError */
  async *sessions(): AsyncIterable<StoredSession> {
    const ask = (after: SessionNumber) => this.#link.ask("sessions", { after, limit: sessionsPerPage })
    for await (const page of pagesOf(ask)) {
      for (const row of readSessions(page)) yield this.#session(row)
    }
  }

  /** @throws StoreError */
  async *retained(): AsyncIterable<readonly MessageRecord[]> {
    const ask = (after: number) => this.#link.ask("retained", { after, limit: retainedPerPage })
    for await (const page of pagesOf(ask)) {
      yield this.#records(page)
    }
  }

  create(record: SessionRecord): { readonly journal: SessionJournal; readonly ticket: Ticket | undefined } {
    const journal = this.#journal(++this.#lastSession, 0)
    return { journal, ticket: journal.create(record) }
  }

  retain(message: Message): Ticket | undefined {
    return this.#retain(message.topic.name, message)
  }

  unretain(topic: TopicName): Ticket | undefined {
    return this.#retain(topic, undefined)
  }

  async close(): Promise<void> {
    const lost = await this.#commits.close()
    if (lost > 0) this.#log.error("the store closes without having written all it was told", { lost })
    await this.#link.close()
  }

  #retain(topic: TopicName, message: Message | undefined): Ticket | undefined {
    const batch = this.#commits.promising()
    if (batch === undefined) return failedTicket
    batch.retain(topic, message)
    const ticket = this.#commits.promised(batch)
    return this.#givesTickets ? ticket : undefined
  }

  /** Each is copied, for one that is kept must not keep the whole page. */
  #records(page: Uint8Array): MessageRecord[] {
    const records: MessageRecord[] = []
    const reader = new ByteReader(page)
    while (reader.left > 0) {
      const length = reader.uint32()
      const record = parseRecord(reader.copyAt(reader.offset, length))
      reader.skip(length)
      if (record === undefined) this.#link.damaged("a retained message")
      else records.push(record)
    }
    return records
  }

  #journal(session: SessionNumber, lastSequence: Sequence): SqliteJournal {
    return new SqliteJournal(session, lastSequence, this.#commits, this.#link, this.#givesTickets)
  }

  #session(row: SessionRow): StoredSession {
    return {
      record: {
        clientId: storedClientId(row.clientId),
        username: row.username ?? undefined,
        createdAtMs: row.createdAtMs,
        expiryIntervalSeconds: row.expiryIntervalSeconds,
        disconnectedAtMs: row.disconnectedAtMs ?? undefined,
        will: this.#will(row),
      },
      journal: this.#journal(row.session, row.lastSequence),
      subscriptions: row.subscriptions
        .map((subscription) => this.#subscription(subscription, row.session))
        .filter((subscription) => subscription !== undefined),
      awaitingRelease: row.awaitingRelease.map(parsePacketId).filter((packetId) => packetId !== undefined),
      queuedMessages: row.queuedMessages,
      queuedBytes: row.queuedBytes,
      sentMessages: row.sentMessages,
      sentUpTo: row.sentUpTo,
      lastSequence: row.lastSequence,
    }
  }

  #will(row: SessionRow): StoredWill | undefined {
    if (row.will === null) return undefined
    const message = new MessageReader().read(new ByteReader(row.will), row.will.length)
    if (message !== undefined) {
      return {
        message,
        delaySeconds: row.willDelaySeconds,
        messageExpirySeconds: row.willExpirySeconds,
      }
    }
    this.#link.damaged(`will of session ${row.session}`)
    return undefined
  }

  #subscription(row: SubscriptionRow, session: SessionNumber): StoredSubscription | undefined {
    const filter = storedFilter(row.filter)
    const qos = parseQos(row.qos)
    const retainHandling = parseQos(row.retainHandling)
    if (filter === undefined || qos === undefined || retainHandling === undefined) {
      this.#link.damaged(`subscription ${row.filter} of session ${session}`)
      return undefined
    }
    return {
      ...filter,
      qos,
      noLocal: row.noLocal === 1,
      retainAsPublished: row.retainAsPublished === 1,
      retainHandling,
      subscriptionIdentifier: row.subscriptionIdentifier,
    }
  }
}

interface Page {
  readonly packed: Uint8Array
  /** The row to go on from; undefined when there is no more. */
  readonly last: number | undefined
}

/** Asks for each page while the one before it is taken, so that both threads are busy. */
async function* pagesOf(ask: (after: number) => Promise<Page>): AsyncIterable<Uint8Array> {
  for (let asked = ask(0); ;) {
    const { packed, last } = await asked
    if (last === undefined) return
    asked = ask(last)
    // Should it fail before its turn has come, it is thrown then.
    asked.catch(() => {})
    yield packed
  }
}

/** Accounts by way of the worker, so that no look-up waits for the disk on the main thread. */
class LinkedAccounts implements AccountStore {
  readonly #link: WorkerLink

  constructor(link: WorkerLink) {
    this.#link = link
  }

  user(name: string): Promise<StoredUser | undefined> {
    return this.#ask("user", name)
  }

  usersNamed(names: readonly string[]): Promise<readonly StoredUser[]> {
    return this.#ask("usersNamed", names)
  }

  usersChangedSince(last: number): Promise<UsersChanged> {
    return this.#ask("usersChangedSince", last)
  }

  users(): Promise<readonly StoredUser[]> {
    return this.#ask("users")
  }

  countUsers(): Promise<number> {
    return this.#ask("countUsers")
  }

  groups(): Promise<readonly StoredGroup[]> {
    return this.#ask("groups")
  }

  accessRules(): Promise<readonly StoredAccessRule[]> {
    return this.#ask("accessRules")
  }

  bans(): Promise<readonly StoredBan[]> {
    return this.#ask("bans")
  }

  audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#ask("audit", query)
  }

  change(who: string, changes: readonly AdministrativeChange[]): Promise<readonly boolean[]> {
    return this.#ask("change", who, changes)
  }

  record(entries: readonly Omit<AuditEntry, "id">[]): Promise<void> {
    return this.#ask("record", entries)
  }

  async #ask<Verb extends keyof AccountStore>(
    verb: Verb,
    ...words: Parameters<AccountStore[Verb]>
  ): Promise<Awaited<ReturnType<AccountStore[Verb]>>> {
    const given = await this.#link.ask("accounts", { verb, words })
    return given as Awaited<ReturnType<AccountStore[Verb]>>
  }
}
