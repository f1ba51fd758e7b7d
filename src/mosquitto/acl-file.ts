import type { Problem } from "./problem.ts"

export const aclAccesses = ["read", "write", "readwrite", "deny"] as const
export type AclAccess = (typeof aclAccesses)[number]

/** One `topic` or `pattern` line of an ACL file. */
export interface AclEntry {
  /** Clients without a user name, one user, or everybody: a pattern counts wherever it stands. */
  readonly who:
    | { readonly kind: "anonymous" }
    | { readonly kind: "user"; readonly name: string }
    | { readonly kind: "pattern" }
  readonly access: AclAccess
  /** As written; that of a pattern may hold `%u` and `%c`. */
  readonly filter: string
  readonly line: number
}

/** Reads an ACL file. A line that means nothing is left out, and said: Mosquitto would not start with it. */
export function parseAclFile(
  text: string,
  file: string,
): { readonly entries: readonly AclEntry[]; readonly problems: readonly Problem[] } {
  const entries: AclEntry[] = []
  const problems: Problem[] = []
  let who: AclEntry["who"] = { kind: "anonymous" }
  for (const [index, written] of text.split("\n").entries()) {
    const line = index + 1
    if (written.startsWith("#")) continue
    const [, word, rest = ""] = /^\s*(\S+)(?:\s+(.*?))?\s*$/.exec(written) ?? []
    if (word === undefined) continue
    const say = (what: string) => problems.push({ file, line, what })
    if (word === "user") {
      if (rest === "") say("user names nobody, so the lines behind it are nobody's")
      who = { kind: "user", name: rest }
    } else if (word === "topic" || word === "pattern") {
      const { access, filter } = splitAccess(rest)
      if (filter === "") say(`${word} names no topic and is left out`)
      else if (access === undefined)
        say(`${word} ${rest} says neither read, write, readwrite nor deny and is left out`)
      else entries.push({ who: word === "pattern" ? { kind: "pattern" } : who, access, filter, line })
    } else {
      say(`${word} is no word of an ACL file and is left out`)
    }
  }
  return { entries, problems }
}

/** The word may be missing, but only in front of a filter without spaces. */
function splitAccess(rest: string): { readonly access: AclAccess | undefined; readonly filter: string } {
  const [, word = "", filter = ""] = /^(\S+)(?:\s+(.*))?$/.exec(rest) ?? []
  const access = aclAccesses.find((each) => each === word)
  if (filter === "") return { access: "readwrite", filter: word }
  return { access, filter }
}
