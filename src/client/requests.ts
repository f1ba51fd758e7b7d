import type { PacketId, Suback, Subscribe, Unsuback, Unsubscribe } from "../protocol/packet.ts"
import { protocolError } from "../protocol/protocol-error.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { PacketIds } from "./packet-ids.ts"

/** What the server said to a SUBSCRIBE or UNSUBSCRIBE. */
export interface RequestAnswer {
  readonly packetId: PacketId
  /** One for each filter, in order. */
  readonly reasonCodes: readonly ReasonCode[]
  readonly detail: string | undefined
}

interface Pending {
  readonly awaiting: "suback" | "unsuback"
  readonly filterCount: number
  readonly resolve: (answer: RequestAnswer) => void
  readonly reject: (error: Error) => void
}

/** SUBSCRIBE and UNSUBSCRIBE packets that await their answer [3.8.4, 3.10.4]. */
export class Requests {
  readonly #ids: PacketIds
  readonly #pending = new Map<PacketId, Pending>()

  constructor(ids: PacketIds) {
    this.#ids = ids
  }

  begin(packet: Subscribe | Unsubscribe): Promise<RequestAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RequestAnswer>()
    const pending: Pending =
      packet.type === "subscribe"
        ? { awaiting: "suback", filterCount: packet.requests.length, resolve, reject }
        : { awaiting: "unsuback", filterCount: packet.filters.length, resolve, reject }
    this.#pending.set(packet.packetId, pending)
    return promise
  }

  /** @throws ProtocolError for an answer that nobody asked for, or with too few or too many codes */
  answer({ type, packetId, reasonCodes, properties }: Suback | Unsuback): void {
    const pending = this.#pending.get(packetId)
    if (pending?.awaiting !== type) {
      throw protocolError(`${type.toUpperCase()} for an unknown packet identifier`)
    }
    // Before MQTT 5.0 an UNSUBACK says nothing but that it is done.
    const codes =
      type === "unsuback" && reasonCodes.length === 0
        ? Array.from({ length: pending.filterCount }, () => ReasonCode.success)
        : reasonCodes
    if (codes.length !== pending.filterCount) {
      throw protocolError(`${codes.length} reason codes for ${pending.filterCount} filters`)
    }
    this.#pending.delete(packetId)
    this.#ids.release(packetId)
    pending.resolve({ packetId, reasonCodes: codes, detail: properties.reasonString })
  }

  abandon(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}
