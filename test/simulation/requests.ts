import type { PacketId, Qos, Suback, Subscribe, Unsuback, Unsubscribe } from "../../src/protocol/packet.ts"
import { describeReasonCode, isError } from "../../src/protocol/reason-code.ts"
import { subscribe, unsubscribe } from "../support/packets.ts"
import type { Chronicle } from "./chronicle.ts"
import type { KnownSession } from "./known-session.ts"
import type { Ledger } from "./ledger.ts"
import type { WantedSubscription } from "./persona.ts"

interface Request {
  readonly text: string
  /** Undefined: UNSUBSCRIBE. */
  readonly qos: Qos | undefined
}

/** SUBSCRIBE and UNSUBSCRIBE of one connection that were not answered yet. */
export class Requests {
  readonly #name: string
  readonly #chronicle: Chronicle
  readonly #ledger: Ledger
  readonly #open = new Map<PacketId, Request>()

  constructor(name: string, chronicle: Chronicle, ledger: Ledger) {
    this.#name = name
    this.#chronicle = chronicle
    this.#ledger = ledger
  }

  get size(): number {
    return this.#open.size
  }

  has(packetId: PacketId): boolean {
    return this.#open.has(packetId)
  }

  asksFor(text: string): boolean {
    return [...this.#open.values()].some((request) => request.text === text)
  }

  /** The connection is over. */
  offline(): void {
    this.#open.clear()
  }

  subscribe(session: KnownSession, wanted: WantedSubscription, packetId: PacketId): Subscribe {
    const { text, filter, shareName, qos } = wanted
    this.#chronicle.tell(`${this.#name} subscribes to ${text} at QoS ${qos}`)
    session.asks(text, filter, shareName, qos)
    this.#open.set(packetId, { text, qos })
    return subscribe(packetId, [{ filter: text, qos }])
  }

  unsubscribe(session: KnownSession, text: string, packetId: PacketId): Unsubscribe {
    this.#chronicle.tell(`${this.#name} unsubscribes from ${text}`)
    session.leaves(text)
    this.#ledger.left(session, text)
    this.#open.set(packetId, { text, qos: undefined })
    return unsubscribe(packetId, text)
  }

  /** @param mayBeRefused the store has failed, so anything may have been refused */
  suback(session: KnownSession, { packetId, reasonCodes }: Suback, mayBeRefused: boolean): void {
    const request = this.#open.get(packetId)
    this.#open.delete(packetId)
    const [reasonCode] = reasonCodes
    this.#chronicle.check(
      request?.qos !== undefined && reasonCode !== undefined,
      `${this.#name} got a SUBACK for nothing`,
    )
    const { text, qos } = request
    this.#chronicle.tell(`${this.#name} is told ${describeReasonCode(reasonCode)} for ${text}`)
    if (isError(reasonCode)) {
      this.#chronicle.check(mayBeRefused, `${this.#name} may not subscribe to ${text}`)
      session.refused(text)
      return this.#ledger.left(session, text)
    }
    this.#chronicle.check(Number(reasonCode) === qos, `${text} was granted QoS ${reasonCode}`)
    if (this.#isLeaving(text)) return
    session.granted(text, this.#least(text, qos))
    const subscription = session.subscriptions.get(text)
    if (subscription?.shareName !== undefined) this.#ledger.joined(session, text, subscription.filter)
  }

  /** A later UNSUBSCRIBE that is not answered yet may have ended it already; who asked once more is told once more. */
  #isLeaving(text: string): boolean {
    return [...this.#open.values()].some((later) => later.text === text && later.qos === undefined)
  }

  /** A later SUBSCRIBE for the same filter that is not answered yet may have lowered it already. */
  #least(text: string, granted: Qos): Qos {
    let least = granted
    for (const later of this.#open.values()) {
      if (later.text === text && later.qos !== undefined && later.qos < least) least = later.qos
    }
    return least
  }

  unsuback(session: KnownSession, { packetId }: Unsuback): void {
    const request = this.#open.get(packetId)
    this.#open.delete(packetId)
    this.#chronicle.check(
      request !== undefined && request.qos === undefined,
      `${this.#name} got an UNSUBACK for nothing`,
    )
    session.hasLeft(request.text)
  }
}
