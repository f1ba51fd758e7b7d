import { Command } from "commander"
import type { ClientFacts } from "../../src/management/clients.ts"
import { ManagementClient } from "./management-client.ts"
import { bytesText, countText } from "../number-text.ts"
import { type SettingsOptions, withSettingsOptions } from "../options.ts"
import { complain, print, shellWord } from "../output.ts"
import { ago, lasting, none } from "./columns.ts"
import { isBulk } from "./bulk.ts"
import { factSheet } from "./fact-sheet.ts"
import { type Column, type ListOptions, printList, withListOptions } from "./listing.ts"

interface ClientsOptions extends ListOptions {
  readonly client?: string
  readonly user?: string
  readonly address?: string
}

const columns: readonly Column<ClientFacts>[] = [
  { heading: "CLIENT", cell: ({ client }) => client },
  { heading: "USER", cell: ({ user }) => user ?? none },
  { heading: "ADDRESS", cell: ({ address }) => address },
  { heading: "MQTT", cell: ({ protocol }) => protocol },
  { heading: "SINCE", cell: ({ connectedAt }) => ago(connectedAt) },
  { heading: "SUBS", cell: ({ subscriptions }) => countText(subscriptions) },
  { heading: "IN", cell: ({ published }) => countText(published) },
  { heading: "OUT", cell: ({ delivered }) => countText(delivered) },
  { heading: "QUEUED", cell: ({ queuedMessages }) => countText(queuedMessages) },
  { heading: "", cell: marksOf },
  { heading: "IN FLIGHT", cell: ({ inFlight }) => countText(inFlight), wide: true },
  { heading: "BYTES IN", cell: ({ bytesReceived }) => bytesText(bytesReceived), wide: true },
  { heading: "BYTES OUT", cell: ({ bytesSent }) => bytesText(bytesSent), wide: true },
  { heading: "LISTENER", cell: ({ listener }) => listener, wide: true },
  { heading: "CERTIFICATE", cell: ({ certificate }) => certificate ?? none, wide: true },
  { heading: "SESSION LASTS", cell: ({ expirySeconds }) => lasting(expirySeconds), wide: true },
]

/** bantam clients */
export function clientsCommand(): Command {
  const command = new Command("clients").description("who is connected, and the end of a connection")
  return command
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(kickCommand())
    .addHelpText("after", "\nExamples:\n  bantam clients list --user alice\n  bantam clients kick sensor-7")
}

function listCommand(): Command {
  return withListOptions(new Command("list").description("the clients that are connected"))
    .option("--client <pattern>", "only these; * and ? as in names of files")
    .option("--user <pattern>", "only of these users")
    .option("--address <pattern>", "only from these addresses")
    .addHelpText(
      "after",
      `
Marks: slow takes less than it is sent; paused is not read for now: it publishes faster than it may or than the disk can
write, takes no answers, or has had its share of a turn. Which of them: bantam clients show.

Examples:
  bantam clients list
  bantam clients list --client 'sensor-*' -o wide
  bantam clients list --address '10.0.*' --json | jq -r '.[].client'
  bantam clients list --watch`,
    )
    .action((options: ClientsOptions) => {
      const { client, user, address } = options
      return printList(options, "/v1/clients", { client, user, address }, columns)
    })
}

function showCommand(): Command {
  return withSettingsOptions(new Command("show").description("all that is known of a connection"))
    .argument("<client>", "its client identifier")
    .option("--json", "one JSON object")
    .addHelpText("after", "\nExamples:\n  bantam clients show sensor-7")
    .action(async (client: string, options: SettingsOptions & { readonly json?: true }) => {
      const facts = await new ManagementClient(options).ask<ClientFacts>("GET", "/v1/client", { client })
      await print(factSheet(facts, options.json === true))
    })
}

function kickCommand(): Command {
  return withSettingsOptions(
    new Command("kick").description("end connections; their sessions stay, and they may return"),
  )
    .argument("[client...]", "client identifiers, as they are")
    .option("--client <pattern>", "all of these; * and ? as in names of files")
    .option("--user <pattern>", "all of these users")
    .option("--address <pattern>", "all from these addresses")
    .addHelpText(
      "after",
      `
An MQTT 5 client is told 0x98 (administrative action), and its will is not published. To keep it out: bantam ban.

Examples:
  bantam clients kick sensor-7
  bantam clients kick --client 'sensor-*' --address '10.0.*'
  bantam ban add client sensor-7 --for 1h && bantam clients kick sensor-7`,
    )
    .action(async (clients: readonly string[], options: ClientsOptions) => {
      const management = new ManagementClient(options)
      const { client: pattern, user, address } = options
      if (isBulk(clients, [pattern, user, address])) {
        const query = { client: pattern, user, address }
        const { kicked } = await management.ask<{ kicked: number }>("DELETE", "/v1/clients", query)
        return complain(kicked === 0 ? "nobody fits" : `${kicked} kicked`)
      }
      for (const client of clients) {
        await management.ask("DELETE", "/v1/client", { client })
        complain(`${shellWord(client)} is gone`)
      }
    })
}

function marksOf({ slow, paused }: ClientFacts): string {
  return [slow ? "slow" : "", paused ? "paused" : ""].filter(Boolean).join(" ")
}
