import { type Command, InvalidArgumentError } from "commander"
import { parseDuration } from "../duration.ts"
import { print } from "../output.ts"
import { stopping } from "../stopping.ts"

export interface WatchOptions {
  readonly watch?: true
  /** In milliseconds between two looks. */
  readonly every?: number
}

const usualMs = 2_000
const shortestMs = 100

/** Adds --watch and --every. */
export function withWatchOption(command: Command): Command {
  return command
    .option("-w, --watch", "look again and again, until Ctrl-C")
    .option("--every <while>", "with --watch: how often, 2s unless told", interval)
}

function interval(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= shortestMs) return ms
  throw new InvalidArgumentError("It must be a while of at least 100ms, such as 500ms, 2s or 1m.")
}

/**
 * Prints what is drawn; with --watch again and again, until Ctrl-C: in place on a terminal, one below the other
 * elsewhere.
 */
export async function show(
  { watch, every = usualMs }: WatchOptions,
  draw: () => Promise<string>,
): Promise<void> {
  if (watch === undefined) return print(await draw())
  const stop = stopping()
  const inPlace = process.stdout.isTTY === true && process.env["TERM"] !== "dumb"
  if (inPlace) await print("\x1b[2J")
  while (!stop.isAsked()) {
    // Whoever has seen enough does not wait for a broker that does not answer.
    const text = await Promise.race([draw(), stop.asked])
    if (text === undefined) return
    await print(inPlace ? `\x1b[H${fitted(text)}\x1b[J` : text)
    await Promise.race([Bun.sleep(every), stop.asked])
  }
}

/** What the terminal has room for, each line to its end, and how much there is beyond. */
function fitted(text: string): string {
  const { rows = 24, columns = 80 } = process.stdout
  const lines = text.split("\n").slice(0, -1)
  const shown = lines.length <= rows - 1 ? lines : lines.slice(0, rows - 2)
  const more = lines.length - shown.length
  const all = more > 0 ? [...shown, `and ${more} more`] : shown
  return all.map((line) => `${Bun.sliceAnsi(line, 0, columns)}\x1b[K\n`).join("")
}
