import type { Command } from "commander"

/** How a message is printed: sub and rr. */
export interface LayoutOptions {
  readonly verbose?: true
  readonly omitNewline?: true
  readonly format?: string
  readonly pretty?: true
}

/** Which messages are printed, how, and how many. */
export interface PrintOptions extends LayoutOptions {
  readonly filterOut?: readonly string[]
  readonly count?: number
  readonly hideRetained?: true
  readonly retainedOnly?: true
  readonly removeRetained?: true
  /** Per cent. */
  readonly randomFilter?: number
  readonly messageRate?: true
  readonly watch?: true
}

export function withPrintOptions(command: Command): Command {
  return command
    .option("-v, --verbose", "print the topic before the payload")
    .option("-N, --omit-newline", "print no newline after a message")
    .option("-F, --format <format>", "how to print a message; -F %j is JSON")
    .option("--pretty", "JSON in lines, indented")
}
