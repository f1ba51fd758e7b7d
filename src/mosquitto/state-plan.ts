import type { Message } from "../protocol/message.ts"
import { type ClientId, neverExpires, parsePacketId, type RetainHandling } from "../protocol/packet.ts"
import { parseSubscriptionFilter, wireTopicLimits } from "../protocol/topic.ts"
import type { Sequence, StoredSubscription } from "../storage/store.ts"
import type { PlannedSession, StatePlan, StateTerms } from "./planned-state.ts"
import { deliverReleased } from "./release.ts"
import { type Problem, someOf } from "./problem.ts"
import { parseQos, SavedMessages } from "./saved-messages.ts"
import {
  messageStates,
  type SavedClient,
  type SavedClientMessage,
  type SavedState,
  type SavedSubscription,
} from "./saved-state.ts"

/** Maps sessions, queues and retained messages; what is in no state to be carried over is reported. */
export function planState(state: SavedState, terms: StateTerms): StatePlan {
  return new StatePlanner(state, terms).plan()
}

class StatePlanner {
  readonly #state: SavedState
  readonly #terms: StateTerms
  readonly #problems: Problem[] = []
  readonly #notes: string[] = []
  readonly #sessions = new Map<string, PlannedSession>()
  readonly #messages: SavedMessages
  #gone = 0

  constructor(state: SavedState, terms: StateTerms) {
    this.#state = state
    this.#terms = terms
    this.#messages = new SavedMessages(state.messages, terms.nowMs, (what) => this.#say(what))
  }

  plan(): StatePlan {
    const subscriptions = groupedByClient(this.#state.subscriptions)
    for (const client of this.#state.clients)
      this.#addSession(client, subscriptions.get(client.clientId) ?? [])
    const retained = new Map<string, Message>()
    for (const storeId of this.#state.retained) {
      const message = this.#messages.find(storeId, "a retained message")
      if (message === undefined || message.payload.length === 0 || this.#messages.isOver(message)) continue
      if (!message.topic.name.startsWith("$SYS/"))
        retained.set(message.topic.name, message.retain ? message : { ...message, retain: true })
    }
    const incoming: Message[] = []
    for (const [clientId, messages] of groupedByClient(this.#state.clientMessages)) {
      const session = this.#sessions.get(clientId)
      if (session !== undefined) this.#fill(session, messages, incoming)
    }
    for (const message of incoming) deliverReleased(message, [...this.#sessions.values()], retained)
    this.#sayWhatIsDoubtful()
    return {
      sessions: [...this.#sessions.values()],
      retained: [...retained.values()],
      problems: this.#problems,
      notes: this.#notes,
    }
  }

  #addSession(client: SavedClient, subscriptions: readonly SavedSubscription[]): void {
    const { clientId, expiresAtSeconds, expiryIntervalSeconds } = client
    const { nowMs, sessionUser } = this.#terms
    if (!isClientId(clientId))
      return this.#say(`a session has the client identifier ${JSON.stringify(clientId)}, and is left out`)
    if (this.#terms.isBridge(clientId)) {
      const waiting = this.#state.clientMessages.filter((each) => each.clientId === clientId).length
      return this.#say(
        `the session ${clientId} of a bridge is left out, with ${waiting} messages that wait for it`,
      )
    }
    const endsAtMs = expiresAtSeconds === 0 ? Number.POSITIVE_INFINITY : expiresAtSeconds * 1000
    // Without an interval it ended when Mosquitto did.
    if (expiryIntervalSeconds === 0 || endsAtMs <= nowMs) {
      this.#gone += 1
      return
    }
    this.#sessions.set(clientId, {
      record: {
        clientId: clientId as ClientId,
        username: this.#state.namesUsers ? client.username : sessionUser,
        createdAtMs: nowMs,
        ...expiryOf(expiryIntervalSeconds, endsAtMs, nowMs),
        will: undefined,
      },
      subscriptions: subscriptions.flatMap((each) => this.#subscription(each) ?? []),
      queue: [],
      sentUpTo: 0,
      identifiers: [],
    })
  }

  #subscription({
    clientId,
    filter,
    qos,
    options,
    identifier,
  }: SavedSubscription): StoredSubscription | undefined {
    const parsed = parseSubscriptionFilter(filter, wireTopicLimits)
    const granted = parseQos(qos)
    if (parsed === undefined || granted === undefined) {
      this.#say(`the subscription of ${clientId} to ${JSON.stringify(filter)} is none, and is left out`)
      return undefined
    }
    return {
      ...parsed,
      qos: granted,
      noLocal: (options & 4) !== 0,
      retainAsPublished: (options & 8) !== 0,
      retainHandling: retainHandlingOf((options >> 4) & 3),
      subscriptionIdentifier: identifier,
    }
  }

  #fill(session: PlannedSession, saved: readonly SavedClientMessage[], incoming: Message[]): void {
    for (const each of saved) {
      if (each.direction === "out") this.#enqueue(session, each)
      else if (each.state === messageStates.waitForPubrel || each.state === messageStates.sendPubrec)
        this.#keepIdentifier(session, each, incoming)
    }
  }

  #enqueue(session: PlannedSession, saved: SavedClientMessage): void {
    const { clientId } = session.record
    const message = this.#messages.find(saved.storeId, `a message for ${clientId}`)
    const qos = parseQos(saved.qos)
    const conversation = conversationOf(saved.state)
    // QoS 0 is for now or never [4.3.1].
    if (message === undefined || qos === 0 || conversation === undefined) return
    // What is on its way is brought to its end.
    if (conversation === "waiting" && this.#messages.isOver(message)) return
    if (qos === undefined)
      return this.#say(`a message for ${clientId} has the QoS ${saved.qos}, and is left out`)
    const sequence = this.#sequenceFor(session, conversation === "waiting" ? 0 : saved.packetId)
    if (conversation !== "waiting") session.sentUpTo = sequence
    session.queue.push({
      sequence,
      publish: this.#messages.publishOf(message),
      qos,
      retain: saved.retain,
      subscriptionIdentifiers: saved.subscriptionIdentifier === 0 ? [] : [saved.subscriptionIdentifier],
      released: conversation === "released",
    })
  }

  /**
   * A message that the client may have seen keeps its packet identifier, which in Bantam follows from the sequence: by it
   * the client knows a message of QoS 2 again, and a PUBREL names nothing else.
   */
  #sequenceFor(session: PlannedSession, packetId: number): Sequence {
    const first = session.queue[0]?.sequence
    const last = session.queue.at(-1)?.sequence ?? 0
    if (packetId === 0) return last + 1
    const step = (((packetId - 1 - (last + 1)) % 65_535) + 65_535) % 65_535
    const sequence = last + 1 + step
    if (first === undefined || sequence - first < 65_535) return sequence
    this.#say(
      `messages in flight to ${session.record.clientId} stand in another order than their identifiers: one may come twice`,
    )
    return last + 1
  }

  /** In Mosquitto nobody has the message before its PUBREL; here it is given away, and its identifier kept. */
  #keepIdentifier(session: PlannedSession, saved: SavedClientMessage, incoming: Message[]): void {
    const packetId = parsePacketId(saved.packetId)
    const message = this.#messages.find(saved.storeId, `a message from ${session.record.clientId}`)
    if (packetId === undefined || message === undefined || session.identifiers.includes(packetId)) return
    session.identifiers.push(packetId)
    incoming.push(message)
  }

  #sayWhatIsDoubtful(): void {
    const { namesUsers, isFinal, doubtfulUsernames, damagedTexts } = this.#state
    const sessions = [...this.#sessions.values()]
    if (!namesUsers && sessions.length > 0 && this.#terms.sessionUser === undefined) {
      this.#say(
        "the file is of version 5 and does not say whose the sessions are, so they are anonymous clients'; " +
          "--session-user NAME gives them to a user",
      )
    }
    const doubtful = doubtfulUsernames.filter((clientId) => this.#sessions.has(clientId))
    if (doubtful.length > 0) {
      this.#say(
        `the user names of the sessions ${someOf(doubtful)} may be those of the clients before them, by a fault of ` +
          "Mosquitto's: a session is resumed by its own user alone",
      )
    }
    if (damagedTexts.length > 0) {
      this.#say(
        `the topics ${someOf(damagedTexts)} were kept as numbers, so leading zeros and the like may be lost: compare them`,
      )
    }
    if (!isFinal) {
      this.#notes.push(
        "Mosquitto went on after it wrote its database: what came later is not in it, unless it was killed",
      )
    }
    const bare = sessions.filter(({ subscriptions }) => subscriptions.length === 0).length
    if (bare > 0) {
      this.#notes.push(
        `sessions without a subscription: ${bare}. Mosquitto 2.0 does not save shared ones; their clients must subscribe anew`,
      )
    }
    if (this.#gone > 0) this.#notes.push(`sessions that are over, and were left out: ${this.#gone}`)
    if (this.#messages.expired > 0)
      this.#notes.push(`messages that have expired, and were left out: ${this.#messages.expired}`)
  }

  #say(what: string): void {
    this.#problems.push({ file: this.#terms.file, line: undefined, what })
  }
}

/** Counts from the end of a connection, so that the session ends when it would have. */
function expiryOf(intervalSeconds: number, endsAtMs: number, nowMs: number) {
  if (endsAtMs === Number.POSITIVE_INFINITY)
    return { expiryIntervalSeconds: intervalSeconds, disconnectedAtMs: nowMs }
  // One that would never end does all the same where `persistent_client_expiration` is set.
  const lastingMs = Math.min(intervalSeconds * 1000, endsAtMs - nowMs)
  const interval = intervalSeconds === neverExpires ? Math.ceil(lastingMs / 1000) : intervalSeconds
  return {
    expiryIntervalSeconds: interval,
    disconnectedAtMs: Math.min(nowMs, endsAtMs - interval * 1000),
  }
}

/** What a client has of a message that goes out to it; undefined: it is at an end, or was never to be kept. */
function conversationOf(state: number): "waiting" | "begun" | "released" | undefined {
  switch (state) {
    case messageStates.queued:
      return "waiting"
    case messageStates.publishQos1:
    case messageStates.waitForPuback:
    case messageStates.publishQos2:
    case messageStates.waitForPubrec:
      return "begun"
    case messageStates.resendPubrel:
    case messageStates.waitForPubcomp:
      return "released"
    default:
      return undefined
  }
}

function groupedByClient<Entry extends { readonly clientId: string }>(
  entries: readonly Entry[],
): ReadonlyMap<string, readonly Entry[]> {
  const grouped = new Map<string, Entry[]>()
  for (const entry of entries) {
    const known = grouped.get(entry.clientId)
    if (known === undefined) grouped.set(entry.clientId, [entry])
    else known.push(entry)
  }
  return grouped
}

/** 3 is none [3.8.3.1]. */
function retainHandlingOf(value: number): RetainHandling {
  return value === 1 || value === 2 ? value : 0
}

function isClientId(text: string): boolean {
  return text !== "" && Buffer.byteLength(text) <= 65_535 && !text.includes("\0")
}
