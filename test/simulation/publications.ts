import type { PacketId, Puback, Pubcomp, Publish, Pubrec, Pubrel } from "../../src/protocol/packet.ts"
import { isError, ReasonCode } from "../../src/protocol/reason-code.ts"
import { publish, pubrel } from "../support/packets.ts"
import type { Chronicle } from "./chronicle.ts"
import type { Ledger } from "./ledger.ts"
import { payloadOf, type Published } from "./published.ts"

/** What a client publishes: the sender's half of QoS 1 and 2, kept for as long as its session [4.3, 4.4]. */
export class Publications {
  readonly #name: string
  readonly #chronicle: Chronicle
  readonly #ledger: Ledger
  readonly #outgoing = new Map<PacketId, { readonly published: Published; stage: "published" | "released" }>()
  readonly #isTaken: (packetId: PacketId) => boolean
  #lastPacketId = 0

  /** @param isTaken whether something else of the client's goes by this identifier [2.2.1] */
  constructor(name: string, chronicle: Chronicle, ledger: Ledger, isTaken: (packetId: PacketId) => boolean) {
    this.#isTaken = isTaken
    this.#name = name
    this.#chronicle = chronicle
    this.#ledger = ledger
  }

  /** How many are not finished. */
  get size(): number {
    return this.#outgoing.size
  }

  /** It has begun to release a message, and was not told that it is. */
  get isAmidQos2(): boolean {
    return [...this.#outgoing.values()].some(({ stage }) => stage === "released")
  }

  forget(): void {
    this.#outgoing.clear()
  }

  freePacketId(): PacketId {
    for (;;) {
      this.#lastPacketId = (this.#lastPacketId % 100) + 1
      const packetId = this.#lastPacketId as PacketId
      if (!this.#outgoing.has(packetId) && !this.#isTaken(packetId)) return packetId
    }
  }

  first(published: Published, messageExpiryInterval: number | undefined): Publish {
    if (published.qos === 0) return this.#packet(published, undefined, false, messageExpiryInterval)
    const packetId = this.freePacketId()
    this.#outgoing.set(packetId, { published, stage: "published" })
    return this.#packet(published, packetId, false, messageExpiryInterval)
  }

  /** All that was not acknowledged, in its order [MQTT-4.4.0-1]. */
  again(): (Publish | Pubrel)[] {
    return [...this.#outgoing].map(([packetId, { published, stage }]) => {
      if (stage === "released") return pubrel(packetId)
      published.times += 1
      published.lastSentAtStep = this.#chronicle.step
      return this.#packet(published, packetId, true, undefined)
    })
  }

  puback({ packetId, reasonCode }: Puback): void {
    const { published } = this.#of(packetId, "PUBACK", 1)
    this.#outgoing.delete(packetId)
    this.#settle(published, reasonCode)
  }

  pubrec({ packetId, reasonCode }: Pubrec): Pubrel | undefined {
    const outgoing = this.#of(packetId, "PUBREC", 2)
    if (outgoing.stage === "published") this.#settle(outgoing.published, reasonCode)
    if (isError(reasonCode)) {
      this.#outgoing.delete(packetId)
      return undefined
    }
    outgoing.stage = "released"
    return pubrel(packetId)
  }

  pubcomp({ packetId }: Pubcomp): void {
    const { stage } = this.#of(packetId, "PUBCOMP", 2)
    this.#chronicle.check(stage === "released", `PUBCOMP ${packetId} came to ${this.#name} before PUBREC`)
    this.#outgoing.delete(packetId)
  }

  #settle(published: Published, reasonCode: ReasonCode): void {
    if (isError(reasonCode)) {
      this.#chronicle.tell(`${published.text} is refused`)
      if (published.outcome === "open") published.outcome = "refused"
      return
    }
    this.#chronicle.tell(`${published.text} is accepted`)
    this.#chronicle.check(
      reasonCode !== ReasonCode.noMatchingSubscribers || !this.#ledger.isWanted(published),
      `${published.text} matched nobody, says the broker`,
    )
    this.#ledger.accepted(published)
  }

  #of(packetId: PacketId, what: string, qos: 1 | 2) {
    const outgoing = this.#outgoing.get(packetId)
    this.#chronicle.check(
      outgoing?.published.qos === qos,
      `${what} ${packetId} came to ${this.#name}, which did not send that`,
    )
    return outgoing
  }

  #packet(
    published: Published,
    packetId: PacketId | undefined,
    dup: boolean,
    messageExpiryInterval: number | undefined,
  ): Publish {
    const { topic, qos, retain } = published
    return publish({
      topic,
      qos,
      retain,
      dup,
      payload: payloadOf(published),
      ...(packetId !== undefined && { packetId }),
      properties: messageExpiryInterval === undefined ? {} : { messageExpiryInterval },
    })
  }
}
