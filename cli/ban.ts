import { Command } from "commander"
import { AddressRange } from "../src/security/address-range.ts"
import { holds } from "../src/security/guard/bans.ts"
import { type AdministrativeChange, banKinds, type StoredBan } from "../src/storage/account-store.ts"
import { whoAsks, withAccounts } from "./accounts.ts"
import { parseDuration } from "./duration.ts"
import { type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, print, table } from "./output.ts"

/** A century: longer than anybody plans. */
const longestMs = 36_500 * 86_400_000

type BanKind = StoredBan["kind"]

interface AddOptions extends SettingsOptions {
  readonly for?: string
  readonly why?: string
}

const examples = `
Whom: client ID, user NAME, or address ADDRESS, which may be a range. A client identifier is what a client calls itself,
so whoever means harm chooses another: ban its user or its address. A new ban of somebody takes the place of the old one.

Examples:
  bantam ban add user bob --why 'left the company'
  bantam ban add address 198.51.100.0/24 --for 2h
  bantam ban add client sensor-17 --for 7d
  bantam ban list
  bantam ban remove 3

A broker that serves the same data directory takes each change over at once: whom a ban fits is sent away, and his will is
not published.`

/** bantam ban add | remove | list. */
export function banCommand(): Command {
  const command = new Command("ban").description("who is not let in: add, remove, list")
  withSettingsOptions(command.command("add <kind> <value>"))
    .description("ban a client, a user or an address")
    .option("--for <time>", "for so long, such as 10m, 2h or 7d; without it until the ban is removed")
    .option("--why <text>", "for the log and for whoever lists the bans; the banned are not told")
    .action(add)
  withSettingsOptions(command.command("remove <id...>").description("take bans away, by number")).action(
    remove,
  )
  withSettingsOptions(command.command("list").description("list the bans"))
    .option("--json", "one JSON array")
    .action(list)
  return command.addHelpText("afterAll", examples)
}

async function add(kindWord: string, text: string, options: AddOptions): Promise<void> {
  const kind = parseKind(kindWord)
  const value = kind === "address" ? parseAddress(text) : checkName(kind, text)
  const why = checkWhy(options.why ?? "")
  const forMs = options.for === undefined ? undefined : parseTerm(options.for)
  await withAccounts("bans", options, async (accounts) => {
    const nowMs = Date.now()
    const untilMs = forMs === undefined ? undefined : nowMs + forMs
    const term = untilMs === undefined ? "" : ` until ${timeText(untilMs)}`
    const what = `${kind} ${value} banned${term}`
    const over = (await accounts.bans()).filter((ban) => !holds(ban, nowMs))
    await accounts.change(whoAsks(), [
      // Nobody takes away by hand what is over.
      ...over.map(({ id }): AdministrativeChange => ({
        change: { change: "remove-ban", id },
        said: undefined,
      })),
      {
        change: { change: "save-ban", ban: { kind, value, untilMs, why, createdAtMs: nowMs } },
        said: why === "" ? what : `${what}: ${why}`,
      },
    ])
    const id = (await accounts.bans()).find((ban) => ban.kind === kind && ban.value === value)?.id
    await print(`ban ${id}: ${what}\n`)
  })
}

async function remove(words: readonly string[], options: SettingsOptions): Promise<void> {
  await withAccounts("bans", options, async (accounts) => {
    const bans = await accounts.bans()
    const removed = words.map((word) => {
      const ban = bans.find(({ id }) => String(id) === word)
      if (ban === undefined) {
        throw new CommandError(
          `there is no ban ${word}, and none was removed; \`bantam ban list\` numbers them`,
        )
      }
      return { id: ban.id, said: `ban ${ban.id} removed: ${ban.kind} ${ban.value}` }
    })
    await accounts.change(
      whoAsks(),
      removed.map(({ id, said }) => ({ change: { change: "remove-ban", id }, said })),
    )
    await print(removed.map(({ said }) => `${said}\n`).join(""))
  })
}

async function list(options: SettingsOptions & { readonly json?: true }): Promise<void> {
  await withAccounts("bans", options, async (accounts) => {
    const nowMs = Date.now()
    const bans = (await accounts.bans()).filter((ban) => holds(ban, nowMs))
    if (options.json === true) await print(`${JSON.stringify(bans.map(banJson))}\n`)
    else await print(table([["ID", "KIND", "VALUE", "UNTIL", "WHY"], ...bans.map(banRow)]))
  })
}

function banRow({ id, kind, value, untilMs, why }: StoredBan): string[] {
  return [String(id), kind, value, untilMs === undefined ? "for good" : timeText(untilMs), why]
}

/** Stable: programs read it. */
function banJson({ id, kind, value, untilMs, why, createdAtMs }: StoredBan): Record<string, unknown> {
  const until = untilMs === undefined ? null : timeText(untilMs)
  return { id, kind, value, until, why, createdAt: timeText(createdAtMs) }
}

function parseTerm(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0 && ms <= longestMs) return ms
  throw new CommandError(`--for must be a number and s, m, h, d or w, such as 10m, 2h or 7d, not ${text}`)
}

function parseKind(word: string): BanKind {
  const kind = banKinds.find((each) => each === word)
  if (kind === undefined)
    throw new CommandError(
      `a ban is of a client, a user or an address, not of ${JSON.stringify(word)}; see bantam ban add --help`,
    )
  return kind
}

/** An IPv4 address may be written as one of IPv6; its peers are known by the short form. */
function parseAddress(text: string): string {
  const range = AddressRange.parse(text.replace(/^::ffff:(?=[\d.]+$)/i, ""))
  if (range === undefined) {
    throw new CommandError(`${text} is no address; give one such as 192.0.2.7, or a range such as 10.0.0.0/8`)
  }
  return range.text
}

/** As it travels in CONNECT [1.5.4]. */
function checkName(kind: BanKind, name: string): string {
  if (name !== "" && Buffer.byteLength(name) <= 65_535 && !/\p{Cc}/u.test(name)) return name
  throw new CommandError(`the name of a ${kind} has 1 to 65535 bytes and no control characters`)
}

function checkWhy(text: string): string {
  if (text.length <= 1_000 && !/\p{Cc}/u.test(text)) return text
  throw new CommandError("--why takes up to 1000 characters, without control characters")
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString()
}
