import { Command, InvalidArgumentError } from "commander"
import { escapeControls } from "../../src/foundation/log.ts"
import type { RetainedFacts, RetainedMessageFacts } from "../../src/management/retained.ts"
import { parseTopicFilter, wireTopicLimits } from "../../src/protocol/topic.ts"
import { ManagementClient } from "./management-client.ts"
import { bytesText } from "../number-text.ts"
import { type SettingsOptions, withSettingsOptions } from "../options.ts"
import { complain, print } from "../output.ts"
import { textOf } from "../text-of.ts"
import { ago, none, until } from "./columns.ts"
import { factSheet } from "./fact-sheet.ts"
import { type Column, type ListOptions, printList, withListOptions } from "./listing.ts"
import { whileMs } from "./while.ts"

interface OlderOptions {
  /** In milliseconds. */
  readonly older?: number
}

const columns: readonly Column<RetainedFacts>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "BYTES", cell: ({ payloadBytes }) => bytesText(payloadBytes) },
  { heading: "QOS", cell: ({ qos }) => String(qos) },
  { heading: "AGE", cell: ({ publishedAt }) => ago(publishedAt) },
  { heading: "BY", cell: ({ client }) => client ?? none },
  { heading: "USER", cell: ({ user }) => user ?? none },
  { heading: "EXPIRES IN", cell: ({ expiresAt }) => until(expiresAt), wide: true },
  { heading: "PUBLISHED", cell: ({ publishedAt }) => publishedAt, wide: true },
]

/** bantam retained */
export function retainedCommand(): Command {
  return new Command("retained")
    .description("retained messages: what, by whom and since when")
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(removeCommand())
    .addHelpText(
      "after",
      "\nExamples:\n  bantam retained list 'home/#'\n  bantam retained remove 'home/#' --older 30d --dry-run",
    )
}

function withOlderOption(command: Command): Command {
  return command.option("--older <while>", "only published so long ago at least, such as 12h or 30d", whileMs)
}

function listCommand(): Command {
  return withOlderOption(
    withListOptions(new Command("list").description("the retained messages that there are")),
  )
    .argument("[filter]", "topic filter", topicFilter, "#")
    .addHelpText(
      "after",
      `
Examples:
  bantam retained list 'home/#' --older 30d
  bantam retained list -o csv > retained.csv`,
    )
    .action((filter: string, options: ListOptions & OlderOptions) =>
      printList(options, "/v1/retained", { filter, older: options.older }, columns),
    )
}

function getCommand(): Command {
  return withSettingsOptions(new Command("get").description("print a retained message"))
    .argument("<topic>", "its topic")
    .option("-v, --verbose", "who published it and when, and not the payload")
    .option("--json", "one JSON object: payload if that is text, payloadBase64 if not")
    .addHelpText(
      "after",
      `
The payload is printed byte for byte; on a terminal as a line of text.

Examples:
  bantam retained get home/door
  bantam retained get camera/last > last.jpg
  bantam retained get home/door --verbose`,
    )
    .action(
      async (topic: string, options: SettingsOptions & { readonly verbose?: true; readonly json?: true }) => {
        const management = new ManagementClient(options)
        const found = await management.read<RetainedMessageFacts>("/v1/retained-message", { topic })
        const { facts, payload } = found
        if (options.json === true) await print(factSheet({ ...facts, ...asJson(payload) }, true))
        else if (options.verbose === true) await print(factSheet(withProperties(facts), false))
        else await print(asPrinted(payload))
      },
    )
}

function removeCommand(): Command {
  return withOlderOption(
    withSettingsOptions(
      new Command("remove").description("remove retained messages, as if they had expired"),
    ),
  )
    .argument("<filter>", "a topic, or a topic filter for many", topicFilter)
    .option("--dry-run", "list what would be removed, and remove nothing")
    .addHelpText(
      "after",
      `
No subscriber hears of it. To tell them as well, publish an empty message: bantam pub -r -n -t TOPIC.

Examples:
  bantam retained remove home/door
  bantam retained remove 'home/#' --older 30d --dry-run`,
    )
    .action(async (filter: string, options: SettingsOptions & OlderOptions & { readonly dryRun?: true }) => {
      const query = { filter, older: options.older }
      if (options.dryRun === true)
        return printList({ ...options, output: "table" }, "/v1/retained", query, columns)
      const management = new ManagementClient(options)
      const { removed } = await management.ask<{ removed: number }>("DELETE", "/v1/retained", query)
      complain(removed === 0 ? "there was nothing to remove" : `${removed} removed`)
    })
}

/** By the names that `bantam sub --json` has. */
function asJson(payload: Uint8Array): object {
  const text = textOf(payload)
  return text === undefined ? { payloadBase64: payload.toBase64() } : { payload: text }
}

function withProperties({ properties, ...facts }: RetainedMessageFacts): object {
  const told = Object.entries(properties).map(([name, value]) => [
    name,
    typeof value === "object" ? JSON.stringify(value) : value,
  ])
  return { ...facts, ...Object.fromEntries(told) }
}

/** Byte for byte, but on a terminal, which a stranger's payload must not paint. */
function asPrinted(payload: Uint8Array): Uint8Array | string {
  return process.stdout.isTTY === true ? `${escapeControls(new TextDecoder().decode(payload))}\n` : payload
}

function topicFilter(text: string): string {
  if (parseTopicFilter(text, wireTopicLimits) !== undefined) return text
  throw new InvalidArgumentError("In a topic filter + fills a whole level, and # the last one.")
}
