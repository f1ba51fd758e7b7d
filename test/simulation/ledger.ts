import type { DropReason } from "../../src/foundation/counters.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import type { TopicName } from "../../src/protocol/topic.ts"
import type { SessionLimits } from "../../src/session/session-limits.ts"
import type { Chronicle } from "./chronicle.ts"
import type { Arrival, KnownSession } from "./known-session.ts"
import { type Candidate, matches, payloadOf, type Published, type Will } from "./published.ts"

/** When a queue drops or refuses; what it drops it counts, and that much may be missing. */
export type QueueBounds = Pick<SessionLimits, "queuedMessages" | "whenFull">

/** The sessions that share a filter under one name; each message belongs to one of them. */
interface Group {
  readonly filter: string
  /** Those whose subscription was acknowledged. */
  readonly members: Set<KnownSession>
  readonly owed: Map<string, Published>
  /** To whom each message came last. */
  readonly taken: Map<string, { readonly session: KnownSession; readonly qos: Qos }>
}

/**
 * What the simulation knows to be true from what it said and was told, without a look into the broker: who must get
 * which message, and who must not get one again.
 */
export class Ledger {
  readonly #chronicle: Chronicle
  readonly #published = new Map<string, Published>()
  readonly #sessions = new Set<KnownSession>()
  readonly #groups = new Map<string, Group>()
  readonly #retained = new Map<TopicName, Published[]>()
  readonly #drops = new Map<string, number>()
  readonly #bounds: QueueBounds
  #lives = 0
  #arrivals = 0
  #storeHasFailed = false

  constructor(chronicle: Chronicle, bounds: QueueBounds) {
    this.#chronicle = chronicle
    this.#bounds = bounds
  }

  /** Messages that came to applications, wills aside. */
  get arrivals(): number {
    return this.#arrivals
  }

  /** Queues are short, and drop what does not fit. */
  get mayDrop(): boolean {
    return this.#bounds.queuedMessages < 1000
  }

  /** How often the broker has crashed. */
  get crashes(): number {
    return this.#lives
  }

  // --- sessions ---

  begin(session: KnownSession): void {
    this.#sessions.add(session)
    session.storeHasFailed = this.#storeHasFailed
  }

  /** It is over, or may be: nothing is owed to it any more. */
  end(session: KnownSession | undefined): void {
    if (session === undefined) return
    this.#sessions.delete(session)
    session.owed.clear()
    for (const group of this.#groups.values()) {
      if (group.members.delete(session)) group.owed.clear()
    }
  }

  joined(session: KnownSession, text: string, filter: string): void {
    this.#group(text, filter).members.add(session)
  }

  left(session: KnownSession, text: string): void {
    const group = this.#groups.get(text)
    // What waited for the one who left may be gone with it.
    if (group?.members.delete(session) === true) group.owed.clear()
  }

  // --- messages ---

  /** The first byte of a new message is on its way. */
  publish(
    words: Omit<Published, "outcome" | "candidates" | "groups" | "sentAtStep" | "times" | "lastSentAtStep">,
  ): Published {
    const published: Published = {
      ...words,
      sentAtStep: this.#chronicle.step,
      times: 1,
      lastSentAtStep: this.#chronicle.step,
      outcome: "open",
      candidates: words.qos === 0 || words.will !== undefined ? [] : this.#interested(words.topic),
      groups: words.qos === 0 || words.will !== undefined ? [] : this.#interestedGroups(words.topic),
    }
    this.#published.set(published.text, published)
    if (published.retain) {
      const history = this.#retained.get(published.topic) ?? []
      this.#retained.set(published.topic, [...history, published])
    }
    return published
  }

  /** Its publisher was told that the broker has it: from here on it is the broker's to deliver. */
  accepted(published: Published): void {
    if (published.outcome !== "open") return
    published.outcome = "accepted"
    if (published.isOptional) return
    for (const { session, losses } of published.candidates) {
      if (session.losses === losses) this.#owe(session, published)
    }
    for (const name of published.groups) {
      const group = this.#groups.get(name)
      if (group === undefined || group.members.size === 0) continue
      if (!group.taken.has(published.text)) group.owed.set(published.text, published)
    }
  }

  /** A will that nothing can stop any more. */
  willIsDue(will: Published): void {
    // A queue that rejects refuses a will as well, and it has no publisher to be told.
    if (this.#bounds.whenFull === "reject") return
    for (const { session } of this.#interested(will.topic)) this.#owe(session, will)
  }

  /** Whether somebody with an acknowledged subscription was there when the message was sent, and still is. */
  isWanted(published: Published): boolean {
    return published.candidates.some(
      ({ session, losses }) => this.#sessions.has(session) && session.losses === losses,
    )
  }

  /** In seconds; undefined: never. */
  expiryOf(text: string): number | undefined {
    return this.#published.get(text)?.expirySeconds
  }

  /** A PUBLISH has come to the application: QoS 2 duplicates are already sorted out by packet identifier. */
  arrived(session: KnownSession, arrival: Arrival): void {
    const published = this.#published.get(arrival.text)
    const chronicle: Chronicle = this.#chronicle
    chronicle.check(published !== undefined, `${arrival.text} was never published`)
    chronicle.check(published.topic === arrival.topic, `${arrival.text} came with topic ${arrival.topic}`)
    const objection = published.will?.objection()
    chronicle.check(objection === undefined, `${arrival.text} came, the will of a client that ${objection}`)
    chronicle.check(arrival.qos <= published.qos, `${arrival.text} came at QoS ${arrival.qos}`)
    if (arrival.retain) {
      chronicle.check(published.retain, `${arrival.text} came as retained`)
      return
    }
    if (published.will === undefined) this.#arrivals += 1
    // What was dropped may come late: being sent again by its publisher, or because a crash undid the dropping.
    const isSure = !this.mayDrop && !session.storeHasFailed
    // And who has left since and come back gets it now for the first time, behind what it has had meanwhile.
    const isCandidate = published.candidates.some(
      (candidate) => candidate.session === session && candidate.losses === session.losses,
    )
    const isOrdered =
      published.times === 1
        ? !this.mayDrop || this.#lives === 0
        : isSure && isCandidate && !published.isOptional
    session.arrived(published, arrival, this.#lives, isOrdered)
    for (const [name, { filter, shareName }] of session.subscriptions) {
      if (shareName === undefined || !matches(filter, published.topic)) continue
      this.#taken(name, this.#group(name, filter), session, published, arrival)
    }
  }

  #taken(
    name: string,
    group: Group,
    session: KnownSession,
    { text, will }: Published,
    { qos }: Arrival,
  ): void {
    group.owed.delete(text)
    const earlier = group.taken.get(text)
    const isExact = qos === 2 && earlier?.qos === 2 && will === undefined
    this.#chronicle.check(
      !isExact || earlier.session === session,
      `${text} came to two members of ${name} at QoS 2`,
    )
    group.taken.set(text, { session, qos })
  }

  #group(name: string, filter: string): Group {
    const group = this.#groups.get(name) ?? {
      filter,
      members: new Set(),
      owed: new Map(),
      taken: new Map(),
    }
    this.#groups.set(name, group)
    return group
  }

  // --- what may be retained ---

  /**
   * Every value that may be retained now: the last one acknowledged, what was sent after it, and what was sent again
   * after it; for that may have been refused before, or is routed a second time at QoS 1, but not at QoS 2.
   */
  mayBeRetained(topic: TopicName): ReadonlySet<string> {
    const history = this.#retained.get(topic) ?? []
    const last = history.findLastIndex(({ outcome }) => outcome === "accepted")
    const since = history[last]?.sentAtStep ?? 0
    const allowed = history.filter((each, index) => index >= last || each.lastSentAtStep > since)
    return new Set([...(last < 0 ? [""] : []), ...allowed.map(payloadOf)])
  }

  /** Nothing was sent to the topic after what was acknowledged last. */
  isRetainedSurely(topic: TopicName): boolean {
    return this.mayBeRetained(topic).size === 1
  }

  get retainedTopics(): readonly TopicName[] {
    return [...this.#retained.keys()]
  }

  // --- faults ---

  crashed(): void {
    this.#lives += 1
    this.#forgetWills((will) => !will.survivesCrash)
  }

  /** A will that nothing can store is dropped, and nobody is there to be told. */
  storeFailed(): void {
    this.#storeHasFailed = true
    for (const session of this.#sessions) session.storeHasFailed = true
    this.#forgetWills(() => true)
  }

  dropped(client: string, why: DropReason): void {
    if (why !== "queue-full") return
    this.#chronicle.check(this.mayDrop, `a message for ${client} was dropped: ${why}`)
    this.#drops.set(client, (this.#drops.get(client) ?? 0) + 1)
  }

  // --- the end ---

  /** Whether anybody still waits for a message that no counted drop explains. */
  get owed(): readonly string[] {
    const owed: string[] = []
    for (const session of this.#sessions) {
      if (session.owed.size <= (this.#drops.get(session.client) ?? 0)) continue
      owed.push(`${session.client} lacks ${[...session.owed.keys()].join(", ")}`)
    }
    for (const [name, group] of this.#groups) {
      const drops = [...group.members].reduce((sum, { client }) => sum + (this.#drops.get(client) ?? 0), 0)
      if (group.owed.size > drops) owed.push(`${name} lacks ${[...group.owed.keys()].join(", ")}`)
    }
    return owed
  }

  #forgetWills(which: (will: Will) => boolean): void {
    for (const session of this.#sessions) {
      for (const [text, { will }] of session.owed) {
        if (will !== undefined && which(will)) session.owed.delete(text)
      }
    }
  }

  #owe(session: KnownSession, published: Published): void {
    if (!this.#sessions.has(session) || session.has(published.text)) return
    session.owed.set(published.text, published)
  }

  #interested(topic: TopicName): Candidate[] {
    return [...this.#sessions]
      .filter((session) => session.isPersistent && session.grants(topic) > 0)
      .map((session) => ({ session, losses: session.losses }))
  }

  #interestedGroups(topic: TopicName): string[] {
    return [...this.#groups]
      .filter(([, group]) => group.members.size > 0 && matches(group.filter, topic))
      .map(([name]) => name)
  }
}
