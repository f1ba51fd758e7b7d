import { Command, Option } from "commander"
import { type DropReason, dropReasons } from "../src/foundation/counters.ts"
import { escapeControls } from "../src/foundation/log.ts"
import {
  type DropQuery,
  type DropStore,
  mostStoredDrops,
  type StoredDrops,
} from "../src/storage/drop-store.ts"
import { openDrops } from "../src/storage/open-store.ts"
import { withDirectory } from "./accounts.ts"
import { follow } from "./follow.ts"
import { type SettingsOptions, wholeNumber, withSettingsOptions } from "./options.ts"
import { print, table } from "./output.ts"
import { parseSince, sinceExplained } from "./since.ts"
import { formatCode, isoTime } from "./time-format.ts"

interface DropsOptions extends SettingsOptions {
  /** In milliseconds since 1970. */
  readonly since?: number
  readonly client?: string
  readonly reason?: DropReason
  readonly limit?: number
  readonly json?: true
  readonly follow?: true
}

const usualLimit = 100
/** Twice as many as are kept, for a few more are there until they are counted again. */
const allThereAre = 2 * mostStoredDrops

const examples = `
A row counts what one client lost in one hour for one reason, under topics whose first two levels are the same. Where
that is not known, and in what is beyond five hundred different rows a second, the topic or the client is "-".

Reasons:
  queue-full       as many messages or bytes waited for the client as may; or, where publishers are refused then, theirs
  expired          it waited longer than its Message Expiry Interval
  too-large        more than the client takes
  slow-receiver    QoS 0, and the client read too slowly
  absent           QoS 0, and the client was away
  not-authorized   what the client might not read, or not publish
  not-stored       the store could not keep it
  retained-full    as many messages or bytes were retained as may
  payload-invalid  said to be text, and was none
  session-ended    waited in a session that the client ended, by a clean start for instance
  session-expired  waited in a session to which the client did not come back in time

Examples:
  bantam drops --since 1h --client sensor-7
  bantam drops --reason queue-full --json | jq 'map(.messages) | add'
  bantam drops --follow --json`

/** bantam drops: who lost what, when and why. */
export function dropsCommand(): Command {
  return withSettingsOptions(
    new Command("drops").description("which messages were lost, whose, when and why"),
  )
    .option("--since <when>", sinceExplained, parseSince)
    .option("--client <id>", "only what this client lost")
    .addOption(new Option("--reason <reason>", "only these").choices(dropReasons))
    .option(
      "--limit <number>",
      `so many rows at most, the latest; ${usualLimit} unless told, or all with --since`,
      wholeNumber(1, allThereAre),
    )
    .option("--json", "one JSON array, or with --follow one object a line")
    .option("-f, --follow", "go on as rows change, until Ctrl-C: each as it stands by then")
    .addHelpText("after", examples)
    .action(drops)
}

async function drops(options: DropsOptions): Promise<void> {
  const { client: clientId, reason: why, since: sinceMs } = options
  const query: DropQuery = {
    clientId,
    why,
    sinceMs,
    limit: options.limit ?? (sinceMs === undefined ? usualLimit : allThereAre),
  }
  await withDirectory("dropped messages", options, openDrops, async (ledger) => {
    const asJson = options.json === true
    if (options.follow === true) return followRows(ledger, query, asJson ? jsonLine : textLine)
    const rows = (await ledger.drops(query)).toSorted((one, other) => one.lastMs - other.lastMs)
    if (asJson) await print(`${escapeControls(JSON.stringify(rows.map(factsOf)))}\n`)
    else
      await print(
        table([["WHEN", "CLIENT", "WHY", "TOPIC", "MESSAGES", "BYTES"], ...rows.map(cellsOf), totalOf(rows)]),
      )
  })
}

async function followRows(
  ledger: DropStore,
  query: DropQuery,
  lineOf: (row: StoredDrops) => string,
): Promise<void> {
  let { limit } = query
  let afterChange = 0
  await follow(async () => {
    const rows = await ledger.drops({ ...query, afterChange, limit })
    afterChange = rows.at(-1)?.change ?? afterChange
    limit = allThereAre
    return rows.map(lineOf).join("")
  })
}

function cellsOf({ firstMs, lastMs, clientId, why, prefix, messages, bytes }: StoredDrops): string[] {
  return [
    timesOf(new Date(firstMs), new Date(lastMs)),
    clientId === "" ? "-" : escapeControls(clientId),
    why,
    prefix === "" ? "-" : escapeControls(prefix),
    String(messages),
    String(bytes),
  ]
}

/** An interval as ISO 8601 has it: of its end what differs, which is within the hour. */
function timesOf(first: Date, last: Date): string {
  const [from, to] = [first, last].map((date) => `${formatCode("F", date)}T${formatCode("T", date)}`)
  const until = from === to ? "" : `/${formatCode("T", last)}`
  return `${from}${until}${isoTime(first, false).slice(-5)}`
}

function totalOf(rows: readonly StoredDrops[]): string[] {
  const sum = (of: (row: StoredDrops) => number) => String(rows.reduce((total, row) => total + of(row), 0))
  return ["total", "", "", "", sum(({ messages }) => messages), sum(({ bytes }) => bytes)]
}

function textLine(row: StoredDrops): string {
  return `${cellsOf(row).join("  ")}\n`
}

function jsonLine(row: StoredDrops): string {
  return `${escapeControls(JSON.stringify(factsOf(row)))}\n`
}

/** Stable: programs read it. */
function factsOf({ hourMs, firstMs, lastMs, clientId, why, prefix, messages, bytes }: StoredDrops) {
  const time = (ms: number) => new Date(ms).toISOString()
  return {
    hour: time(hourMs),
    first: time(firstMs),
    last: time(lastMs),
    client: clientId === "" ? null : clientId,
    reason: why,
    topic: prefix === "" ? null : prefix,
    messages,
    bytes,
  }
}
