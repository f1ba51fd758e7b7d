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
  bantam serve                          serve this machine on port 1883
  bantam sub -t '#' -v                  show every message
  bantam pub -t hello -m world          publish one
  bantam top                            watch the broker: rates, loudest topics, clients
  bantam run -- npm test                run a command beside a broker of its own
  bantam check mqtt://localhost:1883    look what a broker can do
  bantam user add alice                 let alice log in
  bantam acl allow alice both 'home/#'  let her do that, and nobody anything else
  bantam doctor                         look whether all is well, and what to do if not
  bantam import mosquitto FILE          take over what a Mosquitto has, by its mosquitto.conf
  bantam config print > bantam.toml     every setting, explained`

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
    .addHelpCommand(
      new Command("help")
        .argument("[command]")
        .description("all commands, or one of them")
        .helpGroup("This program:"),
    )
    // Behind a command the same letter is that command's: `sub -V mqttv5`, `pub -h host`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ ...helpOutput, outputError: (text, write) => write(asOneLine(text, "bantam")) })
  for (const [heading, commands] of commandsByTask(version)) {
    for (const command of commands) adopt(program, command.helpGroup(heading))
  }
  return program.addCommand(completeCommand(), { hidden: true })
}

/** Help lists the commands under these headings, in this order. */
function commandsByTask(
  version: string,
): readonly (readonly [heading: string, commands: readonly Command[]])[] {
  return [
    ["Broker:", [serveCommand(version), configCommand(), certCommand(), importCommand()]],
    [
      "Messages:",
      [
        pubCommand(),
        subCommand(),
        rrCommand(),
        shellCommand(),
        recordCommand(),
        replayCommand(),
        connectCommand(),
      ],
    ],
    ["Tests:", [runCommand(), testCommand(), checkCommand(), benchCommand()]],
    ["Access:", [userCommand(), groupCommand(), aclCommand(), banCommand(), auditCommand()]],
    [
      "A running broker:",
      [statusCommand(), topCommand(), clientsCommand(), sessionsCommand(), subsCommand(), retainedCommand()],
    ],
    ["Upkeep:", [doctorCommand(version), dropsCommand(), backupCommand(), restoreCommand()]],
    ["This program:", [completionCommand(), versionCommand(version)]],
  ]
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
