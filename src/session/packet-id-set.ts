import type { PacketId } from "../protocol/packet.ts"

/** Beyond these a bit for each identifier there is takes less time than a list of those that are in, and soon less room. */
const mostListed = 32
const identifiers = 65_536

/** Bits that nobody uses, all of them 0: a client that publishes in bursts needs them again and again (bench row pairs-2). */
const spares: Uint32Array[] = []
const mostSpares = 64

/**
 * Packet identifiers, few or all of them: 8 KB at the most, where a Set of all takes two megabytes. Ten thousand
 * clients that never release what they publish fill no memory by that (torture: overload never released).
 */
export class PacketIdSet {
  /** Empty while `#many` is there. */
  #few: Set<PacketId> | undefined
  /** A bit for each. */
  #many: Uint32Array | undefined
  /** Of those. */
  #manySize = 0

  get size(): number {
    return (this.#few?.size ?? 0) + this.#manySize
  }

  has(packetId: PacketId): boolean {
    if (this.#many === undefined) return this.#few?.has(packetId) ?? false
    return ((this.#many[packetId >> 5] ?? 0) & bitOf(packetId)) !== 0
  }

  /** Hot. */
  add(packetId: PacketId): void {
    if (this.#many !== undefined) return this.#set(this.#many, packetId)
    const few = (this.#few ??= new Set())
    few.add(packetId)
    if (few.size <= mostListed) return
    this.#many = spares.pop() ?? new Uint32Array(identifiers / 32)
    for (const each of few) this.#set(this.#many, each)
    few.clear()
  }

  /** Hot. @returns whether it was there */
  delete(packetId: PacketId): boolean {
    const many = this.#many
    if (many === undefined) return this.#few?.delete(packetId) ?? false
    if (!this.has(packetId)) return false
    many[packetId >> 5] = (many[packetId >> 5] ?? 0) & ~bitOf(packetId)
    this.#manySize -= 1
    if (this.#manySize > 0) return true
    if (spares.length < mostSpares) spares.push(many)
    this.#many = undefined
    return true
  }

  #set(many: Uint32Array, packetId: PacketId): void {
    const bits = many[packetId >> 5] ?? 0
    if ((bits & bitOf(packetId)) !== 0) return
    many[packetId >> 5] = bits | bitOf(packetId)
    this.#manySize += 1
  }
}

function bitOf(packetId: PacketId): number {
  return 1 << (packetId & 31)
}
