import type { WillFields } from "../../src/protocol/packet.ts"
import { parseTopicName } from "../../src/protocol/topic.ts"
import { KnownWill } from "./known-will.ts"
import type { Ledger } from "./ledger.ts"
import type { Line } from "./line.ts"
import type { Persona } from "./persona.ts"

/** The wills of one client, one for each of its connections: a crash may bring back one of long ago. */
export class Bequests {
  readonly #persona: Persona
  readonly #ledger: Ledger
  readonly #wills: KnownWill[] = []

  constructor(persona: Persona, ledger: Ledger) {
    this.#persona = persona
    this.#ledger = ledger
  }

  /** A will for a new connection. @param isStored it is on the disk as soon as the connection is let in */
  bequeath(line: Line, isStored: boolean): WillFields | undefined {
    const { name, will: wanted, expirySeconds, version } = this.#persona
    const topic = parseTopicName(`w/${name}`)
    if (wanted === undefined || topic === undefined) return undefined
    const will = new KnownWill(
      Math.min(wanted.delaySeconds, expirySeconds),
      isStored,
      () => line.isSurelyOpen,
    )
    const text = `${name}-will-${line.number}`
    const { qos } = wanted
    const words = {
      ...{ text, topic, qos, retain: false, publisher: name, order: 0 },
      ...{ isOptional: false, expirySeconds: undefined, will },
    }
    will.isOf(this.#ledger.publish(words))
    this.#wills.push(will)
    const properties = version === 5 ? { willDelayInterval: wanted.delaySeconds } : {}
    return { topic, payload: new TextEncoder().encode(text), qos, retain: false, properties }
  }

  /** When delays are over. */
  get dates(): readonly number[] {
    return this.#wills.flatMap(({ dueAtMs }) => (dueAtMs === undefined ? [] : [dueAtMs]))
  }

  /** The client connects. @param resumes it asks for its session as it was */
  returns(resumes: boolean): void {
    for (const will of this.#wills) will.returns(resumes)
  }

  /** The client is let in with a will for this connection, or without one. */
  returned(nowMs: number, sessionPresent: boolean, step: number): void {
    const present = this.#persona.will === undefined ? undefined : this.#wills.at(-1)
    for (const will of this.#wills) {
      if (will === present) will.accepted()
      else will.returned(sessionPresent ? nowMs : Number.POSITIVE_INFINITY, step)
    }
  }

  /** The client said DISCONNECT, and was surely heard. */
  farewell(step: number): void {
    for (const will of this.#wills) will.farewell(step)
  }

  /**
   * The connection is gone without a farewell.
   *
   * @param atMs when that was; undefined when the client only found out
   * @param isOwed false where nobody may be able to store it
   */
  fell(atMs: number | undefined, isOwed: boolean): void {
    for (const will of this.#wills) {
      if (will.fell(atMs) && isOwed) this.#isDue(will)
    }
  }

  /** @param isOwed as above */
  passed(nowMs: number, isOwed: boolean): void {
    for (const will of this.#wills) {
      if (will.passed(nowMs) && isOwed) this.#isDue(will)
    }
  }

  /** The connection is gone, and nobody knows when the broker notices. */
  lost(): void {
    this.uncertain(Number.POSITIVE_INFINITY)
  }

  /** What the store does not have yet, it may never have. @param atRestStep when it last had everything */
  uncertain(atRestStep: number): void {
    for (const will of this.#wills) will.uncertain(atRestStep)
  }

  #isDue(will: KnownWill): void {
    if (will.published !== undefined) this.#ledger.willIsDue(will.published)
  }
}
