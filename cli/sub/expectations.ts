import type { Publish } from "../../src/protocol/packet.ts"
import { shown } from "../shown.ts"
import { type Expectation, isAbout, otherThan } from "./expectation.ts"

/** What has to come to pass. */
export interface Wanted {
  readonly expectations: readonly Expectation[]
  /** So many messages altogether, and the expectations are met by them; undefined: as many as it takes. */
  readonly count: number | undefined
  /** `none`: what is expected must not come; without expectations, nothing at all. */
  readonly order: "any" | "as written" | "none"
}

/** A message that came, kept for the report. */
export interface Came {
  readonly message: Publish
  readonly at: Date
}

/** A message on the topic of an expectation that did not meet it. */
export interface Instead extends Came {
  readonly got: string
  /** It would have met it, but others were to come first. */
  readonly isEarly: boolean
}

export interface ExpectationOutcome {
  readonly expectation: Expectation
  /** What met it. */
  readonly by: Came | undefined
  /** The last ones, if it was not met. */
  readonly instead: readonly Instead[]
  /** How many there were of those. */
  readonly insteadCount: number
}

export interface Outcome {
  readonly met: boolean
  readonly messages: number
  readonly expectations: readonly ExpectationOutcome[]
  /** Topics that no expectation is about: the first ones. */
  readonly otherTopics: readonly string[]
  /** Of `none`: what came all the same. */
  readonly intruder: Came | undefined
}

const mostInstead = 5
const mostOtherTopics = 100
/** A report shows no more of a payload. */
const keptBytes = 4_096

/** An expectation, and what has become of it. */
interface Entry {
  readonly expectation: Expectation
  by: Candidate | undefined
  readonly instead: Instead[]
  insteadCount: number
}

/** A message with all the expectations that it meets. */
interface Candidate {
  readonly came: Came
  readonly meets: readonly Entry[]
}

/**
 * Holds messages against what is expected of them. Each expectation has a message of its own: of two that one message
 * would meet, the other waits for another message.
 */
export class Expectations {
  /** Resolves when no message can change the outcome any more. */
  readonly settled: Promise<void>
  #isSettled = false

  readonly #wanted: Wanted
  readonly #entries: readonly Entry[]
  readonly #settled = Promise.withResolvers<void>()
  readonly #otherTopics = new Set<string>()
  #messages = 0
  #intruder: Came | undefined
  #isTimeOver = false

  constructor(wanted: Wanted) {
    this.#wanted = wanted
    this.#entries = wanted.expectations.map((expectation) => ({
      expectation,
      by: undefined,
      instead: [],
      insteadCount: 0,
    }))
    this.settled = this.#settled.promise
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  take(message: Publish, at: Date): void {
    this.#messages += 1
    const about = this.#entries.filter(({ expectation }) => isAbout(expectation, message))
    const meets = about.filter(({ expectation }) => otherThan(expectation, message) === undefined)
    if (this.#wanted.order === "none") {
      const isUnwanted = this.#entries.length === 0 || meets.length > 0
      if (isUnwanted) this.#intruder ??= kept(message, at)
    } else if (!this.#isTaken({ came: kept(message, at), meets })) {
      this.#note(message, at, about)
    }
    const isOther = this.#entries.length > 0 && about.length === 0
    if (isOther && this.#otherTopics.size < mostOtherTopics) this.#otherTopics.add(message.topic)
    if (this.#intruder !== undefined || (this.#wanted.order !== "none" && this.#isMet())) this.#settle()
  }

  /** What has not come by now is late; and of what was not to come, nothing came. */
  timeIsOver(): void {
    this.#isTimeOver = true
    this.#settle()
  }

  outcome(): Outcome {
    return {
      met: this.#isMet(),
      messages: this.#messages,
      expectations: this.#entries.map(({ by, ...entry }) => ({ ...entry, by: by?.came })),
      otherTopics: [...this.#otherTopics],
      intruder: this.#intruder,
    }
  }

  #settle(): void {
    this.#isSettled = true
    this.#settled.resolve()
  }

  #isMet(): boolean {
    const { count = 0, order } = this.#wanted
    if (order === "none") return this.#isTimeOver && this.#intruder === undefined
    return this.#messages >= count && this.#entries.every(({ by }) => by !== undefined)
  }

  #isTaken(candidate: Candidate): boolean {
    if (this.#wanted.order === "any") return this.#assign(candidate, new Set())
    const next = this.#entries.find(({ by }) => by === undefined)
    if (next === undefined || !candidate.meets.includes(next)) return false
    next.by = candidate
    return true
  }

  /**
   * Gives the message to an expectation that it meets. One that has a message already takes this one only if its own
   * can go to another: so it does not matter in which order messages come.
   */
  #assign(candidate: Candidate, tried: Set<Entry>): boolean {
    for (const entry of candidate.meets) {
      if (tried.has(entry)) continue
      tried.add(entry)
      if (entry.by !== undefined && !this.#assign(entry.by, tried)) continue
      entry.by = candidate
      return true
    }
    return false
  }

  /** For whoever wonders what came instead. */
  #note(message: Publish, at: Date, about: readonly Entry[]): void {
    for (const entry of about) {
      if (entry.by !== undefined) continue
      const other = otherThan(entry.expectation, message)
      const got = other ?? shown(message.payload)
      entry.insteadCount += 1
      entry.instead.push({ ...kept(message, at), got, isEarly: other === undefined })
      if (entry.instead.length > mostInstead) entry.instead.shift()
    }
  }
}

/** The bytes of a message belong to the connection, and are used again. */
function kept(message: Publish, at: Date): Came {
  return { message: { ...message, payload: message.payload.slice(0, keptBytes) }, at }
}
