import type { PacketId, Puback, Pubcomp, Publish, Pubrec, Pubrel } from "../../src/protocol/packet.ts"
import { puback, pubcomp, pubrec } from "../support/packets.ts"
import type { Chronicle } from "./chronicle.ts"
import type { Arrival, KnownSession } from "./known-session.ts"
import type { Ledger } from "./ledger.ts"

/** A QoS 2 message that the application has and the broker has not released. */
interface Held {
  readonly arrival: Arrival
  /** The step since which the broker knows that it was sent. */
  atStep: number
  /** That is still known, so it is released whatever happens [MQTT-4.4.0-1]. */
  isOwed: boolean
}

/** What a client receives: the receiver's half of QoS 1 and 2 [4.3]. */
export class Deliveries {
  readonly #name: string
  readonly #chronicle: Chronicle
  readonly #ledger: Ledger
  /** Kept as long as the session. */
  readonly #held = new Map<PacketId, Held>()
  /** What this connection brought at QoS 1 and 2 and has not been acknowledged to the end. */
  readonly #unfinished = new Map<PacketId, Arrival>()

  constructor(name: string, chronicle: Chronicle, ledger: Ledger) {
    this.#name = name
    this.#chronicle = chronicle
    this.#ledger = ledger
  }

  /** How many conversations of this connection are not over, and how many messages an earlier one left to be released. */
  get size(): number {
    return this.#unfinished.size + [...this.#held.values()].filter(({ isOwed }) => isOwed).length
  }

  /** It holds a message that the broker has not released. */
  get isAmidQos2(): boolean {
    return this.#held.size > 0
  }

  /** The session is over. */
  forget(): void {
    this.#held.clear()
    this.#unfinished.clear()
  }

  /**
   * The broker forgot what it did not have on the disk yet: that a message was sent, for example. Then it may be dropped
   * or expire before it is sent again, and is never released.
   *
   * @param atRestStep when the disk had everything for the last time
   */
  crashed(atRestStep: number): void {
    for (const held of this.#held.values()) if (held.atStep > atRestStep) held.isOwed = false
  }

  /** The connection is over. */
  offline(): void {
    this.#unfinished.clear()
  }

  publish(
    packet: Publish,
    session: KnownSession,
    connection: number,
    receiveMaximum: number,
  ): Puback | Pubrec | undefined {
    const { packetId, topic, qos, retain, dup } = packet
    const text = new TextDecoder().decode(packet.payload)
    const arrival: Arrival = { text, topic, qos, retain, dup, packetId, connection }
    this.#chronicle.tell(
      `${this.#name} gets ${text === "" ? "an empty message" : text} at QoS ${qos}` +
        `${packetId === undefined ? "" : ` as ${packetId}`}${dup ? ", DUP" : ""}${retain ? ", RETAIN" : ""}`,
    )
    this.#checkExpiry(text, packet.properties.messageExpiryInterval)
    if (packetId === undefined) {
      this.#arrived(session, arrival)
      return undefined
    }
    this.#chronicle.check(
      !this.#unfinished.has(packetId) || qos === 2,
      `${this.#name} got ${packetId} while it was in use`,
    )
    this.#unfinished.set(packetId, arrival)
    this.#chronicle.check(
      this.#unfinished.size <= receiveMaximum,
      `${this.#name} got more than its Receive Maximum of ${receiveMaximum}`,
    )
    if (qos === 1) {
      this.#arrived(session, arrival)
      return puback(packetId)
    }
    const held = this.#held.get(packetId)
    const { step } = this.#chronicle
    if (held === undefined) {
      this.#held.set(packetId, { arrival, atStep: step, isOwed: true })
      this.#arrived(session, arrival)
    } else {
      this.#chronicle.check(
        held.arrival.text === text,
        `${text} came to ${this.#name} as ${packetId}, by which it holds ${held.arrival.text}`,
      )
      if (!held.isOwed) held.atStep = step
      held.isOwed = true
      session.cameAgain(arrival, this.#ledger.crashes)
    }
    return pubrec(packetId)
  }

  pubrel({ packetId }: Pubrel): Pubcomp {
    this.#held.delete(packetId)
    return pubcomp(packetId)
  }

  /** @param isSure the broker has surely read it */
  answered({ packetId }: Puback | Pubcomp, session: KnownSession, isSure: boolean): void {
    const arrival = this.#unfinished.get(packetId)
    this.#unfinished.delete(packetId)
    if (isSure && arrival !== undefined && !arrival.retain) session.done(arrival)
  }

  /** Whoever forwards a message takes from its expiry what it has waited, and adds nothing [MQTT-3.3.2-6]. */
  #checkExpiry(text: string, leftSeconds: number | undefined): void {
    const wholeSeconds = this.#ledger.expiryOf(text)
    if (leftSeconds === undefined || wholeSeconds === undefined) return
    this.#chronicle.check(
      leftSeconds <= wholeSeconds,
      `${text} came to ${this.#name} to expire in ${leftSeconds} seconds, and was published with ${wholeSeconds}`,
    )
  }

  #arrived(session: KnownSession, arrival: Arrival): void {
    // An empty message clears what is retained; nothing tells one from the other.
    if (arrival.text !== "") this.#ledger.arrived(session, arrival)
  }
}
