import { Command, InvalidArgumentError, type Option } from "commander"
import { resolve } from "node:path"
import { standardOutput } from "./byte-output.ts"
import { ClientRun } from "./client-run.ts"
import { withConnectionOptions } from "./connection-options.ts"
import { CommandError, complain, print, table } from "./output.ts"
import { askHidden, readPassword } from "./password-input.ts"
import {
  connectionsPath,
  type KeptPassword,
  readConnections,
  type SavedConnection,
  savedConnection,
  writeConnection,
} from "./saved/connection-file.ts"
import { type ConnectionUrl, connectionUrl } from "./connection-url.ts"
import { planSaved } from "./saved/plan-connection.ts"
import { putIntoKeyring, removeFromKeyring } from "./saved/saved-password.ts"
import { isPath, isSaveable } from "./saved/saveable-options.ts"

interface SaveOptions {
  readonly username?: string
  readonly pw?: string
  readonly passwordStdin?: true
  readonly passwordFile?: string
  /** False: --no-password. */
  readonly password: boolean
  /** False: --no-keyring. */
  readonly keyring: boolean
}

/** bantam connect save | list | show | remove | test */
export function connectCommand(): Command {
  const command = new Command("connect").description(
    "connections by name, for --to NAME: save, list, show, remove, test",
  )
  return command
    .addCommand(saveCommand())
    .addCommand(
      new Command("list")
        .description("list the saved connections")
        .option("--json", "one JSON array")
        .addHelpText(
          "after",
          "\nExamples:\n  bantam connect list\n  bantam connect list --json | jq '.[].name'",
        )
        .action(list),
    )
    .addCommand(
      new Command("show")
        .description("all that is saved of a connection, but the password")
        .argument("<name>", "which one")
        .option("--json", "one JSON object")
        .addHelpText("after", "\nExamples:\n  bantam connect show home")
        .action(show),
    )
    .addCommand(
      new Command("remove")
        .description("remove a connection, and its password")
        .argument("<name>", "which one")
        .addHelpText("after", "\nExamples:\n  bantam connect remove home")
        .action(remove),
    )
    .addCommand(
      new Command("test")
        .description("connect, and say whether the server let us in")
        .argument("<name>", "which one")
        .addHelpText("after", testHelp)
        .action(test),
    )
    .addHelpText("after", help)
}

const help = `
Examples:
  bantam connect save home mqtts://alice@broker.example.org
  bantam sub --to home -t '#' -v
  bantam check --to home

What is saved is in $XDG_CONFIG_HOME/bantam/connections.toml, or ~/.config/bantam/connections.toml, which an editor may
change: a [NAME], its url, and options of pub and sub without their dashes. To have one for each call, write --to NAME
into ~/.config/bantam/sub, /pub and /rr.`

const saveHelp = `
The password is asked for on the terminal. It is kept in the system's keyring; where there is none, in the file, which is
then yours alone.

Examples:
  bantam connect save local mqtt://localhost
  bantam connect save home mqtts://alice@broker.example.org --cafile home-ca.pem -i laptop
  bantam connect save ci wss://ci@broker.example.org/mqtt --password-stdin < secret.txt
  bantam connect save edge mqtts://broker.example.org --cert edge.pem --key edge.key -V 5`

const testHelp = `
Examples:
  bantam connect test home

Exit codes:
  0 let in, 1 there is no such connection, 7 connection lost, 8 TLS failed, 14 server not reached,
  from 128 the server's reason code; 1 to 5 before MQTT 5`

function saveCommand(): Command {
  const command = new Command("save")
    .description("save a connection under a name, or replace it")
    .argument("<name>", "what to call it: letters, digits, - and _", connectionName)
    .argument("<url>", "mqtt[s]:// or ws[s]://[USER@]HOST[:PORT], or unix:///PATH", connectionUrl)
    .option("--password-stdin", "read the password from standard input, up to its last newline")
    .option("--no-password", "ask for none")
    .option("-P, --pw <password>", "password; others on the machine see it while we run")
    .option("--no-keyring", "keep the password in the file all the same")
  for (const option of withConnectionOptions(new Command()).options) {
    if (isSaveable(option)) command.addOption(keptAsTyped(option))
  }
  return command.addHelpText("after", saveHelp).action(save)
}

/** What is saved is what was typed, once it is known to be right. */
function keptAsTyped(option: Option): Option {
  const { parseArg } = option
  return option.argParser((text: string) => {
    parseArg?.(text, undefined)
    return isPath(option) ? resolve(text) : text
  })
}

async function save(
  name: string,
  place: ConnectionUrl,
  options: SaveOptions,
  command: Command,
): Promise<void> {
  const username = options.username ?? place.username
  const secret = await givenPassword(username, place, options)
  const before = readConnections().get(name)
  const { password, why } = await keep(name, secret, options.keyring)
  const chosen = command.options.filter(
    (option) => isSaveable(option) && command.getOptionValueSource(option.attributeName()) === "cli",
  )
  writeConnection(name, {
    url: place.url,
    password,
    options: Object.fromEntries(
      chosen.map((option) => [option.long?.slice(2) ?? "", command.getOptionValue(option.attributeName())]),
    ),
  })
  if (before?.password.in === "keyring" && password.in !== "keyring") await removeFromKeyring(name)
  await print(
    `connection ${name} ${before === undefined ? "saved" : "replaced"}${whereabouts(password, why)}\n`,
  )
}

/** @throws CommandError when there is more than one */
async function givenPassword(
  username: string | undefined,
  { password: inUrl }: ConnectionUrl,
  { pw, passwordStdin, passwordFile, password: isWanted }: SaveOptions,
): Promise<string | undefined> {
  const ways = [inUrl, pw, passwordStdin, passwordFile].filter((way) => way !== undefined)
  if (ways.length > 1 || (ways.length === 1 && !isWanted)) {
    throw new CommandError(
      "say the password in one way: in the URL, by -P, --password-stdin or --password-file",
    )
  }
  if (passwordFile !== undefined) return undefined
  if (passwordStdin === true) return textOf(await readPassword())
  const seen = inUrl ?? pw
  if (seen !== undefined) {
    complain(
      "a password on the command line is seen by others and stays in the shell's history; leave it out, and it is asked for",
    )
    return seen
  }
  if (username === undefined || !isWanted || process.stdin.isTTY !== true) return undefined
  const answer = textOf(await askHidden(`Password of ${username} (empty: none): `))
  return answer === "" ? undefined : answer
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CommandError("a password that is no text cannot be saved; name its file with --password-file")
  }
}

/** @returns why it is not in the keyring, if it should be */
async function keep(
  name: string,
  secret: string | undefined,
  inKeyring: boolean,
): Promise<{ readonly password: KeptPassword; readonly why?: string | undefined }> {
  if (secret === undefined) return { password: { in: "nowhere" } }
  const inFile = { in: "file", text: secret } as const
  if (!inKeyring) return { password: inFile }
  const why = await putIntoKeyring(name, secret)
  return why === undefined ? { password: { in: "keyring" } } : { password: inFile, why }
}

function whereabouts(password: KeptPassword, why: string | undefined): string {
  switch (password.in) {
    case "nowhere":
      return ""
    case "keyring":
      return ", its password in the system's keyring"
    case "file": {
      const reason = why === undefined ? "" : ` (no keyring here: ${why})`
      return `, its password in ${connectionsPath()}, which is yours alone${reason}`
    }
  }
}

async function list({ json }: { readonly json?: true }): Promise<void> {
  const connections = [...readConnections()]
  if (json === true) return print(`${JSON.stringify(connections.map(connectionJson))}\n`)
  if (connections.length === 0) complain("none is saved yet; `bantam connect save NAME URL` does so")
  const rows = connections.map(([name, { url, options, password }]) => {
    return [name, url, Object.keys(options).join(" "), passwordText(password, options)]
  })
  await print(table([["NAME", "URL", "OPTIONS", "PASSWORD"], ...rows]))
}

async function show(name: string, { json }: { readonly json?: true }): Promise<void> {
  const connection = savedConnection(name)
  if (json === true) return print(`${JSON.stringify(connectionJson([name, connection]))}\n`)
  const facts = [
    ["connection", name],
    ["url", connection.url],
    ...Object.entries(shownOptions(connection)).map(([key, value]) => [key, value === true ? "yes" : value]),
    ["password", passwordText(connection.password, connection.options)],
  ]
  const width = Math.max(...facts.map(([key = ""]) => key.length))
  await print(facts.map(([key = "", value = ""]) => `${key.padEnd(width)}  ${value}\n`).join(""))
}

async function remove(name: string): Promise<void> {
  const { password } = savedConnection(name)
  writeConnection(name, undefined)
  if (password.in === "keyring") await removeFromKeyring(name)
  await print(`connection ${name} removed\n`)
}

async function test(name: string): Promise<void> {
  const plan = await planSaved(name)
  const output = standardOutput()
  const run = new ClientRun(plan, {}, output)
  const { username } = plan.client
  const beganAt = performance.now()
  await run.finish(async () => {
    const took = (performance.now() - beganAt).toFixed(1)
    const who = username === undefined ? "" : ` as ${username}`
    output.text(`${savedConnection(name).url} let us in${who}, in ${took} ms\n`)
  })
  await output.drained()
}

/** Stable: programs read it. */
function connectionJson([name, connection]: readonly [string, SavedConnection]): Record<string, unknown> {
  const { url, password, options } = connection
  const username = options["username"] ?? connection.username ?? null
  const kept = password.in === "nowhere" ? null : password.in
  return { name, url, username, password: kept, options: shownOptions(connection) }
}

/** A proxy may have a password too. */
function shownOptions({ options }: SavedConnection): Record<string, string | true> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      value === true ? value : value.replace(/^(\w+:\/\/[^:@]*):[^@]*@/, "$1:***@"),
    ]),
  )
}

function passwordText({ in: place }: KeptPassword, options: SavedConnection["options"]): string {
  if (options["password-file"] !== undefined) return "in a file of its own"
  return { keyring: "in the keyring", file: "in the file", nowhere: "none" }[place]
}

function connectionName(text: string): string {
  if (/^[\w-]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError("It must have 1 to 64 letters, digits, - and _.")
}
