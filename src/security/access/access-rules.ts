import type { Qos } from "../../protocol/packet.ts"
import type { TopicFilter, TopicName } from "../../protocol/topic.ts"
import type { AccessRule } from "./access-rule.ts"
import type { AuthorizationVerdict, Authorizer } from "./authorization.ts"
import type { Requester } from "../requester.ts"
import type { Rights, WideSubscriptions } from "./rights.ts"
import { type DefaultAccess, RuleBook, type UnusableListener } from "./rule-book.ts"

/**
 * The access rules as they are at the moment. It has an opinion on everything as soon as there is a user or a rule, and
 * on nothing before.
 */
export class AccessRules implements Authorizer {
  readonly #defaultAccess: DefaultAccess
  readonly #expectsOwnRules: boolean
  readonly #wide: WideSubscriptions
  readonly #onUnusable: UnusableListener
  #book: RuleBook

  /**
   * @param defaultAccess for what no rule decides
   * @param onUnusable hears, once for each connection, of rules whose placeholders its names make useless
   * @param expectsOwnRules clients may bring rules of their own, so everybody has to be asked
   */
  constructor(
    defaultAccess: DefaultAccess,
    onUnusable: UnusableListener,
    expectsOwnRules = false,
    wide: WideSubscriptions = "refuse",
  ) {
    this.#wide = wide
    this.#expectsOwnRules = expectsOwnRules
    this.#defaultAccess = defaultAccess
    this.#onUnusable = onUnusable
    this.#book = new RuleBook([], defaultAccess, false, wide)
  }

  /**
   * Holds from the next message on, for connections that are there as well.
   *
   * @param hasUsers there is somebody who can log in
   */
  replace(rules: readonly AccessRule[], hasUsers = false): void {
    this.#book = new RuleBook(rules, this.#defaultAccess, hasUsers || rules.length > 0, this.#wide)
  }

  get limitsReading(): boolean {
    return this.#book.limits || this.#expectsOwnRules
  }

  publish(requester: Requester, topic: TopicName, qos: Qos, retain: boolean): AuthorizationVerdict {
    if (!this.#limits(requester)) return "pass"
    return this.#rightsOf(requester).mayPublish(topic, qos, retain) ? "allow" : "deny"
  }

  subscribe(requester: Requester, filter: TopicFilter, qos: Qos): AuthorizationVerdict {
    if (!this.#limits(requester)) return "pass"
    return this.#rightsOf(requester).maySubscribe(filter, qos) ? "allow" : "deny"
  }

  read(requester: Requester, topic: TopicName): AuthorizationVerdict {
    if (!this.#limits(requester)) return "pass"
    return this.#rightsOf(requester).mayRead(topic) ? "allow" : "deny"
  }

  #limits(requester: Requester): boolean {
    return this.#book.limits || (this.#expectsOwnRules && requester.rules !== undefined)
  }

  #rightsOf(requester: Requester): Rights {
    if (requester.rights === undefined || requester.edition !== this.#book) {
      requester.rights = this.#book.rightsOf(requester, this.#onUnusable)
      requester.edition = this.#book
    }
    return requester.rights
  }
}
