import { type Command, InvalidArgumentError, type Option } from "commander"
import { nearest } from "../../src/config/nearest.ts"
import { CommandError } from "../output.ts"
import { connectionsPath, type SavedConnection, savedConnection } from "./connection-file.ts"
import { isSaveable } from "./saveable-options.ts"
import { savedPassword } from "./saved-password.ts"

/** What an option on the command line takes the place of, besides itself, by the names that commander has for them. */
const overruled: Readonly<Record<string, readonly string[]>> = {
  host: ["unix"],
  unix: ["host", "port", "ws", "wsPath"],
  id: ["idPrefix"],
  idPrefix: ["id"],
  // A password belongs to its user.
  username: ["pw", "passwordFile"],
  pw: ["passwordFile"],
  passwordFile: ["pw"],
  tls: ["tlsUseOsCerts", "cafile", "capath", "cert", "key", "insecure"],
}

/**
 * Gives a command that has the options of pub and sub the values of a saved connection, wherever the command line says
 * nothing else.
 *
 * @throws CommandError also when a password would go to another server than it was saved for
 */
export async function applyConnection(command: Command, name: string): Promise<void> {
  const connection = savedConnection(name)
  const given = (key: string) => command.getOptionValueSource(key) === "cli"
  const dropped = new Set(Object.keys(overruled).flatMap((key) => (given(key) ? (overruled[key] ?? []) : [])))
  const values = { ...placeOf(connection), ...optionValues(command, name, connection) }
  const elsewhere = ["unix", "host"].find((key) => given(key) && command.getOptionValue(key) !== values[key])
  const own = given("username") || given("pw") || given("passwordFile")
  const hasPassword = connection.password.in !== "nowhere" || values["passwordFile"] !== undefined
  if (elsewhere !== undefined && hasPassword && !own) {
    throw new CommandError(
      `the password of ${name} is for its own server alone: leave out --${elsewhere}, or add -u NAME`,
    )
  }
  if (!dropped.has("pw") && !given("pw")) values["pw"] = await savedPassword(name, connection.password)
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || given(key) || dropped.has(key)) continue
    command.setOptionValueWithSource(key, value, "config")
  }
}

function placeOf({ target, username }: SavedConnection): Record<string, unknown> {
  if (target.scheme === "unix") return { unix: target.path, username }
  const { host, port, scheme } = target
  return {
    host,
    port,
    username,
    tlsUseOsCerts: scheme === "tls" || scheme === "wss" ? true : undefined,
    ws: scheme === "ws" || scheme === "wss" ? true : undefined,
    wsPath: "path" in target ? target.path : undefined,
  }
}

function optionValues(command: Command, name: string, { options }: SavedConnection): Record<string, unknown> {
  const known = command.options.filter(isSaveable)
  return Object.fromEntries(
    Object.entries(options).map(([key, text]) => {
      const option = known.find(({ long }) => long === `--${key}`)
      if (option === undefined) throw unknownKey(name, key, known)
      return [option.attributeName(), valueOf(name, key, option, text)]
    }),
  )
}

function valueOf(name: string, key: string, option: Option, text: string | true): unknown {
  const takesValue = option.required
  if (takesValue !== (text !== true)) {
    throw wrong(name, `${key} must be ${takesValue ? "a text or a number" : "true, or left out"}`)
  }
  if (text === true || option.parseArg === undefined) return text
  try {
    return option.parseArg(text, undefined)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw wrong(name, `${key} is ${JSON.stringify(text)}. ${error.message.replace(/\.$/, "")}`)
  }
}

function unknownKey(name: string, key: string, known: readonly Option[]): CommandError {
  const names = known.flatMap(({ long }) => long?.slice(2) ?? [])
  const meant = nearest(key, names)
  return wrong(
    name,
    `${key} is no option of pub and sub${meant === undefined ? "" : `; did you mean ${meant}?`}`,
  )
}

function wrong(name: string, what: string): CommandError {
  return new CommandError(`${connectionsPath()}: [${name}] ${what}`)
}
