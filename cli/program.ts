import { Command } from "commander"
import { aclCommand } from "./acl.ts"
import { auditCommand } from "./audit.ts"
import { backupCommand, restoreCommand } from "./backup.ts"
import { banCommand } from "./ban.ts"
import { certCommand } from "./cert.ts"
import { benchCommand } from "./bench.ts"
import { checkCommand } from "./check.ts"
import { completeCommand, completionCommand } from "./completion.ts"
import { configCommand } from "./config.ts"
import { connectCommand } from "./connect.ts"
import { doctorCommand } from "./doctor.ts"
import { dropsCommand } from "./drops.ts"
import { groupCommand } from "./groups.ts"
import { helpOutput } from "./help-layout.ts"
import { importCommand } from "./import.ts"
import { clientsCommand } from "./management/clients.ts"
import { retainedCommand } from "./management/retained.ts"
import { sessionsCommand } from "./management/sessions.ts"
import { statusCommand } from "./management/status.ts"
import { subsCommand } from "./management/subs.ts"
import { print } from "./output.ts"
import { pubCommand } from "./pub.ts"
import { recordCommand } from "./record.ts"
import { replayCommand } from "./replay.ts"
import { rrCommand } from "./rr.ts"
import { runCommand } from "./run.ts"
import { serveCommand } from "./serve.ts"
import { shellCommand } from "./shell.ts"
import { subCommand } from "./sub.ts"
import { testCommand } from "./test.ts"
import { topCommand } from "./top.ts"
import { userCommand } from "./users.ts"

const examples = `
Examples:
  bantam serve                         serve this machine on port 1883
  bantam sub -t '#' -v                 show every message
  bantam pub -t hello -m world         publish one
  bantam rr -t ask -e answer -m 7      publish a request and print the response
  bantam record FILE -t 'home/#'       write messages to a file; bantam replay FILE publishes them again
  bantam shell                         subscribe, publish and look around at a prompt
  bantam top                           watch the broker: rates, loudest topics, clients
  bantam run -- npm test               run a command beside a broker of its own
  bantam test door.yaml                play clients by a script, and see what was not as expected
  bantam check mqtt://localhost:1883   look what a broker can do
  bantam bench fanout                  put a load on a broker and measure it
  bantam status                        how the broker is; clients, sessions, subs and retained say more
  bantam connect save x mqtts://HOST   keep a connection by its name; then: bantam sub --to x -t '#'
  bantam user add alice                let alice log in
  bantam acl allow alice both 'home/#' let her do that, and nobody anything else
  bantam audit --since 1h              who changed what, and was refused what
  bantam drops --since 1h              which messages were lost, and why
  bantam backup FILE                   copy all that is stored, while the broker serves
  bantam doctor                        look whether all is well, and what to do if not
  bantam cert server localhost         make certificates for TLS
  bantam import mosquitto FILE         take over what a Mosquitto has, by its mosquitto.conf
  bantam config print > bantam.toml    every setting, explained`

/** For who says nothing but our name. */
export const shortHelp = `An MQTT broker in one file, and the clients to go with it.

  bantam serve                   serve this machine on port 1883
  bantam sub -t '#' -v           show every message
  bantam pub -t hello -m world   publish one

  bantam help                    all commands
  bantam help COMMAND            one of them
`

/** The whole command line, not yet parsed. Errors on it are one line each, and are thrown as a CommanderError. */
export function makeProgram(version: string): Command {
  const program = new Command("bantam")
    .description("An MQTT 3.1, 3.1.1 and 5.0 broker that keeps what it acknowledged")
    .version(`bantam ${version}`, "-V, --version", "print the version")
    .addHelpText("after", examples)
    // Behind a command the same letter is that command's: `sub -V mqttv5`, `pub -h host`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ ...helpOutput, outputError: (text, write) => write(asOneLine(text, "bantam")) })
  for (const command of [
    serveCommand(version),
    pubCommand(),
    subCommand(),
    rrCommand(),
    recordCommand(),
    replayCommand(),
    shellCommand(),
    topCommand(),
    runCommand(),
    testCommand(),
    checkCommand(),
    benchCommand(),
    statusCommand(),
    clientsCommand(),
    sessionsCommand(),
    subsCommand(),
    retainedCommand(),
    connectCommand(),
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
    versionCommand(version),
  ]) {
    adopt(program, command)
  }
  return program.addCommand(completeCommand(), { hidden: true })
}

function versionCommand(version: string): Command {
  return new Command("version")
    .description("print the version")
    .addHelpText("after", "\nExamples:\n  bantam version")
    .action(() => print(`bantam ${version}\n`))
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
