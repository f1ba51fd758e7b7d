import { parsePacketId, type PacketId } from "../protocol/packet.ts"

/** Hands out packet identifiers in turn, none twice at once; PUBLISH, SUBSCRIBE and UNSUBSCRIBE share them [2.2.1]. */
export class PacketIds {
  readonly #taken = new Set<PacketId>()
  #last = 0

  /** @throws Error when all 65,535 are taken */
  take(): PacketId {
    for (let tries = 0; tries < 0xffff; tries++) {
      this.#last = (this.#last % 0xffff) + 1
      const id = parsePacketId(this.#last)
      if (id === undefined || this.#taken.has(id)) continue
      this.#taken.add(id)
      return id
    }
    throw new Error("all 65,535 packet identifiers are in use")
  }

  release(id: PacketId): void {
    this.#taken.delete(id)
  }
}
