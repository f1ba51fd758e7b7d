import { Command, Option } from "commander"
import { escapeControls, factText } from "../src/foundation/log.ts"
import {
  type AuditEntry,
  auditKinds,
  type AuditQuery,
  mostAuditEntries,
} from "../src/storage/account-store.ts"
import { type Accounts, withAccounts } from "./accounts.ts"
import { follow } from "./follow.ts"
import { type SettingsOptions, wholeNumber, withSettingsOptions } from "./options.ts"
import { print, table } from "./output.ts"
import { parseSince, sinceExplained } from "./since.ts"
import { isoTime } from "./time-format.ts"

interface AuditOptions extends SettingsOptions {
  /** In milliseconds since 1970. */
  readonly since?: number
  readonly kind?: AuditEntry["kind"]
  readonly user?: string
  readonly limit?: number
  readonly json?: true
  readonly follow?: true
}

const usualLimit = 100
/** Twice as many as are kept of both kinds, for a few more are there until they are counted again. */
const allThereAre = 4 * mostAuditEntries

const examples = `
A change is an entry of its own. The same refusals within a second are one entry that says how many times; beyond five
hundred different ones a second only their number is kept.

Examples:
  bantam audit --since 1h --kind refusal
  bantam audit --user alice --since 2026-01-31
  bantam audit --follow --json | jq 'select(.what == "login refused")'`

/** bantam audit: who changed what, and who was refused what. */
export function auditCommand(): Command {
  return withSettingsOptions(
    new Command("audit").description("who changed users and rules, and who was refused what"),
  )
    .option("--since <when>", sinceExplained, parseSince)
    .addOption(new Option("--kind <kind>", "only these").choices(auditKinds))
    .option("--user <name>", "only what this user was refused, or changed")
    .option(
      "--limit <number>",
      `so many at most, the latest; ${usualLimit} unless told, or all with --since`,
      wholeNumber(1, allThereAre),
    )
    .option("--json", "one JSON object a line")
    .option("-f, --follow", "go on as entries come, until Ctrl-C")
    .addHelpText("after", examples)
    .action(audit)
}

async function audit(options: AuditOptions): Promise<void> {
  const { kind, user: who, since: sinceMs } = options
  const query: AuditQuery = {
    kind,
    who,
    sinceMs,
    limit: options.limit ?? (sinceMs === undefined ? usualLimit : allThereAre),
  }
  await withAccounts("the audit", options, async (accounts) => {
    if (options.follow === true)
      return followEntries(accounts, query, options.json === true ? jsonLine : textLine)
    // Refusals are written a second late; whoever follows sees them as they come.
    const entries = (await accounts.audit(query)).toSorted((one, other) => one.atMs - other.atMs)
    if (options.json === true) await print(entries.map(jsonLine).join(""))
    else await print(table([["TIME", "WHO", "WHAT"], ...entries.map(cellsOf)]))
  })
}

async function followEntries(
  accounts: Accounts,
  query: AuditQuery,
  lineOf: (entry: AuditEntry) => string,
): Promise<void> {
  let { limit } = query
  let afterId = 0
  await follow(async () => {
    const entries = await accounts.audit({ ...query, afterId, limit })
    afterId = entries.at(-1)?.id ?? afterId
    limit = allThereAre
    return entries.map(lineOf).join("")
  })
}

function cellsOf({ atMs, who, what, facts }: AuditEntry): string[] {
  const told = Object.entries(facts).map(([name, fact]) => `${name}=${factText(fact)}`)
  return [
    isoTime(new Date(atMs), false),
    who === "" ? "-" : escapeControls(who),
    // One column: a long sentence would push the facts of all others off the screen.
    `${escapeControls(what)}  ${told.join(" ")}`,
  ]
}

function textLine(entry: AuditEntry): string {
  return `${cellsOf(entry).join("  ").trimEnd()}\n`
}

/** Stable: programs read it. */
function jsonLine({ id, atMs, kind, who, what, facts }: AuditEntry): string {
  const time = new Date(atMs).toISOString()
  return `${escapeControls(JSON.stringify({ id, time, kind, who: who === "" ? null : who, what, facts }))}\n`
}
