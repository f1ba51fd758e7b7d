import { type Command, InvalidArgumentError } from "commander"
import type { MannerName } from "./manner.ts"
import { CommandError } from "./output.ts"

/** The options of pub and rr that say what to publish. */
export interface PayloadOptions {
  readonly message?: string
  readonly file?: string
  readonly stdinFile?: true
  readonly nullMessage?: true
}

export function withPayloadOptions(command: Command): Command {
  return command
    .option("-m, --message <text>", "the payload", onlyOnce)
    .option("-f, --file <file>", "the payload is in this file", onlyOnce)
    .option("-s, --stdin-file", "the payload is all of standard input")
    .option("-n, --null-message", "an empty payload; with -r it removes a retained message")
}

/**
 * @param others further ways to say it, of which none may be given
 * @returns the payload, once asked; undefined when none of the options is there
 * @throws CommandError when there is more than one
 */
export function payloadOf(
  { message, file, stdinFile, nullMessage }: PayloadOptions,
  manner: MannerName,
  ...others: readonly (true | undefined)[]
): (() => Promise<Uint8Array>) | undefined {
  const given = [message, file, stdinFile, nullMessage, ...others].filter((one) => one !== undefined)
  if (given.length > 1) throw new CommandError("only one message can be published: leave out all others")
  if (message !== undefined) return async () => Buffer.from(message)
  if (file !== undefined) return () => readFile(file)
  if (stdinFile !== undefined) return () => readStandardInput(manner)
  return nullMessage === undefined ? undefined : async () => new Uint8Array(0)
}

async function readFile(file: string): Promise<Uint8Array> {
  try {
    return await Bun.file(file).bytes()
  } catch (error) {
    throw new CommandError(`-f ${file}: cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

/** An empty payload removes a retained message: Mosquitto lets nobody do that by a pipe that broke. */
async function readStandardInput(manner: MannerName): Promise<Uint8Array> {
  const payload = await Bun.stdin.bytes()
  if (payload.length === 0 && manner === "mosquitto") throw new CommandError("zero length input: use -n")
  return payload
}

function onlyOnce(text: string, before: string | undefined): string {
  if (before === undefined) return text
  throw new InvalidArgumentError("Only one message can be published.")
}
