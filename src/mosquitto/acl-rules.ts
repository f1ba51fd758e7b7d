import type { Who } from "../security/access/access-rule.ts"
import type { AclAccess, AclEntry } from "./acl-file.ts"
import type { Problem } from "./problem.ts"
import { ruleLine } from "./rule-lines.ts"

/** Access rules as Bantam keeps them. */
export interface PlannedRules {
  /** Each once. */
  readonly lines: readonly string[]
  readonly denies: number
  readonly patterns: number
  readonly problems: readonly Problem[]
}

const actions = {
  read: { effect: "allow", action: "subscribe" },
  write: { effect: "allow", action: "publish" },
  readwrite: { effect: "allow", action: "both" },
  deny: { effect: "deny", action: "both" },
} as const satisfies Record<AclAccess, object>

/**
 * Turns an ACL file into rules that decide alike. In both, a client's own entries go before those for everybody, and
 * among equals a deny before a grant: so a pattern becomes a rule about everyone, and a block one about its user.
 */
export function rulesOfAclFile(entries: readonly AclEntry[], file: string): PlannedRules {
  const lines = new Set<string>()
  const problems: Problem[] = []
  let denies = 0
  let patterns = 0
  for (const { who, access, filter, line } of entries) {
    const isPattern = who.kind === "pattern"
    const rule = ruleLine({
      ...actions[access],
      who: whoOf(who),
      topic: filter,
      literal: false,
      fills: isPattern,
    })
    if (typeof rule !== "string") {
      problems.push({ file, line, what: `the entry for ${filter} is left out, for its rule ${rule.problem}` })
      continue
    }
    if (isPattern && access === "deny" && /%[uc]/.test(filter)) {
      problems.push({
        file,
        line,
        what:
          `pattern deny ${filter} does not hold for a client whose name has +, # or / in it: Mosquitto refuses such ` +
          "a client everything",
      })
    }
    if (lines.has(rule)) continue
    lines.add(rule)
    if (access === "deny") denies += 1
    if (isPattern) patterns += 1
  }
  return { lines: [...lines], denies, patterns, problems }
}

function whoOf(who: AclEntry["who"]): Who {
  switch (who.kind) {
    case "anonymous":
      return { kind: "anonymous" }
    case "user":
      return { kind: "user", name: who.name }
    case "pattern":
      return { kind: "everyone" }
  }
}
