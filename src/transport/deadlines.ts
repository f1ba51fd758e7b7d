import { defaultHandshakeTimeoutMs } from "./listen-options.ts"
import type { Greeting, ListenOptions } from "./listen-options.ts"
import { addressOf } from "./tcp-socket.ts"
import type { TcpSocket } from "./tcp-socket.ts"

/** How long the new peers of a listener may take to introduce themselves. Whoever takes longer is cut off. */
export class Deadlines {
  readonly #options: ListenOptions
  readonly #timers = new Map<TcpSocket, ReturnType<typeof setTimeout>>()

  constructor(options: ListenOptions) {
    this.#options = options
  }

  begin(socket: TcpSocket, greeting: Greeting): void {
    const late = () => {
      this.#options.onRefused?.(addressOf(socket), greeting, "it did not come to an end in time")
      socket.terminate()
    }
    this.#timers.set(socket, setTimeout(late, this.#options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs))
  }

  /** @returns whether the peer still had time */
  end(socket: TcpSocket): boolean {
    clearTimeout(this.#timers.get(socket))
    return this.#timers.delete(socket)
  }
}
