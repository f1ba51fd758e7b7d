import type { PacketId } from "../protocol/packet.ts"

/** From here on a bit for each identifier there is takes less room than a list of those that are in. */
const mostListed = 128
const identifiers = 65_536

/**
 * Packet identifiers, few or all of them: 8 KB at the most, where a Set of all takes two megabytes. Ten thousand
 * clients that never release what they publish fill no memory by that (torture: overload never released).
 */
export class PacketIdSet {
  #few: Set<PacketId> | undefined
  /** A bit for each. */
  #many: Uint32Array | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  has(packetId: PacketId): boolean {
    if (this.#many === undefined) return this.#few?.has(packetId) ?? false
    return ((this.#many[packetId >> 5] ?? 0) & bitOf(packetId)) !== 0
  }

  add(packetId: PacketId): void {
    if (this.has(packetId)) return
    this.#size += 1
    if (this.#size > mostListed) this.#spread()
    if (this.#many === undefined) (this.#few ??= new Set()).add(packetId)
    else this.#many[packetId >> 5] = (this.#many[packetId >> 5] ?? 0) | bitOf(packetId)
  }

  /** @returns whether it was there */
  delete(packetId: PacketId): boolean {
    if (!this.has(packetId)) return false
    this.#size -= 1
    if (this.#size === 0) {
      this.#few = undefined
      this.#many = undefined
    } else if (this.#many === undefined) {
      this.#few?.delete(packetId)
    } else {
      this.#many[packetId >> 5] = (this.#many[packetId >> 5] ?? 0) & ~bitOf(packetId)
    }
    return true
  }

  #spread(): void {
    if (this.#many !== undefined) return
    const many = new Uint32Array(identifiers / 32)
    for (const packetId of this.#few ?? []) many[packetId >> 5] = (many[packetId >> 5] ?? 0) | bitOf(packetId)
    this.#many = many
    this.#few = undefined
  }
}

function bitOf(packetId: PacketId): number {
  return 1 << (packetId & 31)
}
