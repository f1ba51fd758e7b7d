import type { Socket, SocketOwner } from "../../src/transport/socket.ts"

/** An owner that counts and hashes what it receives, and tells when it has enough. */
export class Recorder implements SocketOwner {
  socket: Socket | undefined
  bytes = 0
  closings = 0
  /** Resolves with the end of the connection. */
  readonly closing: Promise<void>
  onChunk: (chunk: Uint8Array) => void = () => {}
  onWritable: () => void = () => {}
  readonly #hash = new Bun.CryptoHasher("sha256")
  /** Resolves when the socket has met this owner; over TLS that is after the client's connection stands. */
  readonly meeting: Promise<void>
  readonly #met = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  #awaited: { readonly bytes: number; readonly resolve: () => void }[] = []

  constructor() {
    this.closing = this.#closed.promise
    this.meeting = this.#met.promise
  }

  /** For `Accept`, and after `connect`. */
  owns(socket: Socket): this {
    this.socket = socket
    this.#met.resolve()
    return this
  }

  /** Resolves when so many bytes have come in all. */
  async has(bytes: number): Promise<void> {
    if (this.bytes >= bytes) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#awaited.push({ bytes, resolve })
    await promise
  }

  /** Of all that was received; once. */
  digest(): string {
    return this.#hash.digest("hex")
  }

  received(chunk: Uint8Array): void {
    this.bytes += chunk.length
    this.#hash.update(chunk)
    this.onChunk(chunk)
    for (const { bytes, resolve } of this.#awaited) if (this.bytes >= bytes) resolve()
    this.#awaited = this.#awaited.filter(({ bytes }) => this.bytes < bytes)
  }

  writable(): void {
    this.onWritable()
  }

  closed(): void {
    this.closings += 1
    this.#closed.resolve()
  }
}

/** Sends a stream of odd-size chunks as fast as the socket is writable, and knows its hash. */
export class Pump {
  sent = 0
  readonly #socket: Socket
  readonly #total: number
  readonly #hash = new Bun.CryptoHasher("sha256")
  readonly #noise = crypto.getRandomValues(new Uint8Array(60_000))

  constructor(socket: Socket, total: number) {
    this.#socket = socket
    this.#total = total
  }

  run(): void {
    while (this.sent < this.#total && this.#socket.output.writable) {
      const start = this.sent % 997
      const length = Math.min(1 + ((this.sent * 7919) % 50_000), this.#total - this.sent)
      const chunk = this.#noise.subarray(start, start + length)
      this.#socket.output.append(chunk)
      this.#hash.update(chunk)
      this.sent += length
    }
  }

  digest(): string {
    return this.#hash.digest("hex")
  }
}
