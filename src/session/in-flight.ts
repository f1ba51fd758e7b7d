import type { PacketId } from "../protocol/packet.ts"
import type { Sequence } from "../storage/store.ts"
import { packetIdOf } from "./outgoing.ts"

/** The answer of the client that a message on the wire waits for [4.3]. */
export type Awaited = "puback" | "pubrec" | "pubcomp"

const codes = { puback: 1, pubrec: 2, pubcomp: 3 } as const satisfies Record<Awaited, number>
const names = [undefined, "puback", "pubrec", "pubcomp"] as const

const smallestRing = 16
const identifiers = 65_535
const nothingAwaited = new Uint8Array(0)
const noBytes = new Uint32Array(0)

/**
 * What was sent to a client and is not acknowledged to the end, by sequence: two numbers for each in a ring, and
 * nothing of the message itself. A map of objects was a sixth of what QoS 1 cost (bench row pairs-1).
 *
 * Two messages in flight never have one packet identifier: whoever sends asks first whether it `takes` the next, and then
 * their sequences are less than 65,535 apart. What a full queue has dropped in between makes them more, without a message
 * in flight having that very identifier.
 */
export class InFlight {
  // Most connections have nothing in flight at QoS 1 or 2, and share these.
  #awaited = nothingAwaited
  #bytes = noBytes
  #size = 0
  #totalBytes = 0
  #oldest: Sequence = 0
  #newest: Sequence = 0

  get size(): number {
    return this.#size
  }

  /** What they take up in a queue that is bounded in bytes. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  /** Hot. Whether no other in flight has its packet identifier, nor could be taken for it. */
  takes(sequence: Sequence): boolean {
    if (this.#size === 0) return true
    return Math.max(this.#newest, sequence) - Math.min(this.#oldest, sequence) < identifiers
  }

  /** Hot. @returns the sequence of the message with this packet identifier, 0 for none */
  find(packetId: PacketId): Sequence {
    if (this.#size === 0) return 0
    const sequence = this.#newest - ((packetIdOf(this.#newest) - packetId + identifiers) % identifiers)
    return sequence >= this.#oldest && this.#awaited[this.#slot(sequence)] !== 0 ? sequence : 0
  }

  /** Hot. Of a sequence that `find` gave. */
  awaits(sequence: Sequence): Awaited | undefined {
    return names[this.#awaited[this.#slot(sequence)] ?? 0]
  }

  /** Hot. A message goes on the wire. */
  add(sequence: Sequence, awaited: Awaited, bytes: number): void {
    if (this.#size === 0) {
      this.#oldest = sequence
      this.#newest = sequence
    }
    const oldest = Math.min(this.#oldest, sequence)
    const newest = Math.max(this.#newest, sequence)
    if (newest - oldest >= this.#awaited.length) this.#grow(newest - oldest + 1)
    this.#oldest = oldest
    this.#newest = newest
    const slot = this.#slot(sequence)
    this.#awaited[slot] = codes[awaited]
    this.#bytes[slot] = bytes
    this.#size += 1
    this.#totalBytes += bytes
  }

  /** The client has said PUBREC: what is left to come is PUBCOMP. */
  received(sequence: Sequence): void {
    this.#awaited[this.#slot(sequence)] = codes.pubcomp
  }

  /** Hot. @returns what it took up */
  remove(sequence: Sequence): number {
    const slot = this.#slot(sequence)
    const bytes = this.#bytes[slot] ?? 0
    this.#awaited[slot] = 0
    this.#size -= 1
    this.#totalBytes -= bytes
    while (this.#oldest < this.#newest && this.#awaited[this.#slot(this.#oldest)] === 0) this.#oldest += 1
    return bytes
  }

  #slot(sequence: Sequence): number {
    return sequence & (this.#awaited.length - 1)
  }

  #grow(span: number): void {
    const before = this.#awaited
    const bytesBefore = this.#bytes
    const length = Math.max(smallestRing, 2 ** (32 - Math.clz32(span - 1)))
    this.#awaited = new Uint8Array(length)
    this.#bytes = new Uint32Array(length)
    if (this.#size === 0) return
    for (let sequence = this.#oldest; sequence <= this.#newest; sequence++) {
      const slot = sequence & (before.length - 1)
      this.#awaited[this.#slot(sequence)] = before[slot] ?? 0
      this.#bytes[this.#slot(sequence)] = bytesBefore[slot] ?? 0
    }
  }
}
