import { Command } from "commander"
import type { SessionFacts } from "../../src/management/sessions.ts"
import { ManagementClient } from "./management-client.ts"
import { bytesText, countText } from "../number-text.ts"
import { type SettingsOptions, withSettingsOptions } from "../options.ts"
import { CommandError, complain, print, shellWord } from "../output.ts"
import { isBulk } from "./bulk.ts"
import { ago, lasting, none, until } from "./columns.ts"
import { factSheet } from "./fact-sheet.ts"
import { type Column, type ListOptions, printList, withListOptions } from "./listing.ts"
import { whileMs } from "./while.ts"

interface SessionsOptions extends ListOptions {
  readonly client?: string
  readonly user?: string
  readonly connected?: true
  readonly absent?: true
  /** In milliseconds. */
  readonly away?: number
}

const columns: readonly Column<SessionFacts>[] = [
  { heading: "CLIENT", cell: ({ client }) => client },
  { heading: "USER", cell: ({ user }) => user ?? none },
  {
    heading: "CLIENT IS",
    cell: ({ connected, disconnectedAt }) => (connected ? "connected" : `away ${ago(disconnectedAt)}`),
  },
  {
    heading: "ENDS IN",
    cell: ({ connected, expiresAt }) => (connected ? none : until(expiresAt)),
  },
  { heading: "SUBS", cell: ({ subscriptions }) => countText(subscriptions) },
  { heading: "QUEUED", cell: ({ queuedMessages }) => countText(queuedMessages) },
  { heading: "BYTES", cell: ({ queuedBytes }) => bytesText(queuedBytes) },
  { heading: "LASTS", cell: ({ expirySeconds }) => lasting(expirySeconds), wide: true },
  { heading: "CREATED", cell: ({ createdAt }) => createdAt, wide: true },
  { heading: "WILL", cell: ({ will }) => will ?? none, wide: true },
]

/** bantam sessions */
export function sessionsCommand(): Command {
  return new Command("sessions")
    .description("what is kept of clients, connected or not")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(removeCommand())
    .addHelpText("after", "\nExamples:\n  bantam sessions list --absent\n  bantam sessions remove old-phone")
}

function listCommand(): Command {
  return withQueryOptions(withListOptions(new Command("list").description("the sessions that there are")))
    .addHelpText(
      "after",
      `
Examples:
  bantam sessions list --absent
  bantam sessions list --absent --json | jq -r 'sort_by(-.queuedMessages)[:10][].client'`,
    )
    .action((options: SessionsOptions) => {
      return printList(options, "/v1/sessions", queryOf(options), columns)
    })
}

function withQueryOptions(command: Command): Command {
  return command
    .option("--client <pattern>", "only of these clients; * and ? as in names of files")
    .option("--user <pattern>", "only of these users")
    .option("--connected", "only whose client is connected")
    .option("--absent", "only whose client is away")
    .option(
      "--away <while>",
      "only whose client has been away for so long at least, such as 12h or 30d",
      whileMs,
    )
}

/** @throws CommandError */
function queryOf({ client, user, connected, absent, away }: SessionsOptions) {
  if (connected === true && (absent === true || away !== undefined)) {
    throw new CommandError("--connected goes with neither --absent nor --away; leave out both for all")
  }
  return { client, user, connected: connected ?? (absent === true ? false : undefined), away }
}

function showCommand(): Command {
  return withSettingsOptions(new Command("show").description("all that is known of a session"))
    .argument("<client>", "its client identifier")
    .option("--json", "one JSON object")
    .addHelpText("after", "\nExamples:\n  bantam sessions show old-phone")
    .action(async (client: string, options: SettingsOptions & { readonly json?: true }) => {
      const facts = await new ManagementClient(options).ask<SessionFacts>("GET", "/v1/session", { client })
      await print(factSheet(facts, options.json === true))
    })
}

function removeCommand(): Command {
  return withQueryOptions(
    withSettingsOptions(
      new Command("remove").description("end sessions, with their subscriptions and all that waits in them"),
    ),
  )
    .argument("[client...]", "client identifiers, as they are; who is connected is disconnected")
    .addHelpText(
      "after",
      `
Examples:
  bantam sessions remove old-phone old-tablet
  bantam sessions list --away 90d && bantam sessions remove --away 90d`,
    )
    .action(async (clients: readonly string[], options: SessionsOptions) => {
      const management = new ManagementClient(options)
      const query = queryOf(options)
      if (isBulk(clients, Object.values(query))) {
        const { removed } = await management.ask<{ removed: number }>("DELETE", "/v1/sessions", query)
        return complain(removed === 0 ? "there was nothing to remove" : `${removed} removed`)
      }
      for (const client of clients) {
        await management.ask("DELETE", "/v1/session", { client })
        complain(`the session of ${shellWord(client)} is gone`)
      }
    })
}
