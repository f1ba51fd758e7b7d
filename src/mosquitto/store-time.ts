import type { Message } from "../protocol/message.ts"
import { SharedPublish } from "../protocol/shared-publish.ts"
import type { PlannedSession, StatePlan } from "./planned-state.ts"

/** It takes time to open a store, and Mosquitto counts in seconds. */
const sameMs = 1_000

type State = Pick<StatePlan, "sessions" | "retained">

/**
 * What was planned by the clock on the wall, by that of a store. They differ once the wall was put back, for a store's
 * own never is: without this a message would end so much too early, or never.
 *
 * @param storeMs what the clock of the store says when that on the wall says `wallMs`
 */
export function byStoreClock(state: State, storeMs: number, wallMs: number): State {
  const aheadMs = storeMs - wallMs
  return Math.abs(aheadMs) < sameMs ? state : new Shift(aheadMs).state(state)
}

class Shift {
  readonly #aheadMs: number
  /** Sessions that share a message share it afterwards as well. */
  readonly #publishes = new Map<SharedPublish, SharedPublish>()

  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs
  }

  state({ sessions, retained }: State): State {
    return {
      sessions: sessions.map((session) => this.#session(session)),
      retained: retained.map((message) => this.#message(message)),
    }
  }

  #session({ record, queue, ...session }: PlannedSession): PlannedSession {
    const { disconnectedAtMs } = record
    return {
      ...session,
      // It was created when it was, by the wall.
      record: {
        ...record,
        disconnectedAtMs: disconnectedAtMs === undefined ? undefined : disconnectedAtMs + this.#aheadMs,
      },
      queue: queue.map((queued) => ({ ...queued, publish: this.#publish(queued.publish) })),
    }
  }

  #publish(publish: SharedPublish): SharedPublish {
    let shifted = this.#publishes.get(publish)
    if (shifted === undefined) {
      shifted = new SharedPublish(this.#message(publish.message))
      this.#publishes.set(publish, shifted)
    }
    return shifted
  }

  #message(message: Message): Message {
    return {
      ...message,
      expiresAtMs: message.expiresAtMs + this.#aheadMs,
      receivedAtMs: message.receivedAtMs + this.#aheadMs,
    }
  }
}
