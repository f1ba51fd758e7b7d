import { type PacketType, packetTypeNumber, type ProtocolVersion } from "../../../src/protocol/packet.ts"
import { type PropertyForm, propertyTable } from "../../../src/protocol/properties.ts"

/** A piece of a packet's body, whose lengths are written anew when something in it was changed. */
export type Part =
  | { readonly kind: "raw"; bytes: Uint8Array }
  /** Behind a length of two bytes [1.5.4, 1.5.6]. */
  | { readonly kind: "field"; bytes: Uint8Array }
  /** Behind their length, each with its identifier [2.2.2]. */
  | { readonly kind: "properties"; items: Uint8Array[] }

/** A packet as the grammar has it. */
export interface GrownPacket {
  firstByte: number
  parts: Part[]
}

/**
 * Takes a packet apart. Where it does not follow the grammar, the rest of it is one raw part: what comes of `written`
 * is the same packet in any case, unless its remaining length was wrong.
 */
export function takenApart(packet: Uint8Array, version: ProtocolVersion): GrownPacket {
  const firstByte = packet[0] ?? 0
  let at = 1
  while ((packet[at] ?? 0) >= 0x80 && at < 4) at += 1
  const cursor = new Cursor(packet.subarray(Math.min(at + 1, packet.length)))
  const parts = cursor.parts
  const properties = () => void (version === 5 && cursor.properties())
  switch (typeOf(firstByte)) {
    case "connect":
      takeConnectApart(cursor)
      break
    case "publish":
      cursor.field()
      if ((firstByte & 6) !== 0) cursor.raw(2)
      properties()
      break
    case "subscribe":
    case "unsubscribe":
      cursor.raw(2)
      properties()
      while (cursor.hasMore && cursor.field()) if (typeOf(firstByte) === "subscribe") cursor.raw(1)
      break
    case "connack":
    case "suback":
    case "unsuback":
      cursor.raw(2)
      properties()
      break
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      cursor.raw(2)
      cursor.raw(1)
      properties()
      break
    case "disconnect":
    case "auth":
      cursor.raw(1)
      properties()
      break
    case "pingreq":
    case "pingresp":
    case undefined:
  }
  cursor.rest()
  return { firstByte, parts }
}

/** The packet, all its lengths right. */
export function written({ firstByte, parts }: GrownPacket): Uint8Array {
  const chunks: Uint8Array[] = []
  for (const part of parts) {
    if (part.kind === "field") {
      const { length } = part.bytes
      chunks.push(Uint8Array.of(length >> 8, length))
    }
    if (part.kind === "properties") {
      const length = part.items.reduce((sum, item) => sum + item.length, 0)
      chunks.push(variable(length), ...part.items)
    } else chunks.push(part.bytes)
  }
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return Buffer.concat([Uint8Array.of(firstByte), variable(length), ...chunks])
}

/** A Variable Byte Integer [1.5.5]. */
export function variable(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value
  do {
    bytes.push(left > 0x7f ? (left & 0x7f) | 0x80 : left)
    left >>>= 7
  } while (left > 0)
  return Uint8Array.from(bytes)
}

const types: (PacketType | undefined)[] = []
for (const [type, number] of Object.entries(packetTypeNumber)) types[number] = type as PacketType

export function typeOf(firstByte: number): PacketType | undefined {
  return types[firstByte >> 4]
}

function takeConnectApart(cursor: Cursor): void {
  const start = cursor.position
  cursor.field()
  const level = cursor.byteAt(cursor.position)
  const flags = cursor.byteAt(cursor.position + 1)
  if (start === cursor.position) return
  cursor.raw(1)
  cursor.raw(1)
  cursor.raw(2)
  if (level === 5) cursor.properties()
  cursor.field()
  if ((flags & 4) !== 0) {
    if (level === 5) cursor.properties()
    cursor.field()
    cursor.field()
  }
  if ((flags & 0x80) !== 0) cursor.field()
  if ((flags & 0x40) !== 0) cursor.field()
}

const formByIdentifier = new Map<number, PropertyForm>(
  Object.values(propertyTable).map(({ identifier, form }) => [identifier, form]),
)

/** Walks over a body; what does not fit is left to `rest`. */
class Cursor {
  readonly parts: Part[] = []
  position = 0
  readonly #body: Uint8Array
  #isLost = false

  constructor(body: Uint8Array) {
    this.#body = body
  }

  get hasMore(): boolean {
    return !this.#isLost && this.position < this.#body.length
  }

  byteAt(at: number): number {
    return this.#body[at] ?? 0
  }

  raw(length: number): void {
    if (!this.hasMore || this.position + length > this.#body.length) return
    this.parts.push({ kind: "raw", bytes: this.#take(length) })
  }

  /** @returns whether there was one */
  field(): boolean {
    const length = this.#fieldLength(this.position)
    if (!this.hasMore || this.position + length > this.#body.length) return this.#lose()
    this.parts.push({ kind: "field", bytes: this.#take(length).subarray(2) })
    return true
  }

  properties(): boolean {
    if (!this.hasMore) return false
    let at = this.position
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byteAt(at++)
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      if (shift === 21) return this.#lose()
    }
    const end = at + length
    if (end > this.#body.length) return this.#lose()
    const items: Uint8Array[] = []
    while (at < end) {
      const next = Math.min(end, at + this.#propertyLength(at))
      items.push(this.#body.slice(at, next))
      at = next
    }
    this.position = end
    this.parts.push({ kind: "properties", items })
    return true
  }

  rest(): void {
    if (this.position === this.#body.length) return
    this.parts.push({ kind: "raw", bytes: this.#take(this.#body.length - this.position) })
  }

  /** One that is not known goes on to the end. */
  #propertyLength(at: number): number {
    switch (formByIdentifier.get(this.byteAt(at))) {
      case "byte":
      case "boolean":
        return 2
      case "two":
        return 3
      case "four":
        return 5
      case "variable": {
        let end = at + 1
        while (this.byteAt(end) >= 0x80 && end < at + 4) end += 1
        return end + 1 - at
      }
      case "text":
      case "binary":
        return 1 + this.#fieldLength(at + 1)
      case "pair": {
        const first = this.#fieldLength(at + 1)
        return 1 + first + this.#fieldLength(at + 1 + first)
      }
      case undefined:
        return this.#body.length
    }
  }

  #fieldLength(at: number): number {
    return 2 + ((this.byteAt(at) << 8) | this.byteAt(at + 1))
  }

  #take(length: number): Uint8Array {
    const taken = this.#body.slice(this.position, this.position + length)
    this.position += length
    return taken
  }

  #lose(): false {
    this.#isLost = true
    return false
  }
}
