import type { Timer } from "../foundation/clock.ts"
import type { Socket, SocketOwner } from "../transport/socket.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"
import type { Length } from "./turn.ts"

/** What is asked of the house by whoever holds a client back. */
type ReadingSurroundings = Pick<
  ConnectionSurroundings,
  "clock" | "counters" | "storeIsBehind" | "turn" | "whenStoreCaughtUp"
>

/**
 * What is to come before a client is read on. pace: it has published more than it may. store: the disk is behind. turn: it
 * has had its share of this one. reader: it takes no answers.
 */
export type WaitsFor = "pace" | "store" | "turn" | "reader"

/**
 * Whether a client is read on. It is not while it takes no answers, while the disk is behind and it publishes what must
 * reach it, while it has published more than it may, and until the next turn when it has kept this one busy: that is
 * felt as back-pressure, and loses nothing.
 */
export class Reading {
  readonly #surroundings: ReadingSurroundings
  readonly #socket: Socket
  readonly #owner: Pick<SocketOwner, "writable">
  #state: "reading" | "paused" = "reading"
  /** Set while it is read no further because it has published more than it may. */
  #heldBack: Timer | undefined
  /** The store was asked to call when it has caught up. */
  #awaitsStore = false
  #awaitsTurn = false

  /** @param owner whose `writable` is called when a reason to wait is gone */
  constructor(surroundings: ReadingSurroundings, socket: Socket, owner: Pick<SocketOwner, "writable">) {
    this.#surroundings = surroundings
    this.#socket = socket
    this.#owner = owner
  }

  get isOn(): boolean {
    return this.#state === "reading"
  }

  /** Why it is not read on; undefined while it is. */
  get waitsFor(): WaitsFor | undefined {
    if (this.#state === "reading") return undefined
    if (this.#heldBack !== undefined) return "pace"
    if (this.#awaitsStore) return "store"
    return this.#awaitsTurn ? "turn" : "reader"
  }

  /** Its turn is over, and the next one it has is still to come. */
  get awaitsTurn(): boolean {
    return this.#awaitsTurn
  }

  /** What has come is read in a later turn. */
  yield(length: Length): void {
    if (this.#awaitsTurn) return
    this.#awaitsTurn = true
    this.#pause()
    this.#surroundings.turn.wait(() => {
      this.#awaitsTurn = false
      this.#owner.writable()
    }, length)
  }

  /** What there was to read is read. @param waitsForStore something of it must reach the disk */
  settle(waitsForStore: boolean): void {
    if (this.#surroundings.storeIsBehind && waitsForStore) {
      this.#pause()
      this.#awaitStore()
    } else if (!this.#socket.output.writable) {
      this.#pause()
    }
  }

  holdBack(ms: number): void {
    if (this.#heldBack !== undefined) return
    const { clock, counters } = this.#surroundings
    counters.heldBack += 1
    this.#pause()
    this.#heldBack = clock.at(clock.now() + ms, () => {
      this.#heldBack = undefined
      this.#owner.writable()
    })
  }

  /**
   * A reason to wait is gone: should there be no other, the socket brings more from now on.
   *
   * @param waitsForStore something that was read must reach the disk
   * @returns whether it is read on, and was not before
   */
  resume(waitsForStore: boolean): boolean {
    if (this.#state === "reading") return false
    if (this.#surroundings.storeIsBehind && (this.#awaitsStore || waitsForStore)) {
      // Who publishes durably and was paused for another reason waits for the store too, should it be behind by then.
      this.#awaitStore()
      return false
    }
    if (this.#heldBack !== undefined || this.#awaitsTurn) return false
    this.#state = "reading"
    this.#socket.resume()
    return true
  }

  /** The connection ends. */
  end(): void {
    this.#heldBack?.cancel()
  }

  #pause(): void {
    if (this.#state === "paused") return
    this.#state = "paused"
    this.#surroundings.counters.paused += 1
    this.#socket.pause()
  }

  #awaitStore(): void {
    if (this.#awaitsStore) return
    this.#awaitsStore = true
    this.#surroundings.whenStoreCaughtUp(() => {
      this.#awaitsStore = false
      this.#owner.writable()
    })
  }
}
