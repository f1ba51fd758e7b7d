import { defaultHandshakeTimeoutMs } from "./listen-options.ts"
import type { Greeting, GreetingLimits, ListenOptions } from "./listen-options.ts"
import { addressOf } from "./tcp-socket.ts"
import type { TcpSocket } from "./tcp-socket.ts"

/** Who is silent for so long gives way to somebody new, where there are as many as there may be. */
const defaultPatienceMs = 1_000

interface Newcomer {
  greeting: Greeting
  readonly timer: ReturnType<typeof setTimeout>
  readonly sinceMs: number
  /** Undefined: nobody counts them. */
  readonly source: string | undefined
}

/**
 * How long the new peers of a listener may take to introduce themselves, and how many may do so at a time. Nobody above
 * has met them: what they cost is bounded here or nowhere. Whoever takes longer is cut off.
 */
export class Deadlines {
  readonly #options: ListenOptions
  readonly #limits: GreetingLimits | undefined
  /** Oldest first. */
  readonly #newcomers = new Map<TcpSocket, Newcomer>()
  readonly #bySource = new Map<string, number>()

  constructor(options: ListenOptions) {
    this.#options = options
    this.#limits = options.greetings
  }

  /** One too many is cut off at once: the peer itself, or the one that came first and had its chance. */
  begin(socket: TcpSocket, greeting: Greeting): void {
    const source = this.#limits?.sourceOf(addressOf(socket))
    const why = this.#objectionTo(source)
    if (why !== undefined) return this.#cutOff(socket, greeting, why)
    if (source !== undefined) this.#bySource.set(source, this.#countOf(source) + 1)
    const late = () => this.#cutOff(socket, newcomer.greeting, "it did not come to an end in time")
    const timer = setTimeout(late, this.#options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs)
    const newcomer = { greeting, timer, sinceMs: performance.now(), source }
    this.#newcomers.set(socket, newcomer)
  }

  /** Whether the peer is at its greeting, and has time. */
  holds(socket: TcpSocket): boolean {
    return this.#newcomers.has(socket)
  }

  /** The peer goes on with another greeting, in the time that is left. */
  goesOn(socket: TcpSocket, greeting: Greeting): void {
    const newcomer = this.#newcomers.get(socket)
    if (newcomer !== undefined) newcomer.greeting = greeting
  }

  /** @returns whether the peer still had time */
  end(socket: TcpSocket): boolean {
    const newcomer = this.#newcomers.get(socket)
    if (newcomer === undefined) return false
    const { timer, source } = newcomer
    clearTimeout(timer)
    this.#newcomers.delete(socket)
    if (source === undefined) return true
    const left = this.#countOf(source) - 1
    if (left > 0) this.#bySource.set(source, left)
    else this.#bySource.delete(source)
    return true
  }

  #objectionTo(source: string | undefined): string | undefined {
    if (this.#limits === undefined) return undefined
    const { most, mostOfSource, patienceMs = defaultPatienceMs } = this.#limits
    if (source !== undefined && mostOfSource > 0 && this.#countOf(source) >= mostOfSource) {
      return "too many from its address have not come to an end"
    }
    if (this.#newcomers.size < most) return undefined
    for (const [oldest, { sinceMs, greeting }] of this.#newcomers) {
      if (performance.now() - sinceMs < patienceMs) break
      this.#cutOff(oldest, greeting, "too many have not come to an end, and this one came first")
      return undefined
    }
    return "too many have not come to an end"
  }

  #cutOff(socket: TcpSocket, greeting: Greeting, why: string): void {
    this.end(socket)
    this.#options.onRefused?.(addressOf(socket), greeting, why)
    socket.terminate()
  }

  #countOf(source: string): number {
    return this.#bySource.get(source) ?? 0
  }
}
