import type { Qos } from "../../protocol/packet.ts"
import type { TopicFilter, TopicName } from "../../protocol/topic.ts"
import type { Requester } from "../requester.ts"

export type AuthorizationVerdict = "allow" | "deny" | "pass"

/** One opinion on what a client may do. All three are asked without awaiting: they stand on the hot path. */
export interface Authorizer {
  publish(requester: Requester, topic: TopicName, qos: Qos, retain: boolean): AuthorizationVerdict
  /** @param qos the highest at which messages may come */
  subscribe(requester: Requester, filter: TopicFilter, qos: Qos): AuthorizationVerdict
  /**
   * Before each message that leaves, whatever its origin: live, retained, queued, sent again, or a will. Missing where
   * it never has an opinion: then a message may go out without its topic being looked at.
   */
  read?(requester: Requester, topic: TopicName): AuthorizationVerdict
  /** False as long as `read` would pass on everything; missing where that never changes. */
  readonly limitsReading?: boolean
}

/** Asks one authorizer after the other; the first verdict stands, and without any the setting decides. */
export class AuthorizationChain {
  readonly #links: readonly Authorizer[]
  readonly #readers: readonly Authorizer[]
  readonly #otherwise: boolean

  /** @param otherwise whether what no link has an opinion on is allowed */
  constructor(links: readonly Authorizer[], otherwise: boolean) {
    this.#links = links
    this.#readers = links.filter((link) => link.read !== undefined)
    this.#otherwise = otherwise
  }

  /** Hot. False when everybody may read everything, so that nobody need ask. */
  get limitsReading(): boolean {
    if (!this.#otherwise) return true
    for (const reader of this.#readers) if (reader.limitsReading !== false) return true
    return false
  }

  /** Hot. */
  mayPublish(requester: Requester, topic: TopicName, qos: Qos, retain: boolean): boolean {
    if (requester.isRevoked) return false
    for (const link of this.#links) {
      const verdict = link.publish(requester, topic, qos, retain)
      if (verdict !== "pass") return verdict === "allow"
    }
    return this.#otherwise
  }

  maySubscribe(requester: Requester, filter: TopicFilter, qos: Qos): boolean {
    for (const link of this.#links) {
      const verdict = link.subscribe(requester, filter, qos)
      if (verdict !== "pass") return verdict === "allow"
    }
    return this.#otherwise
  }

  /** Hot. */
  mayRead(requester: Requester, topic: TopicName): boolean {
    for (const reader of this.#readers) {
      const verdict = reader.read?.(requester, topic) ?? "pass"
      if (verdict !== "pass") return verdict === "allow"
    }
    return this.#otherwise
  }
}

/** What the broker says of itself under `$SYS` nobody else may say. */
export function isOurs(topic: TopicName): boolean {
  return topic.startsWith("$SYS/") || topic === "$SYS"
}

/** Goes before whatever rules there are. */
export const sysTopicsAreOurs: Authorizer = {
  publish: (_, topic) => (isOurs(topic) ? "deny" : "pass"),
  subscribe: () => "pass",
}

/** They are bound by no access rule, which is why this stands before the rules. */
export const superusersMayAll: Authorizer = {
  publish: ({ superuser }) => (superuser ? "allow" : "pass"),
  subscribe: ({ superuser }) => (superuser ? "allow" : "pass"),
  read: ({ superuser }) => (superuser ? "allow" : "pass"),
  limitsReading: false,
}
