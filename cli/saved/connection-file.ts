import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { nearest } from "../../src/config/nearest.ts"
import { readToml, tomlValue } from "../../src/config/toml.ts"
import type { ConnectTarget } from "../../src/transport/connect.ts"
import { replaceFile } from "../../src/system/replace-file.ts"
import { configFolder } from "../config-folder.ts"
import { CommandError, shellWord } from "../output.ts"
import { parseConnectionUrl } from "../connection-url.ts"

/** Where the password of a connection is kept. */
export type KeptPassword =
  { readonly in: "keyring" } | { readonly in: "file"; readonly text: string } | { readonly in: "nowhere" }

/** What stands behind a name. */
export interface SavedConnection {
  /** With the user, without the password. */
  readonly url: string
  readonly target: ConnectTarget
  readonly username: string | undefined
  readonly password: KeptPassword
  /** By the long names of the options of pub and sub, without the dashes; true for one that takes no value. */
  readonly options: Readonly<Record<string, string | true>>
}

/** What is written down of it. */
export type NewConnection = Omit<SavedConnection, "target" | "username">

const introduction = `# Connections by name, as in \`bantam sub --to NAME -t '#'\`. Each has a url, and options of pub and sub.
`

/** It may hold passwords. */
const ownerOnly = 0o600

/** @throws CommandError without a home */
export function connectionsPath(): string {
  const folder = configFolder()
  if (folder === undefined) {
    throw new CommandError("no place for saved connections: set HOME or XDG_CONFIG_HOME to an absolute path")
  }
  return join(folder, "bantam", "connections.toml")
}

/** All that are saved, none if there is no file. @throws CommandError, ConfigError */
export function readConnections(path = connectionsPath()): ReadonlyMap<string, SavedConnection> {
  if (!existsSync(path)) return new Map()
  const connections = connectionsIn(path)
  const isSecret = [...connections.values()].some(
    ({ password, options }) => password.in === "file" || /^[^@]*:[^@]*@/.test(afterScheme(options["proxy"])),
  )
  if (isSecret && process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) {
    throw new CommandError(
      `${path} holds passwords, and others may read it; \`chmod 600 ${shellWord(path)}\` puts that right`,
    )
  }
  return connections
}

/** @throws CommandError there is none of that name */
export function savedConnection(name: string): SavedConnection {
  const path = connectionsPath()
  const connections = readConnections(path)
  const connection = connections.get(name)
  if (connection !== undefined) return connection
  const meant = nearest(name, [...connections.keys()])
  const remedy =
    meant === undefined
      ? `\`bantam connect save ${shellWord(name)} mqtt://HOST\` makes it, \`bantam connect list\` shows all`
      : `did you mean ${meant}?`
  throw new CommandError(`there is no connection ${name}; ${remedy}`)
}

/** Puts a connection into the file in the place of one of the same name; undefined takes it out. */
export function writeConnection(name: string, connection: NewConnection | undefined): void {
  const path = connectionsPath()
  const before = existsSync(path) ? readFileSync(path, "utf8") : introduction
  const rest = without(before, name)
  const table = connection === undefined ? "" : `\n[${name}]\n${linesOf(connection).join("\n")}\n`
  const after = `${rest.trimEnd()}\n${table}`
  insistOnNames(path, after, namesIn(before, name, connection !== undefined))
  replaceFile(path, after, ownerOnly)
}

function namesIn(before: string, name: string, isThere: boolean): ReadonlySet<string> {
  const names = new Set(Object.keys(Bun.TOML.parse(before)))
  if (isThere) names.add(name)
  else names.delete(name)
  return names
}

/** TOML can say the same in ways that `without` does not see: such a file is left to whoever wrote it. */
function insistOnNames(path: string, text: string, names: ReadonlySet<string>): void {
  try {
    if (Bun.deepEquals(new Set(Object.keys(Bun.TOML.parse(text))), names)) return
  } catch {
    // As for a table that stands there twice now.
  }
  throw new CommandError(
    `${path} is written in a way that we cannot change; write [NAME] above each connection`,
  )
}

/** The text without one table. What people wrote around the others stays, and what stands right above a name is about it. */
function without(text: string, name: string): string {
  const lines = text.split("\n")
  const from = lines.findIndex((line) => new RegExp(`^\\s*\\[\\s*${name}\\s*\\]`).test(line))
  if (from < 0) return text
  const next = lines.findIndex((line, at) => at > from && /^\s*\[/.test(line))
  return [...lines.slice(0, from), ...(next < 0 ? [] : lines.slice(commentsAbove(lines, next)))].join("\n")
}

/** Where the comments begin that stand above a line, with no empty line between. */
function commentsAbove(lines: readonly string[], line: number): number {
  let first = line
  while (lines[first - 1]?.trimStart().startsWith("#") === true) first -= 1
  return first
}

function linesOf({ url, options, password }: NewConnection): string[] {
  return [
    `url = ${tomlValue(url)}`,
    ...Object.entries(options).map(([key, value]) => `${key} = ${tomlValue(value)}`),
    ...(password.in === "keyring" ? ["keyring = true"] : []),
    ...(password.in === "file" ? [`password = ${tomlValue(password.text)}`] : []),
  ]
}

function connectionsIn(path: string): ReadonlyMap<string, SavedConnection> {
  const connections = new Map<string, SavedConnection>()
  for (const [name, table] of Object.entries(readToml(path))) {
    const connection = connectionOf(table)
    if (typeof connection === "string") throw new CommandError(`${path}: [${name}] ${connection}`)
    connections.set(name, connection)
  }
  return connections
}

/** @returns the end of a sentence that begins with the name when it is none */
function connectionOf(table: unknown): SavedConnection | string {
  if (typeof table !== "object" || table === null || !("url" in table) || typeof table.url !== "string") {
    return 'has no address; write url = "mqtt://HOST" below its name'
  }
  const { url: text, ...rest } = table
  const place = parseConnectionUrl(text)
  if (typeof place === "string") return `has the url ${JSON.stringify(text)}; it ${place}`
  const options: Record<string, string | true> = {}
  let password: KeptPassword =
    place.password === undefined ? { in: "nowhere" } : { in: "file", text: place.password }
  for (const [key, value] of Object.entries(rest)) {
    if (key === "password") password = { in: "file", text: String(value) }
    else if (key === "keyring") password = value === true ? { in: "keyring" } : password
    else if (typeof value === "string" || value === true) options[key] = value
    else if (typeof value === "number") options[key] = String(value)
    else return `has ${key}, which must be a text, a number or true`
  }
  return { url: place.url, target: place.target, username: place.username, password, options }
}

function afterScheme(proxy: string | true | undefined): string {
  return String(proxy ?? "").replace(/^\w+:\/\//, "")
}
