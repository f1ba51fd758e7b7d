import type { Accept, PeerCertificate, Socket } from "../../src/transport/socket.ts"
import { StreamSocket } from "../../src/transport/stream-socket.ts"
import type { Wire } from "../../src/transport/stream-socket.ts"
import type { EndOfTurn, FlushSchedule } from "../../src/transport/turn-schedule.ts"
import type { WriteLimits } from "../../src/transport/write-buffer.ts"

/** A turn of the event loop that ends when the test says so. Sockets may share one. */
export class ManualTurn implements FlushSchedule {
  #waiting: EndOfTurn[] = []

  add(waiting: EndOfTurn): void {
    this.#waiting.push(waiting)
  }

  /** Calls all that wait, and those that come to wait meanwhile. */
  end(): void {
    for (const one of this.#waiting) one.endOfTurn()
    this.#waiting = []
  }
}

export interface MemorySocketOptions {
  readonly remoteAddress?: string
  readonly peerCertificate?: PeerCertificate
  readonly limits?: WriteLimits
  readonly turn?: ManualTurn
  readonly waitsForPeer?: boolean
  /** Told of what the owner throws; without it the step of the test that made it throw throws it. */
  readonly onBug?: (error: unknown) => void
}

/**
 * A socket without a network: the owner gets the real thing, the test is the peer and the kernel. Each step of the
 * test is a turn of the event loop, and all of it has happened when the step returns.
 */
export class MemorySocket {
  /** What the owner was given. */
  readonly socket: Socket
  readonly #stream: StreamSocket
  readonly #wire = new MemoryWire()
  readonly #turn: ManualTurn
  readonly #undelivered: Uint8Array[] = []
  readonly #bugs: unknown[] = []

  constructor(accept: Accept, options: MemorySocketOptions = {}) {
    this.#turn = options.turn ?? new ManualTurn()
    const settings = {
      schedule: this.#turn,
      limits: options.limits ?? {},
      lingerMs: 1,
      waitsForPeer: options.waitsForPeer ?? false,
      onBug: options.onBug ?? ((error: unknown) => this.#bugs.push(error)),
    }
    const address = options.remoteAddress ?? "192.0.2.1"
    this.#stream = new StreamSocket(this.#wire, address, settings, options.peerCertificate)
    this.#wire.closed = () => this.#stream.closed()
    this.socket = this.#stream
    this.#stream.meet(accept)
    this.flush()
  }

  /**
   * ended: by the owner, after all was sent; closed: the same, and what the peer still sends goes nowhere. terminated:
   * by the owner, at once. cut: by the peer.
   */
  get state(): "open" | "ended" | "closed" | "terminated" | "cut" {
    return this.#wire.state
  }

  get paused(): boolean {
    return this.#wire.paused
  }

  /** Bytes arrive, each argument as a chunk, all in one turn. What finds the socket paused waits for its resume. */
  deliver(...chunks: readonly Uint8Array[]): void {
    this.#undelivered.push(...chunks)
    this.flush()
  }

  /** The turn ends: the output reaches the peer as far as the kernel takes it. */
  flush(): void {
    for (;;) {
      while (this.state === "open" && !this.paused) {
        const chunk = this.#undelivered.shift()
        if (chunk === undefined) break
        this.#stream.received(chunk)
      }
      this.#turn.end()
      // What happened at the end of the turn may have resumed the reading.
      if (this.state !== "open" || this.paused || this.#undelivered.length === 0) break
    }
    if (this.#bugs.length > 0) throw this.#bugs.shift()
  }

  /** All that the peer has got since it was last asked, this turn's output included. */
  sent(): Uint8Array {
    this.flush()
    return this.#wire.take()
  }

  /** The kernel takes `bytes` more, and then none. */
  stall(bytes = 0): void {
    this.#wire.room = bytes
  }

  /** The kernel takes again, as much as it likes or `bytes` and no more. */
  drain(bytes = Number.POSITIVE_INFINITY): void {
    this.#wire.room = bytes
    this.#stream.drained()
    this.flush()
  }

  /** The peer is gone. */
  cut(): void {
    this.#wire.end("cut")
    this.flush()
  }
}

class MemoryWire implements Wire {
  state: "open" | "ended" | "closed" | "terminated" | "cut" = "open"
  paused = false
  room = Number.POSITIVE_INFINITY
  closed: () => void = () => {}
  #taken: Uint8Array[] = []

  write(bytes: Uint8Array): number {
    if (this.state !== "open") return -1
    const taken = Math.min(bytes.length, this.room)
    this.room -= taken
    this.#taken.push(bytes.slice(0, taken))
    return taken
  }

  take(): Uint8Array {
    const all = Buffer.concat(this.#taken)
    this.#taken = []
    return new Uint8Array(all.buffer, all.byteOffset, all.byteLength)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  shutdown(): void {
    this.end("ended")
  }

  terminate(): void {
    this.end("terminated")
  }

  close(): void {
    this.end("closed")
  }

  end(how: "ended" | "closed" | "terminated" | "cut"): void {
    if (this.state !== "open") return
    this.state = how
    this.closed()
  }
}
