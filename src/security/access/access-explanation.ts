import type { Qos } from "../../protocol/packet.ts"
import type { TopicFilter, TopicName } from "../../protocol/topic.ts"
import type { AccessRule } from "./access-rule.ts"
import type { Identity } from "../identity.ts"
import { isOurs } from "./authorization.ts"
import {
  allowedBits,
  deniedBits,
  publishBit,
  readBit,
  subscribeBit,
  type WideSubscriptions,
} from "./rights.ts"
import { RightsTree } from "./rights-tree.ts"
import { type DefaultAccess, holdsFrom, isAllowedByDefault, isSameWho, putRule, whosOf } from "./rule-book.ts"

/** What somebody asks to do. */
export type AccessQuestion =
  | { readonly action: "publish"; readonly topic: TopicName; readonly qos: Qos; readonly retain: boolean }
  | { readonly action: "subscribe"; readonly filter: TopicFilter; readonly qos: Qos }
  /** To be sent a message, whatever subscription it is for. */
  | { readonly action: "read"; readonly topic: TopicName }

/** A rule as somebody keeps it. */
export interface KeptRule {
  readonly rule: AccessRule
}

export interface Explanation<Kept extends KeptRule> {
  readonly allowed: boolean
  /** ours: nobody but the broker publishes there, whatever the rules say. setting: no rule fits. */
  readonly because: "rule" | "setting" | "ours" | "superuser"
  /** The rule, when it is one. */
  readonly decides: Kept | undefined
  /** They fit as well, in the order in which they would have decided. */
  readonly lost: readonly Kept[]
  /** They allow, or deny, some of what the subscription asks for, which does not decide it. */
  readonly partly: readonly Kept[]
}

/**
 * Decides as the broker does, rule by rule, and remembers why. Slow: it is for people.
 *
 * @param kept all rules there are
 * @param isInUse there are users or rules
 */
export function explainAccess<Kept extends KeptRule>(
  kept: readonly Kept[],
  defaultAccess: DefaultAccess,
  identity: Identity,
  question: AccessQuestion,
  isInUse = kept.length > 0,
  wide: WideSubscriptions = "refuse",
): Explanation<Kept> {
  const lost: Kept[] = []
  const partly: Kept[] = []
  for (const each of inOrder(kept, identity)) {
    const fit = fitOf(each.rule, identity, question, wide)
    if (fit === "whole") lost.push(each)
    else if (fit === "part") partly.push(each)
  }
  if (question.action === "publish" && isOurs(question.topic)) {
    return { allowed: false, because: "ours", decides: undefined, lost, partly }
  }
  if (identity.superuser) return { allowed: true, because: "superuser", decides: undefined, lost, partly }
  const decides = lost.shift()
  const text = question.action === "subscribe" ? question.filter : question.topic
  const isLimited = kept.length > 0 || !isAllowedByDefault(isInUse, defaultAccess)
  const otherwise = isAllowedByDefault(isInUse, defaultAccess) && !(isLimited && text.startsWith("$"))
  if (decides === undefined) return { allowed: otherwise, because: "setting", decides, lost, partly }
  return { allowed: decides.rule.effect === "allow", because: "rule", decides, lost, partly }
}

/** The rules that may hold for this client, as they go one before the other. */
function inOrder<Kept extends KeptRule>(kept: readonly Kept[], identity: Identity): readonly Kept[] {
  return whosOf(identity).flatMap((whos) => {
    const ofRank = kept.filter(({ rule }) => {
      return whos.some((who) => isSameWho(who, rule.who)) && holdsFrom(rule, identity)
    })
    const denying = ofRank.filter(({ rule }) => rule.effect === "deny")
    return [...denying, ...ofRank.filter(({ rule }) => rule.effect === "allow")]
  })
}

function fitOf(
  rule: AccessRule,
  identity: Identity,
  question: AccessQuestion,
  wide: WideSubscriptions,
): "whole" | "part" | "none" {
  const tree = new RightsTree()
  putRule(tree, rule, identity)
  const said = rule.effect === "allow" ? allowedBits : deniedBits
  if (question.action !== "subscribe") {
    const bit = question.action === "read" ? readBit : publishBit(question.qos, question.retain)
    return (said(tree.matching(question.topic)) & bit) !== 0 ? "whole" : "none"
  }
  const bit = subscribeBit(question.qos)
  if ((said(tree.meeting(question.filter)) & bit) === 0) return "none"
  // To refuse the whole it is enough to deny a part; and where the rest is filtered, to grant it, to allow one.
  if ((rule.effect === "deny") === (wide === "refuse")) return "whole"
  return (said(tree.covering(question.filter)) & bit) !== 0 ? "whole" : "part"
}
