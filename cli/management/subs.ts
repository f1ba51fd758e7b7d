import { Command, Option } from "commander"
import type { SubscriptionFacts } from "../../src/management/subscriptions.ts"
import { ManagementClient } from "./management-client.ts"
import { type SettingsOptions, wholeNumber, withSettingsOptions } from "../options.ts"
import { complain, shellWord } from "../output.ts"
import { none } from "./columns.ts"
import { type Column, type ListOptions, printList, withListOptions } from "./listing.ts"

interface SubsOptions extends ListOptions {
  readonly client?: string
  readonly filter?: string
  readonly topic?: string
}

interface AddOptions extends SettingsOptions {
  readonly qos: "0" | "1" | "2"
  readonly noLocal?: true
  readonly retainAsPublished?: true
  readonly identifier?: number
}

const columns: readonly Column<SubscriptionFacts>[] = [
  { heading: "CLIENT", cell: ({ client }) => client },
  { heading: "FILTER", cell: ({ filter }) => filter },
  { heading: "QOS", cell: ({ qos }) => String(qos) },
  { heading: "NO LOCAL", cell: ({ noLocal }) => yes(noLocal), wide: true },
  { heading: "RETAIN AS PUBLISHED", cell: ({ retainAsPublished }) => yes(retainAsPublished), wide: true },
  { heading: "IDENTIFIER", cell: ({ identifier }) => String(identifier ?? none), wide: true },
]

/** bantam subs */
export function subsCommand(): Command {
  return new Command("subs")
    .description("who is subscribed to what")
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addHelpText(
      "after",
      "\nExamples:\n  bantam subs list --topic home/door\n  bantam subs add wall 'home/#' --qos 1",
    )
}

function listCommand(): Command {
  return withListOptions(new Command("list").description("the subscriptions that there are"))
    .option("--client <pattern>", "only of these clients; * and ? as in names of files")
    .option("--filter <pattern>", "only these filters, as they were asked for")
    .option("--topic <topic>", "only those by which a message to this topic would be delivered")
    .addHelpText(
      "after",
      `
Examples:
  bantam subs list --topic home/door
  bantam subs list --client 'sensor-*' -o csv
  bantam subs list --filter '$share/*'`,
    )
    .action((options: SubsOptions) => {
      const { client, filter, topic } = options
      return printList(options, "/v1/subscriptions", { client, filter, topic }, columns)
    })
}

function addCommand(): Command {
  return withSettingsOptions(
    new Command("add").description("subscribe a client, as if it had done so itself"),
  )
    .argument("<client>", "its client identifier; it has a session, connected or not")
    .argument("<filter>", "topic filter, or $share/GROUP/FILTER")
    .addOption(new Option("-q, --qos <level>", "quality of service").choices(["0", "1", "2"]).default("0"))
    .option("--no-local", "leave out what it publishes itself")
    .option("--retain-as-published", "keep the retain flag of new messages")
    .option("--identifier <number>", "subscription identifier", wholeNumber(1, 268_435_455))
    .addHelpText(
      "after",
      `
What is retained is not sent for it. Access rules are not asked whether it may be, but they hold for what it brings: what the
client may not read is not delivered.

Examples:
  bantam subs add wall 'home/#' --qos 1`,
    )
    .action(async (client: string, filter: string, options: AddOptions) => {
      const wanted = {
        client,
        filter,
        qos: Number(options.qos),
        noLocal: options.noLocal === true,
        retainAsPublished: options.retainAsPublished === true,
        identifier: options.identifier ?? null,
      }
      await new ManagementClient(options).ask("PUT", "/v1/subscription", {}, wanted)
      complain(`${shellWord(client)} is subscribed to ${shellWord(filter)}`)
    })
}

function removeCommand(): Command {
  return withSettingsOptions(new Command("remove").description("end a subscription"))
    .argument("<client>", "the client identifier")
    .argument("<filter>", "as it was asked for")
    .addHelpText("after", "\nExamples:\n  bantam subs remove wall 'home/#'")
    .action(async (client: string, filter: string, options: SettingsOptions) => {
      await new ManagementClient(options).ask("DELETE", "/v1/subscription", { client, filter })
      complain(`${shellWord(client)} is not subscribed to ${shellWord(filter)} any more`)
    })
}

function yes(is: boolean): string {
  return is ? "yes" : none
}
