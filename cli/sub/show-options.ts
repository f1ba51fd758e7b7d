import type { Command } from "commander"
import type { PrintOptions } from "../print-options.ts"

/** How messages are shown beside what Mosquitto can. */
export interface ShowOptions extends PrintOptions {
  readonly json?: true
  readonly full?: true
  readonly debug?: true
}

export function withShowOptions(command: Command): Command {
  return command
    .option("--json", "one JSON object a line for each message")
    .option("--full", "on a terminal, payloads whole and every message of a flood")
}

/** The first of the options that say how a message is laid out. */
export function layoutFlag({
  format,
  verbose,
  omitNewline,
  pretty,
  watch,
  messageRate,
}: PrintOptions): string | undefined {
  const given = [
    format !== undefined && "-F",
    verbose === true && "-v",
    omitNewline === true && "-N",
    pretty === true && "--pretty",
    watch === true && "-w",
    messageRate === true && "--message-rate",
  ]
  return given.find((flag) => flag !== false)
}

/** Whether a person looks on who did not say what it is to look like. */
export function isForPeople(options: ShowOptions): boolean {
  return (
    process.stdout.isTTY === true &&
    process.env["TERM"] !== "dumb" &&
    layoutFlag(options) === undefined &&
    options.json !== true &&
    options.debug !== true
  )
}
