import { type Command, CommanderError } from "commander"
import type { ClientName } from "./called-as.ts"
import { clientWords, mannerOption } from "./client-words.ts"
import { CommandError } from "./output.ts"
import { pubCommand } from "./pub.ts"
import { rrCommand } from "./rr.ts"
import { subCommand } from "./sub.ts"

const commands: Readonly<Record<ClientName, () => Command>> = {
  pub: pubCommand,
  sub: subCommand,
  rr: rrCommand,
}

/**
 * Runs a client command in Mosquitto's manner, under whatever name it was called. There, a wrong command line is
 * answered by an error and where to look, and nothing that does not run is a success, not even help.
 *
 * @returns the exit code
 * @throws what is no mistake on the command line
 */
export async function runAsMosquitto(
  name: string,
  client: ClientName,
  version: string,
  words: readonly string[],
): Promise<number> {
  const usage = (text: string) => `Error: ${text}\n\nUse '${name} --help' to see usage.\n`
  const command = commands[client]()
    .name(name)
    .version(`${name} of bantam ${version}`, "--version", "print the version")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usage(text.trim().replace(/^error: /, ""))) })
  try {
    const taken = clientWords(command, client, [mannerOption, ...words])
    await command.parseAsync(taken, { from: "user" })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return 1
    if (!(error instanceof CommandError)) throw error
    process.stderr.write(usage(`${error.message}.`))
    return 1
  }
}
