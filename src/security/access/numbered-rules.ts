import { whoText } from "./access-rule.ts"
import type { Identity } from "../identity.ts"
import { whosOf } from "./rule-book.ts"
import type { NumberedRule } from "./stored-access-rules.ts"

/**
 * The stored rules with their numbers, as they were at one moment, by whom they are about: of ten thousand, a question
 * looks at its ten.
 */
export class NumberedRules {
  readonly #byWho = new Map<string, NumberedRule[]>()

  constructor(rules: readonly NumberedRule[]) {
    for (const each of rules) {
      const who = whoText(each.rule.who)
      const shelf = this.#byWho.get(who)
      if (shelf === undefined) this.#byWho.set(who, [each])
      else shelf.push(each)
    }
  }

  /** Those that may hold for this client. */
  about(identity: Identity): readonly NumberedRule[] {
    return whosOf(identity).flatMap((whos) => whos.flatMap((who) => this.#byWho.get(whoText(who)) ?? []))
  }
}
