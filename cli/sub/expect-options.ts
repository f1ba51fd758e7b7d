import { type Command, InvalidArgumentError } from "commander"
import { parseDuration } from "../duration.ts"
import { CommandError } from "../output.ts"
import { type Expectation, parseExpectation, parseJsonExpectation } from "./expectation.ts"
import type { Wanted } from "./expectations.ts"

/** What is expected of the messages that come. */
export interface ExpectOptions {
  readonly expect?: readonly Expectation[]
  readonly expectJson?: readonly Expectation[]
  readonly within?: number
  readonly inOrder?: true
  readonly none?: true
  readonly count?: number
  readonly exitAfterSubscribe?: true
  readonly watch?: true
  readonly messageRate?: true
}

/** Unless --within says. */
const defaultWithinMs = 5_000

export function withExpectOptions(command: Command): Command {
  // Of both options together, so that they keep the order in which they were written.
  const written: Expectation[] = []
  const collecting = (parse: (text: string) => Expectation) => (text: string) => {
    written.push(parse(text))
    return written
  }
  return command
    .option(
      "--expect <filter[=payload]>",
      "exit with 0 once a message comes on it, with this payload; repeatable",
      collecting(parseExpectation),
    )
    .option(
      "--expect-json <[filter: ]condition>",
      "the same with a payload of JSON such as '.temp > 20'; repeatable",
      collecting(parseJsonExpectation),
    )
    .option("--within <time>", "and with 65 if not within this time, such as 30s (default: 5s)", duration)
    .option("--in-order", "expect them in the order in which they are written")
    .option("--none", "expect that none of them comes, or no message at all")
}

/**
 * What the options ask for.
 *
 * @returns undefined when nothing is expected
 * @throws CommandError they contradict each other
 */
export function wantedOf(
  options: ExpectOptions,
): { readonly wanted: Wanted; readonly withinMs: number } | undefined {
  const { within, inOrder, none, count } = options
  const expectations = options.expect ?? options.expectJson ?? []
  const isAny = expectations.length > 0 || none === true || (within !== undefined && count !== undefined)
  if (inOrder === true && expectations.length < 2) {
    throw new CommandError("--in-order needs two expectations or more: add --expect")
  }
  if (!isAny) {
    if (within === undefined) return undefined
    throw new CommandError("--within needs something to wait for: add --expect, --expect-json, -C or --none")
  }
  for (const [flag, isGiven] of [
    ["-E", options.exitAfterSubscribe],
    ["-w", options.watch],
    ["--message-rate", options.messageRate],
  ] as const) {
    if (isGiven === true)
      throw new CommandError(`${flag} expects nothing: leave out --expect, --within and --none`)
  }
  if (none === true && inOrder === true) throw new CommandError("--none and --in-order exclude each other")
  if (none === true && count !== undefined) throw new CommandError("--none and -C exclude each other")
  const order = none === true ? "none" : inOrder === true ? "as written" : "any"
  return { wanted: { expectations, count, order }, withinMs: within ?? defaultWithinMs }
}

function duration(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new InvalidArgumentError("It must be a time such as 200ms, 5s or 1m.")
}
