import type { Settings } from "../src/config/settings.ts"
import { checkIntegrity, readStoreFacts, type StoreFacts } from "../src/storage/health.ts"
import { rulesAbout } from "./accounts.ts"
import type { Finding } from "./doctor-findings.ts"
import { someOf } from "./output.ts"

type Look = readonly Omit<Finding, "check">[]

/** Before this year nobody had this program. */
const firstYear = 2026
const lastYear = 2100
/** A row from so far ahead was written by another clock than ours. */
const toleratedMs = 60_000

/** All of the database: may take a while where it is large. */
export function examineDatabase({ directory, durability }: Settings["storage"]): Look {
  checkIntegrity(directory, durability)
  return [{ verdict: "ok", what: "its structure, its rows and the checksums of all messages are right" }]
}

export function examineSchema({ schema, presentSchema }: StoreFacts): Look {
  if (schema === presentSchema) return [{ verdict: "ok", what: `version ${schema}, the present one` }]
  const what = `version ${schema}, and this program writes ${presentSchema}`
  return [
    {
      verdict: "warn",
      what,
      remedy: "`bantam backup FILE`, then start the broker, which brings it up to date",
    },
  ]
}

/** @param newestMs the latest time that the store knows; 0 where there is none */
export function examineClock(nowMs: number, newestMs: number): Look {
  const now = new Date(nowMs)
  const remedy = "set the clock (timedatectl set-ntp true), and then start the broker anew"
  const year = now.getUTCFullYear()
  if (year < firstYear || year > lastYear) {
    return [{ verdict: "fail", what: `it is the year ${year}, by this clock`, remedy }]
  }
  if (newestMs > nowMs + toleratedMs) {
    const what = `it is ${now.toISOString()}, and the store has something of ${new Date(newestMs).toISOString()}`
    return [{ verdict: "fail", what, remedy }]
  }
  return [{ verdict: "ok", what: `it is ${now.toISOString()}` }]
}

/** What whoever logs in may do. */
export function examineAccess({ security }: Settings, accounts: StoreFacts["accounts"]): Look {
  if (accounts === undefined) return []
  const { users, rules } = accounts
  const counted = `users: ${users.length}, rules: ${rules.length}`
  const { defaultAccess } = security
  if (defaultAccess === "allow") {
    const what = `${counted}; what no rule decides is allowed (security.default_access)`
    const remedy = 'set security.default_access = "auto", and allow what is needed with `bantam acl allow`'
    return [{ verdict: "warn", what, remedy }]
  }
  if (users.length === 0 && rules.length === 0 && defaultAccess === "auto") {
    return [{ verdict: "ok", what: "no user and no rule: whoever is let in may do everything" }]
  }
  const without = users.filter(
    (user) => user.enabled && !user.superuser && rulesAbout(user, rules).length === 0,
  )
  if (without.length === 0) return [{ verdict: "ok", what: counted }]
  const names = someOf(without.map(({ name }) => name))
  const what = `${counted}; no rule is about ${names}, who may do nothing`
  return [{ verdict: "warn", what, remedy: "`bantam acl allow NAME both FILTER` lets one do something" }]
}

export function readFacts({ directory, durability }: Settings["storage"]): StoreFacts {
  return readStoreFacts(directory, durability)
}
