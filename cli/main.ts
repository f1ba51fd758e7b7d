import { Command, CommanderError } from "commander"
import { version } from "../package.json"
import { ConfigError } from "../src/config/config-error.ts"
import { isStorageWorker, runStorageWorker } from "../src/storage/sqlite/worker.ts"
import { benchCommand } from "./bench.ts"
import { checkCommand } from "./check.ts"
import { completeCommand, completionCommand } from "./completion.ts"
import { configCommand } from "./config.ts"
import { certCommand } from "./cert.ts"
import { aclCommand } from "./acl.ts"
import { auditCommand } from "./audit.ts"
import { backupCommand, restoreCommand } from "./backup.ts"
import { calledAs, clientNames } from "./called-as.ts"
import { runAsMosquitto } from "./client-program.ts"
import { asksForTheirManner, clientWords } from "./client-words.ts"
import { banCommand } from "./ban.ts"
import { dropsCommand } from "./drops.ts"
import { doctorCommand } from "./doctor.ts"
import { groupCommand } from "./groups.ts"
import { importCommand } from "./import.ts"
import { complain, stopWhenNobodyReads } from "./output.ts"
import { pubCommand } from "./pub.ts"
import { runCommand } from "./run.ts"
import { serveCommand } from "./serve.ts"
import { rrCommand } from "./rr.ts"
import { subCommand } from "./sub.ts"
import { testCommand } from "./test.ts"
import { userCommand } from "./users.ts"

const examples = `
Examples:
  bantam serve                         serve this machine on port 1883
  bantam sub -t '#' -v                 show every message
  bantam pub -t hello -m world         publish one
  bantam rr -t ask -e answer -m 7      publish a request and print the response
  bantam run -- npm test               run a command beside a broker of its own
  bantam test door.yaml                play clients by a script, and see what was not as expected
  bantam check mqtt://localhost:1883   look what a broker can do
  bantam bench fanout                  put a load on a broker and measure it
  bantam user add alice                let alice log in
  bantam acl allow alice both 'home/#' let her do that, and nobody anything else
  bantam audit --since 1h              who changed what, and was refused what
  bantam drops --since 1h              which messages were lost, and why
  bantam backup FILE                   copy all that is stored, while the broker serves
  bantam doctor                        look whether all is well, and what to do if not
  bantam cert server localhost         make certificates for TLS
  bantam import mosquitto FILE         take over what a Mosquitto has, by its mosquitto.conf
  bantam config print > bantam.toml    every setting, explained`

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
async function run(words: readonly string[]): Promise<number> {
  const program = new Command("bantam")
    .description("An MQTT 3.1, 3.1.1 and 5.0 broker that keeps what it acknowledged")
    .version(`bantam ${version}`, "-V, --version", "print the version")
    .addHelpText("after", examples)
    // Behind a command the same letter is that command's: `sub -V mqttv5`, `pub -h host`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(asOneLine(text, "bantam")) })
  for (const command of [
    serveCommand(version),
    pubCommand(),
    subCommand(),
    rrCommand(),
    runCommand(),
    testCommand(),
    checkCommand(),
    benchCommand(),
    userCommand(),
    groupCommand(),
    aclCommand(),
    auditCommand(),
    dropsCommand(),
    backupCommand(),
    restoreCommand(),
    doctorCommand(version),
    certCommand(),
    banCommand(),
    importCommand(),
    configCommand(),
    completionCommand(),
  ]) {
    adopt(program, command)
  }
  program.addCommand(completeCommand(), { hidden: true })
  const [first, ...rest] = words
  const client = clientNames.find((each) => each === first)
  const command = program.commands.find((each) => each.name() === client)
  if (client === undefined || command === undefined) {
    await program.parseAsync(words.length === 0 ? ["--help"] : [...words], { from: "user" })
  } else if (asksForTheirManner(command, rest)) {
    return runAsMosquitto(`bantam ${client}`, client, version, rest)
  } else {
    await program.parseAsync([client, ...clientWords(command, client, rest)], { from: "user" })
  }
  return Number(process.exitCode ?? 0)
}

/** Commands made elsewhere answer errors as the program does. */
function adopt(parent: Command, command: Command): void {
  inherit(parent, command, `${parent.name()} ${command.name()}`)
  parent.addCommand(command)
}

/** @param name the words that lead to it, which lead to its help as well */
function inherit(parent: Command, command: Command, name: string): void {
  command.copyInheritedSettings(parent)
  command.configureOutput({ outputError: (text, write) => write(asOneLine(text, name)) })
  for (const inner of command.commands) inherit(command, inner, `${name} ${inner.name()}`)
}

function asOneLine(text: string, name: string): string {
  const line = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
  return `bantam: ${line.endsWith("?)") ? line : `${line.replace(/\.$/, "")}; see ${name} --help`}\n`
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
