import type { Durability } from "./database.ts"
import type { WriteWay } from "./group-commit.ts"
import type { RecoveredCounts } from "./recovery.ts"
import type { SessionNumber } from "./operation.ts"
import type { AccountStore } from "../account-store.ts"
import type { DropQuery, Drops, StoredDrops } from "../drop-store.ts"
import type { Sequence } from "../store.ts"

/** What the worker is given when it starts. */
export interface WorkerSettings {
  readonly directory: string
  readonly durability: Durability
  readonly quickCheck: boolean
  readonly recover: boolean
  readonly maximumBytes: number | undefined
}

/** Part of one session's queue, packed by reader.ts. */
export interface QueuePage {
  readonly packed: Uint8Array<ArrayBuffer>
  /** The queue ends with this page. */
  readonly isLast: boolean
  /** Sequence of the last row looked at, damaged ones included. */
  readonly lastSequence: Sequence
}

export interface RetainedPage {
  readonly packed: Uint8Array<ArrayBuffer>
  /** The last row looked at, damaged ones included; undefined when there is no more. */
  readonly last: number | undefined
}

/** Some sessions, packed by session-page.ts. */
export interface SessionsPage {
  readonly packed: Uint8Array<ArrayBuffer>
  /** Undefined when there is no more. */
  readonly last: SessionNumber | undefined
}

/** One session with what belongs to it, as rows and not yet as the types of the contract. */
export interface SessionRow {
  readonly session: SessionNumber
  readonly clientId: string
  readonly username: string | null
  readonly createdAtMs: number
  readonly expiryIntervalSeconds: number
  readonly disconnectedAtMs: number | null
  readonly will: Uint8Array | null
  readonly willDelaySeconds: number
  readonly willExpirySeconds: number
  readonly subscriptions: readonly SubscriptionRow[]
  readonly awaitingRelease: readonly number[]
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly sentMessages: number
  readonly sentUpTo: Sequence
  readonly lastSequence: Sequence
}

export interface SubscriptionRow {
  /** As a SUBSCRIBE names it, `$share/…` included. */
  readonly filter: string
  readonly qos: number
  readonly noLocal: number
  readonly retainAsPublished: number
  readonly retainHandling: number
  readonly subscriptionIdentifier: number
}

/** A verb of the accounts and what it is given; what it gives follows from the verb. */
export interface AccountQuestion {
  readonly verb: keyof AccountStore
  readonly words: readonly unknown[]
}

/** What can be asked of the worker: the question, and what it answers. */
export interface Questions {
  queue: { asks: { session: SessionNumber; after: Sequence; limit: number }; gives: QueuePage }
  sessions: { asks: { after: SessionNumber; limit: number }; gives: SessionsPage }
  retained: { asks: { after: number; limit: number }; gives: RetainedPage }
  accounts: { asks: AccountQuestion; gives: unknown }
  addDrops: { asks: readonly Drops[]; gives: undefined }
  drops: { asks: DropQuery; gives: readonly StoredDrops[] }
}

export type QuestionKind = keyof Questions

export type Question = {
  [Kind in QuestionKind]: { readonly kind: Kind; readonly asks: Questions[Kind]["asks"] }
}[QuestionKind]

export type ToWorker =
  | { readonly type: "write"; readonly packed: Uint8Array<ArrayBuffer>; readonly way: WriteWay }
  | { readonly type: "question"; readonly number: number; readonly question: Question }
  | { readonly type: "close" }

export type FromWorker =
  | {
      readonly type: "opened"
      readonly lastSession: SessionNumber
      readonly nowMs: number
      readonly recovered?: RecoveredCounts
    }
  | { readonly type: "refused"; readonly why: string; readonly damaged: boolean }
  | { readonly type: "written"; readonly failure: string | undefined; readonly buffer: ArrayBuffer }
  | { readonly type: "answer"; readonly number: number; readonly answer: Questions[QuestionKind]["gives"] }
  | { readonly type: "declined"; readonly number: number; readonly why: string; readonly damaged: boolean }
  | { readonly type: "trouble"; readonly sentence: string; readonly what: string }
  /** By this process or another. */
  | { readonly type: "accounts-changed" }
  /** Its files are gone: nothing is written any more, and the worker ends by itself. */
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "closed" }
