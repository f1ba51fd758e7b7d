import type { AuditEntry } from "../../storage/account-store.ts"
import { type AccessQuestion, explainAccess } from "./access-explanation.ts"
import { type AccessRule, accessRuleText } from "./access-rule.ts"
import type { Identity } from "../identity.ts"
import { NumberedRules } from "./numbered-rules.ts"
import type { WideSubscriptions } from "./rights.ts"
import type { DefaultAccess } from "./rule-book.ts"

type Facts = AuditEntry["facts"]

/** Rules looked at before others have their turn, which takes about 3 ms. */
const looksPerTurn = 1_000
/** And for all refusals of one writing together: it is a curiosity, and may take a tenth of the time. */
const mostLooks = 50_000

/** Finds for refusals the rule that decided, one rule after the other: slow, and therefore in slices and bounded. */
export class RefusalReasons {
  /** As they are now; whoever will ask why keeps them until then. */
  rules = new NumberedRules([])
  readonly #defaultAccess: DefaultAccess
  readonly #soon: (run: () => void) => void
  readonly #wide: WideSubscriptions
  #looks = 0
  #looksOfTurn = 0

  /** @param soon runs after whatever else is to be done now */
  constructor(
    defaultAccess: DefaultAccess,
    soon: (run: () => void) => void,
    wide: WideSubscriptions = "refuse",
  ) {
    this.#wide = wide
    this.#defaultAccess = defaultAccess
    this.#soon = soon
  }

  /** Another writing begins, with all the time there is. */
  begin(): void {
    this.#looks = 0
  }

  /**
   * @param then the rules as they were when it was refused
   * @returns the number and the line of the rule, or why there is none
   */
  async of(then: NumberedRules, identity: Identity, question: AccessQuestion): Promise<Facts> {
    const rules = then.about(identity)
    const looks = rules.length + (identity.rules?.length ?? 0)
    if (this.#looks + looks > mostLooks) return { why: "there are too many rules to look for the one" }
    this.#looks += looks
    this.#looksOfTurn += looks
    if (this.#looksOfTurn > looksPerTurn) {
      this.#looksOfTurn = 0
      await new Promise<void>((resolve) => this.#soon(resolve))
    }
    const brought = broughtAlong(identity.rules ?? [])
    const own = explainAccess(brought, "deny", identity, question, true, this.#wide)
    if (own.decides !== undefined) return { why: "a rule it brought along", line: own.decides.line }
    const { because, decides } = explainAccess(
      rules,
      this.#defaultAccess,
      identity,
      question,
      true,
      this.#wide,
    )
    if (because === "ours") return { why: "nobody but the broker publishes under $SYS" }
    if (decides === undefined) return { why: "no rule allows it" }
    if (decides.rule.effect === "allow") return { why: "something other than the rules" }
    return { rule: decides.id, line: decides.line }
  }
}

/** Whom they say they are about is nobody's business: they hold for whoever brought them. */
function broughtAlong(rules: readonly AccessRule[]) {
  return rules.map((rule): { readonly rule: AccessRule; readonly line: string } => {
    return { rule: { ...rule, who: { kind: "everyone" } }, line: accessRuleText(rule) }
  })
}
