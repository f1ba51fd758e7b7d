import type { PacketId, Qos } from "../../src/protocol/packet.ts"
import type { Chronicle } from "./chronicle.ts"
import { matches, type Published } from "./published.ts"

/** A PUBLISH as it came. */
export interface Arrival {
  readonly text: string
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId: PacketId | undefined
  /** Number of the connection it came by. */
  readonly connection: number
}

/** One enqueueing of a message to one session: it keeps its packet identifier however often it is sent. */
interface Copy {
  connection: number
  /** How often the broker had crashed when it last came. */
  crashes: number
  /** The broker surely got the last acknowledgement of it. */
  isDone: boolean
}

export interface KnownSubscription {
  readonly filter: string
  readonly shareName: string | undefined
  /** The lower of what was granted and what is being asked for. */
  qos: Qos
  /** held: acknowledged. asked: SUBSCRIBE is on its way or lost. gone: UNSUBSCRIBE was sent. */
  state: "held" | "asked" | "gone"
  /** When its end was acknowledged. */
  goneAtStep: number
}

/** A session as its client and the simulation know it. */
export class KnownSession {
  readonly client: string
  readonly isPersistent: boolean
  readonly subscriptions = new Map<string, KnownSubscription>()
  /** Messages the broker promised to deliver, and has not. */
  readonly owed = new Map<string, Published>()
  /** How often something was taken away from its subscriptions. */
  losses = 0
  storeHasFailed = false
  readonly #chronicle: Chronicle
  readonly #copies = new Map<string, Copy>()
  readonly #arrivals = new Map<string, number>()
  readonly #atQos2 = new Set<string>()
  readonly #wills = new Map<string, Pick<Copy, "crashes"> & Pick<Arrival, "packetId">>()
  readonly #orders = new Map<string, number>()
  /** A message sent before this step may have been on the wire of an earlier connection. */
  #offlineAtStep = -1

  constructor(chronicle: Chronicle, client: string, isPersistent: boolean) {
    this.#chronicle = chronicle
    this.client = client
    this.isPersistent = isPersistent
  }

  /** Whether the application has the message. */
  has(text: string): boolean {
    return this.#arrivals.has(text)
  }

  /** The highest QoS of the acknowledged subscriptions of its own that match. */
  grants(topic: string): Qos {
    let qos: Qos = 0
    for (const each of this.subscriptions.values()) {
      if (each.state !== "held" || each.shareName !== undefined || each.qos <= qos) continue
      if (matches(each.filter, topic)) qos = each.qos
    }
    return qos
  }

  asks(text: string, filter: string, shareName: string | undefined, qos: Qos): void {
    const known = this.subscriptions.get(text)
    if (known?.state === "held") {
      if (qos === 0) this.losses += 1
      known.qos = qos < known.qos ? qos : known.qos
      return
    }
    this.subscriptions.set(text, { filter, shareName, qos, state: "asked", goneAtStep: 0 })
  }

  granted(text: string, qos: Qos): void {
    const known = this.subscriptions.get(text)
    if (known === undefined || known.state === "gone") return
    known.qos = qos
    known.state = "held"
  }

  refused(text: string): void {
    const known = this.subscriptions.get(text)
    if (known === undefined) return
    known.state = "asked"
    this.losses += 1
  }

  leaves(text: string): void {
    const known = this.subscriptions.get(text)
    if (known === undefined) return
    known.state = "gone"
    this.losses += 1
    known.goneAtStep = Number.POSITIVE_INFINITY
    for (const [owed, { topic }] of this.owed) {
      if (matches(known.filter, topic)) this.owed.delete(owed)
    }
  }

  hasLeft(text: string): void {
    const known = this.subscriptions.get(text)
    if (known?.state === "gone") known.goneAtStep = this.#chronicle.step
  }

  /** Its connection is gone. */
  offline(): void {
    this.#offlineAtStep = this.#chronicle.step
  }

  /**
   * A PUBLISH of a live message that the client does not hold as a duplicate already.
   *
   * @param isOrdered false where a message may come late, being sent again
   */
  arrived(published: Published, arrival: Arrival, crashes: number, isOrdered: boolean): void {
    const { text } = published
    this.owed.delete(text)
    this.#arrivals.set(text, (this.#arrivals.get(text) ?? 0) + 1)
    this.#chronicle.check(
      this.#mayGet(published),
      `${text} came to ${this.client}, which has no subscription for ${published.topic}`,
    )
    if (published.will !== undefined) this.#checkWill(arrival, crashes)
    if (arrival.packetId === undefined) return
    if (arrival.qos === 2) {
      // What a session that is not stored got before the store refused it to others, a client before MQTT 5 can only
      // publish again.
      const isExact = this.isPersistent || !this.storeHasFailed
      this.#chronicle.check(
        !isExact || !this.#atQos2.has(text),
        `${text} came to ${this.client} twice at QoS 2`,
      )
      this.#atQos2.add(text)
    }
    this.#checkCopy(published, arrival, crashes)
    if (isOrdered && this.#arrivals.get(text) === 1) this.#checkOrder(published)
  }

  /** A PUBLISH of a QoS 2 message that the client holds: it came by an earlier connection, or should not come. */
  cameAgain(arrival: Arrival, crashes: number): void {
    const copy = this.#copies.get(keyOf(arrival))
    if (copy === undefined) return
    this.#checkRepetition(arrival, copy, crashes)
  }

  /** The broker surely has the last acknowledgement of this message. */
  done(arrival: Arrival): void {
    const copy = this.#copies.get(keyOf(arrival))
    if (copy !== undefined) copy.isDone = true
  }

  /** What is sent again has its identifier still; a crash may have undone that the will was published. */
  #checkWill({ text, packetId }: Arrival, crashes: number): void {
    const earlier = this.#wills.get(text)
    const isSentAgain = packetId !== undefined && packetId === earlier?.packetId
    this.#chronicle.check(
      earlier === undefined || isSentAgain || earlier.crashes !== crashes,
      `${text} came to ${this.client} anew, a will that was published before`,
    )
    this.#wills.set(text, { packetId, crashes })
  }

  #checkCopy(published: Published, arrival: Arrival, crashes: number): void {
    const key = keyOf(arrival)
    const copy = this.#copies.get(key)
    if (copy !== undefined) return this.#checkRepetition(arrival, copy, crashes)
    this.#chronicle.check(
      !arrival.dup || published.sentAtStep <= this.#offlineAtStep,
      `${arrival.text} came to ${this.client} with DUP, though it cannot have been sent before`,
    )
    this.#copies.set(key, { connection: arrival.connection, crashes, isDone: false })
  }

  #checkRepetition(arrival: Arrival, copy: Copy, crashes: number): void {
    const what = `${arrival.text} came to ${this.client} again`
    this.#chronicle.check(copy.connection !== arrival.connection, `${what} within one connection`)
    if (copy.crashes === crashes) {
      this.#chronicle.check(!copy.isDone, `${what} after it was acknowledged`)
      this.#chronicle.check(arrival.dup, `${what} without DUP [MQTT-3.3.1-1]`)
    }
    copy.connection = arrival.connection
    copy.crashes = crashes
    copy.isDone = false
  }

  #checkOrder({ publisher, topic, order, text, will }: Published): void {
    if (
      will !== undefined ||
      [...this.subscriptions.values()].some(({ shareName }) => shareName !== undefined)
    )
      return
    const stream = `${publisher} ${topic}`
    const last = this.#orders.get(stream) ?? -1
    this.#chronicle.check(last < order, `${text} came to ${this.client} behind a later one of its publisher`)
    this.#orders.set(stream, order)
  }

  #mayGet({ topic, sentAtStep }: Published): boolean {
    return [...this.subscriptions.values()].some(
      ({ filter, state, goneAtStep }) =>
        matches(filter, topic) && (state !== "gone" || goneAtStep >= sentAtStep),
    )
  }
}

function keyOf({ text, packetId }: Arrival): string {
  return `${text} ${packetId}`
}
