import type { Wire } from "./stream-socket.ts"
import type { TcpSocket } from "./tcp-socket.ts"
import { closeCodes, longestOwnHeader, longestOwnPayload, writeHeader } from "./websocket-frames.ts"

const nothing = new Uint8Array(0)

/** A frame with its header leaves in one system call. Nobody keeps it: the kernel has a copy, or it is written again. */
const outgoing = new Uint8Array(longestOwnHeader + longestOwnPayload)

/** The server's end of a WebSocket: it packs a byte stream into binary messages. */
export class WebSocketWire implements Wire {
  /** Why it is closed, for the peer. */
  closeCode: number = closeCodes.normal

  readonly #socket: TcpSocket
  /** Of a frame whose header has left, what the header says is still to come. */
  #owed = 0
  /** What has to leave before anything else: the rest of a header, or of a frame that is no message. */
  #rest: Uint8Array = nothing
  /** Waits for the end of a message. The last ping alone has to be answered [RFC 6455, section 5.5.3]. */
  #pong: Uint8Array | undefined
  #state: "open" | "said close" = "open"

  constructor(socket: TcpSocket) {
    this.#socket = socket
  }

  get hasSaidClose(): boolean {
    return this.#state === "said close"
  }

  /** Hot. */
  write(bytes: Uint8Array): number {
    if (!this.relieve()) return 0
    let taken = 0
    if (this.#owed > 0) {
      const length = Math.min(this.#owed, bytes.length)
      const written = this.#socket.write(bytes, 0, length)
      if (written < 0) return written
      this.#owed -= written
      taken = written
      if (written < length || !this.relieve()) return taken
    }
    while (taken < bytes.length) {
      const length = Math.min(longestOwnPayload, bytes.length - taken)
      const headerBytes = writeHeader(outgoing, "binary", length)
      outgoing.set(bytes.subarray(taken, taken + length), headerBytes)
      const written = this.#socket.write(outgoing, 0, headerBytes + length)
      if (written < 0) return written
      if (written < headerBytes) {
        this.#rest = outgoing.slice(written, headerBytes)
        this.#owed = length
        return taken
      }
      taken += written - headerBytes
      this.#owed = headerBytes + length - written
      if (this.#owed > 0) return taken
    }
    return taken
  }

  /** The kernel may take again. @returns whether it has taken what was to leave before anything else */
  relieve(): boolean {
    if (this.#rest.length > 0) {
      const written = Math.max(0, this.#socket.write(this.#rest))
      this.#rest = this.#rest.subarray(written)
      if (this.#rest.length > 0) return false
      if (this.#state === "said close") this.#socket.shutdown()
    }
    if (this.#pong === undefined || this.#owed > 0) return true
    const payload = this.#pong
    this.#pong = undefined
    return this.#say("pong", payload)
  }

  /** Whether a ping waits for `relieve` to answer it. */
  get owesPong(): boolean {
    return this.#pong !== undefined
  }

  /** Keeps the answer until `relieve`: of many pings that came together, the last alone costs a system call. */
  answer(ping: Uint8Array): void {
    // Nothing follows a close of ours [RFC 6455, section 5.5.1].
    if (this.#state === "open") this.#pong = ping
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** The peer is told, and closes [RFC 6455, section 7.1.1]. In the middle of a message it cannot be told. */
  shutdown(): void {
    if (this.#state === "said close") return
    this.#state = "said close"
    if (this.#owed > 0) return this.terminate()
    this.#pong = undefined
    const code = new Uint8Array([this.closeCode >> 8, this.closeCode & 0xff])
    if (this.#say("close", code)) this.#socket.shutdown()
  }

  /** A peer that has nothing more to say still says that it closes. */
  close(): void {
    this.shutdown()
  }

  /** The peer has said close as well: nothing comes any more. */
  end(): void {
    this.#socket.end()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** Behind what is left of a pong. @returns whether all of it left */
  #say(kind: "close" | "pong", payload: Uint8Array): boolean {
    const header = new Uint8Array(longestOwnHeader)
    const headerBytes = writeHeader(header, kind, payload.length)
    const whole = Buffer.concat([this.#rest, header.subarray(0, headerBytes), payload])
    this.#rest = whole.subarray(Math.max(0, this.#socket.write(whole)))
    return this.#rest.length === 0
  }
}
