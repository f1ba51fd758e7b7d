import { propertyTable } from "../../../src/protocol/properties.ts"
import { bytesOf } from "../../support/wire-notation.ts"
import type { Random } from "../../support/random.ts"
import type { Conversation } from "./corpus.ts"
import { type GrownPacket, type Part, takenApart, variable, written } from "./grammar.ts"

/** More of them would only be slower to mutate. */
const longestConversation = 12
const mostKept = 4_000

/** What texts and topics have gone wrong with. */
const texts = [
  ...["00", "c080", "eda080", "f4908080", "ff", "efbbbf", "c3", "f09f9880", "efbfbf", "7f", ""],
  ...[
    "'#'",
    "'+'",
    "'a/#'",
    "'a#'",
    "'/'",
    "'//'",
    "'a/b'",
    "'$SYS/a'",
    "'$share/g/a'",
    "'$share//a'",
    "'$share/g'",
  ],
].map(bytesOf)
const longText = new Uint8Array(0x1_0000).fill(0x2f)
const numbers = [
  0, 1, 2, 3, 4, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x7fff, 0x8000, 0xffff, 0x1f_ffff, 0xfff_ffff, 0xffff_ffff,
]
const identifiers = Object.values(propertyTable).map(({ identifier }) => identifier)

/**
 * Makes conversations that nobody should have: valid ones with one thing wrong, most of the time, and a few with many.
 * What is given to `keep` is mutated further. All of it follows from the random numbers.
 */
export class Mutator {
  readonly #random: Random
  readonly #pool: Conversation[]
  readonly #origins: number
  #oldest: number

  /** @param pool conversations to begin with; they are always kept */
  constructor(random: Random, pool: readonly Conversation[]) {
    this.#random = random
    this.#pool = [...pool]
    this.#origins = pool.length
    this.#oldest = pool.length
  }

  /** It did something new, and so may what comes of it. The oldest gives way when there are too many. */
  keep(conversation: Conversation): void {
    if (this.#pool.length - this.#origins < mostKept) {
      this.#pool.push(conversation)
      return
    }
    this.#pool[this.#oldest] = conversation
    this.#oldest = this.#oldest + 1 < this.#pool.length ? this.#oldest + 1 : this.#origins
  }

  next(): Conversation {
    const { version, packets } = this.#one(this.#pool)
    const mutated = [...packets]
    // Once as a rule, so that the rest of it is understood.
    do this.#mutate(mutated, version)
    while (this.#random.oneIn(3))
    return { version, packets: mutated.slice(0, longestConversation) }
  }

  #mutate(packets: Uint8Array[], version: Conversation["version"]): void {
    const index = this.#random.below(packets.length)
    const packet = packets[index] ?? new Uint8Array(0)
    switch (this.#random.below(12)) {
      case 0:
        packets.splice(index, 0, packet)
        return
      case 1:
        packets.splice(index, packets.length > 1 ? 1 : 0)
        return
      case 2: {
        const other = this.#one(this.#pool)
        packets.splice(this.#random.below(packets.length + 1), 0, this.#one(other.packets))
        return
      }
      case 3: {
        // Two conversations at once.
        const other = this.#one(this.#pool)
        for (const [at, each] of other.packets.entries()) packets.splice(at * 2 + 1, 0, each)
        return
      }
      case 4: {
        const otherIndex = this.#random.below(packets.length)
        packets[index] = packets[otherIndex] ?? packet
        packets[otherIndex] = packet
        return
      }
      case 5:
      case 6:
        packets[index] = this.#wrongBytes(packet)
        return
      default: {
        const grown = takenApart(packet, version)
        this.#grow(grown)
        packets[index] = written(grown)
      }
    }
  }

  /** As a network or a careless program would have it: lengths are not seen to. */
  #wrongBytes(packet: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(packet)
    const at = this.#random.below(Math.max(1, bytes.length))
    switch (this.#random.below(7)) {
      case 0:
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#random.below(8))
        return bytes
      case 2:
        bytes[at] = this.#one(numbers)
        return bytes
      case 3:
        return bytes.slice(0, at)
      case 4:
        return Buffer.concat([bytes.subarray(0, at), this.#junk(), bytes.subarray(at)])
      case 5:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + this.#random.below(3))])
      default: {
        // Another remaining length: one that is padded, or promises something else.
        let end = 1
        while ((bytes[end] ?? 0) >= 0x80 && end < 4) end += 1
        const length = bytes.length - end - 1
        const other = this.#one([0, length - 1, length + 1, this.#one(numbers) & 0xfff_ffff])
        const wrong = variable(Math.max(0, other))
        const last = wrong.length - 1
        const padded = Uint8Array.of(...wrong.subarray(0, last), (wrong[last] ?? 0) | 0x80, 0)
        const written = this.#random.oneIn(3) ? padded : wrong
        return Buffer.concat([bytes.subarray(0, 1), written, bytes.subarray(end + 1)])
      }
    }
  }

  /** Changes one thing and has all lengths right. */
  #grow(packet: GrownPacket): void {
    if (packet.parts.length === 0 || this.#random.oneIn(12)) {
      if (this.#random.oneIn(2)) packet.firstByte ^= 1 << this.#random.below(8)
      else packet.parts.push({ kind: "raw", bytes: this.#junk() })
      return
    }
    const index = this.#random.below(packet.parts.length)
    const part = packet.parts[index]
    if (part === undefined) return
    if (this.#random.oneIn(12)) {
      if (this.#random.oneIn(2)) packet.parts.splice(index, 1)
      else packet.parts.splice(index, 0, copyOf(part))
      return
    }
    switch (part.kind) {
      case "raw":
        part.bytes = this.#number(part.bytes)
        return
      case "field":
        part.bytes = this.#text(part.bytes)
        return
      case "properties":
        this.#properties(part.items)
    }
  }

  #number(bytes: Uint8Array): Uint8Array {
    const changed = new Uint8Array(bytes)
    if (bytes.length === 0) return this.#junk()
    const at = this.#random.below(bytes.length)
    if (this.#random.oneIn(2)) changed[at] = (changed[at] ?? 0) ^ (1 << this.#random.below(8))
    else if (bytes.length <= 4) {
      const value = this.#one(numbers)
      for (let index = 0; index < bytes.length; index++) {
        changed[index] = value >>> (8 * (bytes.length - 1 - index))
      }
    } else changed[at] = this.#one(numbers)
    return changed
  }

  #text(bytes: Uint8Array): Uint8Array {
    const text = this.#random.oneIn(500) ? longText.subarray(0, 0xffff) : this.#one(texts)
    if (this.#random.oneIn(2)) return text
    const at = this.#random.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), text, bytes.subarray(at)]).subarray(0, 0xffff)
  }

  #properties(items: Uint8Array[]): void {
    const index = this.#random.below(items.length + 1)
    const item = items[index]
    switch (this.#random.below(6)) {
      case 0:
        if (item !== undefined) items.splice(index, 0, item)
        return
      case 1:
        items.splice(index, 1)
        return
      case 2:
        if (item !== undefined) items[index] = item.slice(0, this.#random.below(item.length))
        return
      case 3:
        if (item !== undefined)
          items[index] = Buffer.concat([item.subarray(0, 1), this.#number(item.subarray(1))])
        return
      case 4:
        items.splice(index, 0, Buffer.concat([Uint8Array.of(this.#one(identifiers)), this.#value()]))
        return
      default: {
        const donor = this.#one(this.#one(this.#pool).packets)
        const found = takenApart(donor, 5).parts.find(({ kind }) => kind === "properties")
        if (found?.kind === "properties") items.splice(index, 0, ...found.items)
      }
    }
  }

  /** Of some property, of the right form or not. */
  #value(): Uint8Array {
    const text = this.#one(texts)
    const field = Buffer.concat([Uint8Array.of(text.length >> 8, text.length), text])
    const number = this.#one(numbers)
    switch (this.#random.below(5)) {
      case 0:
        return Uint8Array.of(number)
      case 1:
        return Uint8Array.of(number >> 8, number)
      case 2:
        return Uint8Array.of(number >>> 24, number >> 16, number >> 8, number)
      case 3:
        return field
      default:
        return Buffer.concat([field, field])
    }
  }

  #junk(): Uint8Array {
    return Uint8Array.from({ length: 1 + this.#random.below(4) }, () => this.#random.below(256))
  }

  #one<Item>(items: readonly Item[]): Item {
    const item = items[this.#random.below(items.length)]
    if (item === undefined) throw new Error("nothing to choose from")
    return item
  }
}

function copyOf(part: Part): Part {
  return part.kind === "properties" ? { ...part, items: [...part.items] } : { ...part }
}
