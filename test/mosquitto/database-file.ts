import { messageStates } from "../../src/mosquitto/saved-state.ts"

/** Writes a mosquitto.db as Mosquitto does, chunk by chunk. */
export class DatabaseFile {
  readonly #parts: Uint8Array[] = []
  readonly #version: 5 | 6

  constructor(version: 5 | 6 = 6, { isFinal = true } = {}) {
    this.#version = version
    this.#parts.push(Buffer.from("\0\xb5\0mosquitto db", "latin1"), numbers(["u32", 0], ["u32", version]))
    this.chunk(1, numbers(["u64", 9], ["u8", isFinal ? 1 : 0], ["u8", 8], ["pad", 6]))
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts))
  }

  chunk(type: number, ...body: readonly Uint8Array[]): this {
    const length = body.reduce((sum, part) => sum + part.length, 0)
    this.#parts.push(numbers(["u32", type], ["u32", length]), ...body)
    return this
  }

  message(
    storeId: number,
    topic: string,
    payload: string,
    { qos = 1, retain = 0, expiry = 0, clientId = "pub", username = "", properties = "" } = {},
  ): this {
    const texts = [clientId, username, topic, payload].map((text) => Buffer.from(text))
    const [idLength = 0, usernameLength = 0, topicLength = 0, payloadLength = 0] = texts.map(
      (text) => text.length,
    )
    const fixed = numbers(
      ["u64", storeId],
      ["u64", expiry],
      ["u32", payloadLength],
      ["u16", 0],
      ["u16", idLength],
      ["u16", usernameLength],
      ["u16", topicLength],
      ["u16", 1883],
      ["u8", qos],
      ["u8", retain],
    )
    return this.chunk(2, fixed, ...texts, Buffer.from(properties, "hex"))
  }

  clientMessage(
    clientId: string,
    storeId: number,
    state: keyof typeof messageStates,
    { packetId = 1, qos = 1, retain = 0, direction = 1, properties = "" } = {},
  ): this {
    const id = Buffer.from(clientId)
    const fixed = numbers(
      ["u64", storeId],
      ["u16", packetId],
      ["u16", id.length],
      ["u8", qos],
      ["u8", messageStates[state]],
      ["u8", retain << 4],
      ["u8", direction],
    )
    return this.chunk(3, fixed, id, Buffer.from(properties, "hex"))
  }

  retained(storeId: number): this {
    return this.chunk(4, numbers(["u64", storeId]))
  }

  subscription(clientId: string, filter: string, { qos = 1, options = 0, identifier = 0 } = {}): this {
    const [id, text] = [Buffer.from(clientId), Buffer.from(filter)]
    const fixed = numbers(
      ["u32", identifier],
      ["u16", id.length],
      ["u16", text.length],
      ["u8", qos],
      ["u8", options],
      ["pad", 2],
    )
    return this.chunk(5, fixed, id, text)
  }

  client(clientId: string, { username = "", expiresAt = 0, interval = 0xffff_ffff }: ClientWords = {}): this {
    const [id, name] = [Buffer.from(clientId), Buffer.from(username)]
    const fixed = numbers(["u64", expiresAt], ["u32", interval], ["u16", 0], ["u16", id.length])
    const ofVersion6 = numbers(["u16", 1883], ["u16", name.length], ["pad", 4])
    return this.chunk(6, fixed, ...(this.#version === 6 ? [ofVersion6, id, name] : [id]))
  }
}

export interface ClientWords {
  readonly username?: string
  /** Unix time. */
  readonly expiresAt?: number
  readonly interval?: number
}

function numbers(
  ...fields: readonly (readonly ["u8" | "u16" | "u32" | "u64" | "pad", number])[]
): Uint8Array {
  const parts = fields.map(([form, value]) => {
    if (form === "pad") return Buffer.alloc(value)
    const part = Buffer.alloc(form === "u8" ? 1 : form === "u16" ? 2 : form === "u32" ? 4 : 8)
    if (form === "u8") part.writeUInt8(value)
    else if (form === "u16") part.writeUInt16BE(value)
    else if (form === "u32") part.writeUInt32BE(value)
    else part.writeBigInt64LE(BigInt(value))
    return part
  })
  return Buffer.concat(parts)
}
