import type { Command, Option } from "commander"
import type { ClientCommand } from "./called-as.ts"
import type { MannerName } from "./manner.ts"
import { defaultOptionsFile, optionsFileWords } from "./options-file.ts"
import { CommandError } from "./output.ts"
import { isOfOneServer } from "./saved/saveable-options.ts"
import { parseServerUrl, type ServerUrl } from "./server-url.ts"

/** The option that asks for Mosquitto's manner under our own name. */
export const mannerOption = "--as-mosquitto"

/** What their programs do not have, and theirs alone is asked for. */
const notTheirs: readonly string[] = [
  ...["--to", "--password-file", "--ws-path"],
  ...["--every", "--rate", "--csv", "--jsonl", "--template"],
  ...[
    "--json",
    "--full",
    "--expect",
    "--expect-json",
    "--within",
    "--in-order",
    "--none",
    "--ready-file",
    "--then",
  ],
]

/**
 * The words of a command line of pub, sub, rr, record or replay as commander can take them. Mosquitto's have three
 * habits that it does not know: an options file, -D with three or four words, and -L, which stands for several options
 * where it stands, so that what comes later overrules it.
 *
 * @throws CommandError
 */
export function clientWords(command: Command, client: ClientCommand, given: readonly string[]): string[] {
  const manner: MannerName = asksForTheirManner(command, given) ? "mosquitto" : "bantam"
  const here = readWords(command, given, manner)
  const file = readWords(command, fileWords(command, client, manner, here), manner)
  // Who names a connection means that one, whatever server stands in the options for each call.
  const isSaved = here.some(({ flag }) => flag === "--to")
  const before = isSaved ? file.filter(({ option }) => option === undefined || !isOfOneServer(option)) : file
  return [...before, ...here].flatMap((word) => expanded(word, manner))
}

/** Whether `--as-mosquitto` stands among the words, and not as the value of an option. */
export function asksForTheirManner(command: Command, given: readonly string[]): boolean {
  return readWords(command, given, "bantam").some(({ flag }) => flag === mannerOption)
}

/** An option with its values; a word without an option is left to commander. */
interface ReadOption {
  readonly flag: string
  readonly option: Option | undefined
  readonly values: readonly string[]
}

function readWords(command: Command, given: readonly string[], manner: MannerName): readonly ReadOption[] {
  const words = [...given]
  const read: ReadOption[] = []
  while (words.length > 0) {
    const word = words.shift() ?? ""
    const [flag = "", ...joined] = manner === "mosquitto" ? [word] : apart(command, word)
    words.unshift(...joined)
    const isForeign = manner === "mosquitto" && notTheirs.includes(flag)
    const option = isForeign ? undefined : optionNamed(command, flag)
    const isOwn = flag === "--help" || flag === "--version"
    // One who misspells here would otherwise be told of letters that Mosquitto does not join.
    if (option === undefined && !isOwn && manner === "mosquitto") {
      throw new CommandError(`Unknown option '${flag}'`)
    }
    read.push({ flag, option, values: words.splice(0, valueCount(option, words)) })
  }
  return read
}

/** `--qos=1` and `-q1` mean the same as two words. */
function apart(command: Command, word: string): readonly string[] {
  if (optionNamed(command, word) !== undefined) return [word]
  const [, long, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
  if (long !== undefined && value !== undefined && optionNamed(command, long)?.required === true) {
    return [long, value]
  }
  const short = word.slice(0, 2)
  return /^-[^-]/.test(word) && optionNamed(command, short)?.required === true
    ? [short, word.slice(2)]
    : [word]
}

function optionNamed(command: Command, flag: string): Option | undefined {
  return command.options.find(({ short, long }) => flag === short || flag === long)
}

function isProperty(option: Option | undefined): boolean {
  return option?.long === "--property"
}

function valueCount(option: Option | undefined, [, name]: readonly string[]): number {
  if (!isProperty(option)) return option?.required === true ? 1 : 0
  return name === "user-property" ? 4 : 3
}

function fileWords(
  command: Command,
  client: ClientCommand,
  manner: MannerName,
  here: readonly ReadOption[],
): readonly string[] {
  const named = here.filter(({ option }) => option?.long === "--options-file").flatMap(({ values }) => values)
  if (named.length > 1) throw new CommandError("-o stands there twice; leave one out")
  const file = named[0] ?? defaultOptionsFile(client, manner)
  if (file === undefined) return []
  return optionsFileWords(file, (flag) => isProperty(optionNamed(command, flag)), named.length === 0)
}

function expanded({ flag, option, values }: ReadOption, manner: MannerName): readonly string[] {
  // Among -V, -D and -x the last word decides the version in Mosquitto; we find a contradiction in them instead.
  const needs5 = manner === "mosquitto" ? ["--protocol-version", "5"] : []
  switch (option?.long) {
    case "--options-file":
      return values.length === 0 ? [flag] : []
    case "--property":
      return [...(values.length === 0 ? [flag] : values.flatMap((value) => [flag, value])), ...needs5]
    case "--session-expiry":
      return [flag, ...values, ...needs5]
    case "--url":
      return values.length === 0 ? [flag] : values.flatMap((text) => urlWords(text, manner))
    default:
      return [flag, ...values]
  }
}

function urlWords(text: string, manner: MannerName): readonly string[] {
  const url = parseServerUrl(text)
  if (typeof url === "string") throw new CommandError(`-L ${text}: it ${url}`)
  const port = url.port ?? (manner === "mosquitto" ? (url.tls ? 8883 : 1883) : undefined)
  return [
    ...["--host", url.host, "--topic", url.topic],
    ...(port === undefined ? [] : ["--port", String(port)]),
    ...loginWords(url),
    ...(url.tls ? ["--tls-use-os-certs"] : []),
    ...(url.webSocket ? ["--ws"] : []),
  ]
}

function loginWords({ username, password }: ServerUrl): readonly string[] {
  return [
    ...(username === undefined ? [] : ["--username", username]),
    ...(password === undefined ? [] : ["--pw", password]),
  ]
}
