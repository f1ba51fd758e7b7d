import { assert } from "../foundation/assert.ts"
import type { Accept, PeerCertificate, Socket, SocketOwner } from "./socket.ts"
import { codeOf } from "./system-error.ts"
import type { EndOfTurn, FlushSchedule } from "./turn-schedule.ts"
import { WriteBuffer } from "./write-buffer.ts"
import type { Sink, WriteLimits } from "./write-buffer.ts"

/** What a kind of network does for a socket. Whatever is called after the close does nothing. */
export interface Wire {
  /** @returns how many bytes were taken, below 0 once closed; fewer than given: `StreamSocket.drained` will follow */
  write(bytes: Uint8Array): number
  pause(): void
  resume(): void
  /** Closes our half: the peer gets all that was taken, then the end. */
  shutdown(): void
  /** Closes both halves: the same for a peer that sends nothing more, a reset for one that does. */
  close(): void
  /** Closes both halves at once; what is on its way is lost. */
  terminate(): void
}

/** What the sockets of one listener have in common. */
export interface StreamSettings {
  readonly schedule: FlushSchedule
  readonly limits: WriteLimits
  readonly lingerMs: number
  /** Even a peer that is done has something to say on the way down, as TLS has: it is read, or it made a reset. */
  readonly waitsForPeer: boolean
  readonly onBug: (error: unknown) => void
}

/**
 * The Socket of every network: it holds the output, knows how a connection ends, and is the one place where an
 * owner's bug is caught. The network calls its public methods, its owner those of `Socket`.
 */
export class StreamSocket implements Socket, Sink, EndOfTurn {
  readonly remoteAddress: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly output: WriteBuffer

  readonly #wire: Wire
  readonly #settings: StreamSettings
  #owner: SocketOwner | undefined
  #linger: ReturnType<typeof setTimeout> | undefined
  #peerIsDone = false
  /** ending: our half closes when the output is empty. lingering: it is closed, and we wait for the peer's. */
  #state: "open" | "ending" | "lingering" | "closed" = "open"

  constructor(
    wire: Wire,
    remoteAddress: string,
    settings: StreamSettings,
    peerCertificate?: PeerCertificate,
  ) {
    this.#wire = wire
    this.#settings = settings
    this.remoteAddress = remoteAddress
    this.peerCertificate = peerCertificate
    this.output = new WriteBuffer(this, settings.schedule, settings.limits)
  }

  /** Finds the owner. Comes once, before anything else. */
  meet(accept: Accept): void {
    assert(this.#owner === undefined, "a socket has one owner")
    try {
      this.#owner = accept(this)
    } catch (error) {
      this.#failed(error)
    }
  }

  pause(): void {
    if (this.#state === "open") this.#wire.pause()
  }

  resume(): void {
    if (this.#state === "open") this.#wire.resume()
  }

  end(peerIsDone = false): void {
    if (this.#state !== "open") return
    this.#state = "ending"
    this.#peerIsDone = peerIsDone
    // Bytes of the peer that nobody reads would turn our end into a reset, and that destroys what is on its way.
    this.#wire.resume()
    this.#finish()
  }

  terminate(): void {
    if (this.#state === "closed") return
    this.#wire.terminate()
    this.closed()
  }

  /** Hot. */
  received(chunk: Uint8Array): void {
    if (this.#state !== "open") return
    try {
      this.#owner?.received(chunk)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** The network takes again. */
  drained(): void {
    const wasWritable = this.output.writable
    this.output.drained()
    if (this.#state === "ending") return this.#finish()
    if (this.#state !== "open" || wasWritable || !this.output.writable) return
    try {
      this.#owner?.writable()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Both halves are closed. */
  closed(): void {
    if (this.#state === "closed") return
    this.#state = "closed"
    clearTimeout(this.#linger)
    this.output.close()
    this.#settings.schedule.add(this)
  }

  /** What the network itself has to complain about. */
  erred(error: unknown): void {
    // The system's errors have a code, and are as good as a close; what has none is a mistake of ours.
    if (codeOf(error) === "") this.#settings.onBug(error)
    this.terminate()
  }

  /** Hot. For the output alone. */
  write(bytes: Uint8Array): number {
    const taken = this.#wire.write(bytes)
    return taken < 0 ? bytes.length : taken
  }

  overflowed(): void {
    this.terminate()
  }

  endOfTurn(): void {
    try {
      this.#owner?.closed()
    } catch (error) {
      this.#settings.onBug(error)
    }
  }

  #finish(): void {
    this.output.flush()
    if (this.output.size > 0 || this.#state !== "ending") return
    this.#state = "lingering"
    this.#closeWire()
    if (!this.#isClosed()) this.#linger = setTimeout(() => this.terminate(), this.#settings.lingerMs)
  }

  /** Closing both halves in one was a tenth of what a passer-by cost (bench row connection-storm). */
  #closeWire(): void {
    if (this.#peerIsDone && !this.#settings.waitsForPeer) this.#wire.close()
    else this.#wire.shutdown()
  }

  /** The wire may have told so while it closed. */
  #isClosed(): boolean {
    return this.#state === "closed"
  }

  #failed(error: unknown): void {
    this.#settings.onBug(error)
    this.terminate()
  }
}

/** The address of a peer as it is compared and logged: an IPv4 peer of an IPv6 listener is an IPv4 peer. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice("::ffff:".length) : address
}
