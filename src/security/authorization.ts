import type { TopicFilter, TopicName } from "../protocol/topic.ts"
import type { Principal } from "./authentication.ts"

export type AuthorizationVerdict = "allow" | "deny" | "pass"

/** One opinion on what a principal may do. All three are asked without awaiting: they stand on the hot path. */
export interface Authorizer {
  publish(principal: Principal, topic: TopicName): AuthorizationVerdict
  subscribe(principal: Principal, filter: TopicFilter): AuthorizationVerdict
  /**
   * Before each message that leaves, whatever its origin: live, retained, queued, sent again, or a will. Missing where
   * it never has an opinion: then a message may go out without its topic being looked at.
   */
  read?(principal: Principal, topic: TopicName): AuthorizationVerdict
}

/** Asks one authorizer after the other; the first verdict stands, and without any the setting decides. */
export class AuthorizationChain {
  readonly #links: readonly Authorizer[]
  readonly #otherwise: boolean
  /** False when everybody may read everything, so that nobody need ask. */
  readonly limitsReading: boolean

  /** @param otherwise whether what no link has an opinion on is allowed */
  constructor(links: readonly Authorizer[], otherwise: boolean) {
    this.#links = links
    this.#otherwise = otherwise
    this.limitsReading = !otherwise || links.some((link) => link.read !== undefined)
  }

  mayPublish(principal: Principal, topic: TopicName): boolean {
    for (const link of this.#links) {
      const verdict = link.publish(principal, topic)
      if (verdict !== "pass") return verdict === "allow"
    }
    return this.#otherwise
  }

  maySubscribe(principal: Principal, filter: TopicFilter): boolean {
    for (const link of this.#links) {
      const verdict = link.subscribe(principal, filter)
      if (verdict !== "pass") return verdict === "allow"
    }
    return this.#otherwise
  }

  mayRead(principal: Principal, topic: TopicName): boolean {
    for (const link of this.#links) {
      const verdict = link.read?.(principal, topic) ?? "pass"
      if (verdict !== "pass") return verdict === "allow"
    }
    return this.#otherwise
  }
}

/** What the broker says of itself under `$SYS` nobody else may say. */
export const sysTopicsAreOurs: Authorizer = {
  publish: (_, topic) => (topic.startsWith("$SYS/") ? "deny" : "pass"),
  subscribe: () => "pass",
}
