import { type Command, CommanderError } from "commander"
import { version } from "../package.json"
import { ConfigError } from "../src/config/config-error.ts"
import { isStorageWorker, runStorageWorker } from "../src/storage/sqlite/worker.ts"
import { calledAs, clientCommands, clientNames } from "./called-as.ts"
import { runAsMosquitto } from "./client-program.ts"
import { asksForTheirManner, clientWords, mannerOption } from "./client-words.ts"
import { laidOut } from "./help-layout.ts"
import { CommandError, complain, stopWhenNobodyReads } from "./output.ts"
import { makeProgram, shortHelp } from "./program.ts"

// In the executable a worker begins here as well, and this must be the first thing it does.
if (isStorageWorker()) {
  runStorageWorker()
} else {
  stopWhenNobodyReads()
  const words = process.argv.slice(2)
  const client = calledAs(process.argv0)
  process.exit(
    await told(() =>
      client === undefined ? run(words) : runAsMosquitto(`mosquitto_${client}`, client, version, words),
    ),
  )
}

/** @returns the exit code: that of the work, or 1 after saying on standard error what went wrong */
async function told(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    // Commander has said already what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode
    for (const line of whatWentWrong(error)) complain(line)
    return 1
  }
}

/** @returns the exit code */
async function run(given: readonly string[]): Promise<number> {
  if (given.length === 0) {
    process.stdout.write(laidOut(shortHelp, process.stdout.columns))
    return 0
  }
  const program = makeProgram(version)
  const words = helpWords(program, given)
  const [first, ...rest] = words
  const client = clientCommands.find((each) => each === first)
  const command = program.commands.find((each) => each.name() === client)
  if (client === undefined || command === undefined) {
    await program.parseAsync([...words], { from: "user" })
  } else if (asksForTheirManner(command, rest)) {
    const theirs = clientNames.find((each) => each === client)
    if (theirs === undefined) throw new CommandError(`Mosquitto has no ${client}: leave out ${mannerOption}`)
    return runAsMosquitto(`bantam ${theirs}`, theirs, version, rest)
  } else {
    await program.parseAsync([client, ...clientWords(command, client, rest)], { from: "user" })
  }
  return Number(process.exitCode ?? 0)
}

/** `help user add` is `user add --help`; of a command that is not there, commander says which was meant. */
function helpWords(program: Command, words: readonly string[]): readonly string[] {
  const [first, ...path] = words
  if (first !== "help" || path[0]?.startsWith("-") === true) return words
  let command = program
  for (const name of path) {
    const inner = command.commands.find((each) => each.name() === name)
    if (inner === undefined) return path
    command = inner
  }
  return [...path, "--help"]
}

/** An error class of ours says what is wrong, and so does the system; a bare Error or TypeError is a bug of ours. */
function whatWentWrong(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems
  if (!(error instanceof Error)) return [`bug: ${String(error)}`]
  if (isSystemError(error)) {
    const [, reason = error.message] = /^\w+: ([^,]+)/.exec(error.message) ?? []
    return [`${error.path}: cannot ${error.syscall} (${reason}); check the path and who may write there`]
  }
  const ours = !/^(Error|TypeError|RangeError|ReferenceError|SyntaxError)$/.test(error.constructor.name)
  return [ours ? error.message : `bug: ${error.stack ?? error.message}`]
}

function isSystemError(error: Error): error is Error & { readonly path: string; readonly syscall: string } {
  return "path" in error && "syscall" in error
}
