import type { Clock, Timer } from "../../foundation/clock.ts"
import { cut, errorText, type Log } from "../../foundation/log.ts"
import type { Qos } from "../../protocol/packet.ts"
import type { TopicFilter, TopicName } from "../../protocol/topic.ts"
import type { AccountStore, AuditEntry } from "../../storage/account-store.ts"
import type { AccessQuestion } from "./access-explanation.ts"
import type { Identity } from "../identity.ts"
import type { NumberedRules } from "./numbered-rules.ts"
import type { RefusalReasons } from "./refusal-reasons.ts"
import type { Requester } from "../requester.ts"

/** Somebody who was not let in. */
export interface RefusedLogin {
  readonly clientId: string
  readonly username: string | undefined
  readonly address: string
  readonly listener: string
  readonly why: string
}

/** A will is refused where it is named, and again where it would be published. */
export type RefusedAction = "publish" | "subscribe" | "will" | "read"

/** Whoever is told what the access rules refused. */
export interface RefusalListener {
  /** Hot. @param times so often in a row */
  publishRefused(requester: Requester, topic: TopicName, qos: Qos, retain: boolean, times: number): void
  /** Hot. */
  readRefused(requester: Requester, topic: TopicName): void
  subscribeRefused(requester: Requester, filter: TopicFilter, qos: Qos): void
  willRefused(requester: Requester, topic: TopicName, qos: Qos, retain: boolean): void
}

/** Refusals are gathered for so long, and the same ones counted in one row. */
const gatheringMs = 1_000
/** Of each gathering; of what is beyond, only the number is kept. As many ways to find them are kept at hand. */
const mostRows = 500
/** Longest text of a stranger that is kept, in UTF-16 units: rows are bounded, and so must be what is in them. */
const longestText = 256

/**
 * Writes to the audit what was refused. A million refusals a second cost a look-up each, and end as a few rows.
 */
export class RefusalTrail implements RefusalListener {
  readonly #accounts: Pick<AccountStore, "record">
  readonly #reasons: RefusalReasons
  readonly #clock: Clock
  readonly #log: Log
  #rows = new Map<string, Row>()
  /** The rows once more, as they are found without a key being made. */
  #known = new Map<Requester, Map<string, Known>>()
  /** Of the former. Several may share a row, as topics do that begin alike. */
  #knownCount = 0
  #more = 0
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #state: "well" | "failing" = "well"
  #isClosed = false

  constructor(accounts: Pick<AccountStore, "record">, reasons: RefusalReasons, clock: Clock, log: Log) {
    this.#accounts = accounts
    this.#reasons = reasons
    this.#clock = clock
    this.#log = log
  }

  /** What is held of strangers' texts: rows, and ways to find them. */
  get size(): number {
    return this.#rows.size + this.#knownCount
  }

  loginRefused(login: RefusedLogin): void {
    const { clientId, username, address, listener } = login
    const why = cut(login.why, longestText)
    this.#count(keyOf("login", why, username, clientId, address, listener), 1, () => ({
      atMs: this.#clock.wall(),
      times: 0,
      who: username,
      what: "login refused",
      facts: { ...(clientId !== "" && { client: clientId }), address, listener, why },
      asked: undefined,
    }))
  }

  publishRefused(requester: Requester, topic: TopicName, qos: Qos, retain: boolean, times: number): void {
    if (this.#isOneMore(requester, "publish", topic, qos, retain, times)) return
    this.#first(requester, "publish", { action: "publish", topic, qos, retain }, times)
  }

  readRefused(requester: Requester, topic: TopicName): void {
    if (this.#isOneMore(requester, "read", topic, 0, false, 1)) return
    this.#first(requester, "read", { action: "read", topic }, 1)
  }

  subscribeRefused(requester: Requester, filter: TopicFilter, qos: Qos): void {
    if (this.#isOneMore(requester, "subscribe", filter, qos, false, 1)) return
    this.#first(requester, "subscribe", { action: "subscribe", filter, qos }, 1)
  }

  willRefused(requester: Requester, topic: TopicName, qos: Qos, retain: boolean): void {
    if (this.#isOneMore(requester, "will", topic, qos, retain, 1)) return
    this.#first(requester, "will", { action: "publish", topic, qos, retain }, 1)
  }

  /** Writes what waits. Nothing may be refused afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#writing
    if (this.#rows.size > 0) await this.#write()
  }

  /** Hot. Counts what was refused before, without a key being made. */
  #isOneMore(
    requester: Requester,
    action: RefusedAction,
    topic: string,
    qos: Qos,
    retain: boolean,
    times: number,
  ): boolean {
    let known = this.#known.get(requester)?.get(topic)
    while (known !== undefined) {
      if (known.action === action && known.qos === qos && known.retain === retain) {
        known.row.times += times
        return true
      }
      known = known.next
    }
    if (this.#rows.size < mostRows) return false
    // Whoever thinks of a new topic each time is to pay for that alone.
    this.#more += times
    return true
  }

  #first(requester: Requester, action: RefusedAction, question: AccessQuestion, times: number): void {
    const { username, clientId, remoteAddress, certificateName, principal } = requester
    const topic = question.action === "subscribe" ? question.filter : question.topic
    const qos = question.action === "read" ? 0 : question.qos
    const retain = question.action === "publish" && question.retain
    const key = keyOf(`${action} ${qos} ${retain}`, topic, username, clientId, remoteAddress ?? "", "")
    const row = this.#count(key, times, () => ({
      atMs: this.#clock.wall(),
      times: 0,
      who: username,
      what: `${action} refused`,
      facts: {
        client: clientId,
        ...(remoteAddress !== undefined && { address: remoteAddress }),
        topic,
        ...(question.action !== "read" && { qos }),
        ...(retain && { retain: "yes" }),
      },
      asked: {
        identity: { ...principal, clientId, remoteAddress, certificateName },
        isRevoked: requester.isRevoked,
        rules: this.#reasons.rules,
        question,
      },
    }))
    if (row === undefined || this.#knownCount >= mostRows) return
    this.#knownCount += 1
    let topics = this.#known.get(requester)
    if (topics === undefined) this.#known.set(requester, (topics = new Map()))
    topics.set(topic, { action, qos, retain, row, next: topics.get(topic) })
  }

  #count(key: string, times: number, make: () => Row): Row | undefined {
    let row = this.#rows.get(key)
    if (row === undefined) {
      if (this.#rows.size >= mostRows) {
        this.#more += times
        return undefined
      }
      row = make()
      this.#rows.set(key, row)
      this.#arm()
    }
    row.times += times
    return row
  }

  /** A store that takes its time is not asked for more: meanwhile the gathering goes on. */
  #arm(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#writing !== undefined) return
    this.#timer = this.#clock.at(this.#clock.now() + gatheringMs, () => {
      this.#timer = undefined
      this.#writing = this.#write().then(() => {
        this.#writing = undefined
        if (this.#rows.size > 0) this.#arm()
      })
    })
  }

  async #write(): Promise<void> {
    const rows = [...this.#rows.values()]
    const more = this.#more
    this.#rows = new Map()
    this.#known = new Map()
    this.#knownCount = 0
    this.#more = 0
    try {
      this.#reasons.begin()
      const entries: Omit<AuditEntry, "id">[] = []
      for (const row of rows) entries.push(await this.#entryOf(row))
      if (more > 0) {
        const atMs = this.#clock.wall()
        entries.push({ atMs, kind: "refusal", who: "", what: "more was refused", facts: { times: more } })
      }
      await this.#accounts.record(entries)
      this.#state = "well"
    } catch (error) {
      const why = errorText(error)
      if (this.#state === "well") this.#log.error("what is refused cannot be written to the audit", { why })
      this.#state = "failing"
    }
  }

  async #entryOf({ atMs, times, who, what, facts, asked }: Row): Promise<Omit<AuditEntry, "id">> {
    const reason = asked === undefined ? {} : await this.#reasonOf(asked)
    const all = Object.entries({ ...facts, ...reason, ...(times > 1 && { times }) })
    return {
      atMs,
      kind: "refusal",
      who: cut(who ?? "", longestText),
      what,
      facts: Object.fromEntries(
        all.map(([name, fact]) => [name, typeof fact === "string" ? cut(fact, longestText) : fact]),
      ),
    }
  }

  async #reasonOf({ identity, isRevoked, rules, question }: Asked): Promise<AuditEntry["facts"]> {
    return isRevoked ? { why: "its rights were taken away" } : this.#reasons.of(rules, identity, question)
  }
}

/** Refusals that are one and the same. */
interface Row {
  readonly atMs: number
  times: number
  readonly who: string | undefined
  readonly what: string
  readonly facts: AuditEntry["facts"]
  /** Undefined for a login, which no access rule decides. */
  readonly asked: Asked | undefined
}

/** All that decided, as it was at that moment: a second later it may be otherwise. */
interface Asked {
  readonly identity: Identity
  readonly isRevoked: boolean
  readonly rules: NumberedRules
  readonly question: AccessQuestion
}

/** A row of one requester and topic, and behind it those about the same topic that differ in the rest. */
interface Known {
  readonly action: RefusedAction
  readonly qos: Qos
  readonly retain: boolean
  readonly row: Row
  readonly next: Known | undefined
}

/** No text of MQTT holds U+0000 [MQTT-1.5.4-2]. */
function keyOf(
  what: string,
  about: string,
  username: string | undefined,
  clientId: string,
  address: string,
  listener: string,
): string {
  const who = username === undefined ? "" : `=${cut(username, longestText)}`
  return [what, cut(about, longestText), who, cut(clientId, longestText), address, listener].join("\0")
}
