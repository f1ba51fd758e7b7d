import { ChurnMap } from "../foundation/churn-map.ts"
import { isThisMachine, sourceOf } from "../security/guard/source-address.ts"
import type { Connection } from "./connection.ts"

/** The connections that have not said CONNECT so far, by age and, but for this machine's own, by where they come from. */
export class HalfOpen {
  /** Since when; oldest first. */
  readonly #sinceMs = new Map<Connection, number>()
  readonly #bySource = new ChurnMap<string, number>()

  get size(): number {
    return this.#sinceMs.size
  }

  /** The one that has been silent for longest, if for so long. */
  silent(forMs: number, nowMs: number): Connection | undefined {
    for (const [oldest, sinceMs] of this.#sinceMs) return nowMs - sinceMs < forMs ? undefined : oldest
    return undefined
  }

  countOf(source: string): number {
    return this.#bySource.get(source) ?? 0
  }

  add(connection: Connection, nowMs: number): void {
    this.#sinceMs.set(connection, nowMs)
    const { remoteAddress } = connection.door
    if (isThisMachine(remoteAddress)) return
    const source = sourceOf(remoteAddress)
    this.#bySource.set(source, this.countOf(source) + 1)
  }

  /** It has said CONNECT, or will not any more. */
  delete(connection: Connection): void {
    const { remoteAddress } = connection.door
    if (!this.#sinceMs.delete(connection) || isThisMachine(remoteAddress)) return
    const source = sourceOf(remoteAddress)
    const left = this.countOf(source) - 1
    if (left > 0) this.#bySource.set(source, left)
    else this.#bySource.delete(source)
  }
}
