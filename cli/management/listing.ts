import { type Command, Option } from "commander"
import { escapeControls } from "../../src/foundation/log.ts"
import { ManagementClient, type Query } from "./management-client.ts"
import { type SettingsOptions, withSettingsOptions } from "../options.ts"
import { table } from "../output.ts"
import { show, type WatchOptions, withWatchOption } from "./watching.ts"

const layouts = ["table", "wide", "json", "csv"] as const
type Layout = (typeof layouts)[number]

export interface ListOptions extends SettingsOptions, WatchOptions {
  readonly output: Layout
  readonly json?: true
}

/** A column of a table. CSV and JSON have every fact, as the broker says it. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
  /** Only with `-o wide`. */
  readonly wide?: true
}

/** Adds -o, --json, --watch and what says which broker is meant. */
export function withListOptions(command: Command): Command {
  return withWatchOption(withSettingsOptions(command))
    .addOption(new Option("-o, --output <layout>", "how to print the list").choices(layouts).default("table"))
    .option("--json", "short for -o json: one JSON array")
}

/**
 * Asks a broker for a list and prints it, again and again with --watch.
 *
 * @throws CommandError when no broker answers
 */
export async function printList<Row extends object>(
  options: ListOptions,
  path: string,
  query: Query,
  columns: readonly Column<Row>[],
): Promise<void> {
  const client = new ManagementClient(options)
  const layout = options.json === true ? "json" : options.output
  const draw = async () => {
    const rows: Row[] = []
    for await (const row of client.list<Row>(path, query)) rows.push(row)
    return textOf(rows, layout, columns)
  }
  await show(options, draw)
}

function textOf<Row extends object>(
  rows: readonly Row[],
  layout: Layout,
  columns: readonly Column<Row>[],
): string {
  switch (layout) {
    case "json":
      return `${escapeControls(JSON.stringify(rows))}\n`
    case "csv":
      return csv(rows)
    case "table":
    case "wide": {
      const shown = columns.filter(({ wide }) => layout === "wide" || wide !== true)
      const headings = shown.map(({ heading }) => heading)
      const cells = rows.map((row) => shown.map(({ cell }) => escapeControls(cell(row))))
      return table([headings, ...cells.toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1))])
    }
  }
}

/**
 * As RFC 4180 has it, with a line of names. Without rows there is nothing to name. Control characters are shown by their
 * numbers, as they may end up on a terminal; JSON has them so that they can be read back.
 */
function csv(rows: readonly object[]): string {
  const [first] = rows
  if (first === undefined) return ""
  const lines = [Object.keys(first), ...rows.map((row) => Object.values(row).map(factText))]
  return lines.map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("")
}

function factText(fact: unknown): string {
  return fact === null ? "" : escapeControls(String(fact))
}

function csvCell(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
