import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { ClientCommand } from "./called-as.ts"
import { configFolder, type Environment } from "./config-folder.ts"
import type { MannerName } from "./manner.ts"
import { CommandError } from "./output.ts"

/** Where options are found that hold for each call, unless -o names another file; undefined without a home. */
export function defaultOptionsFile(
  client: ClientCommand,
  manner: MannerName,
  environment: Environment = process.env,
): string | undefined {
  const folder = configFolder(environment)
  if (folder === undefined) return undefined
  return manner === "mosquitto" ? join(folder, `mosquitto_${client}`) : join(folder, "bantam", client)
}

/**
 * The words in an options file: one option a line, its value behind the first blank and to the end of the line.
 * Quotes are part of the value. A line that begins with `#` is a comment.
 *
 * @param isProperty whether an option's value is several words
 * @param mayLack a file that does not exist holds no words
 * @throws CommandError
 */
export function optionsFileWords(
  file: string,
  isProperty: (option: string) => boolean,
  mayLack: boolean,
): readonly string[] {
  return textOf(file, mayLack)
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .flatMap((line) => {
      const [, option = "", value] = /^ *([^ \r]*)(?: ([^\r]*))?\r*$/.exec(line) ?? []
      if (option === "") return []
      if (value === undefined) return [option]
      return [option, ...(isProperty(option) ? propertyWords(value) : [value])]
    })
}

/** Blanks may stand in the value of a property, the last of its words. */
function propertyWords(text: string): readonly string[] {
  const count = /^\S+ +user-property /.test(text) ? 4 : 3
  const words: string[] = []
  let rest = text
  while (words.length < count - 1) {
    const [whole, word] = /^ *(\S+) ?/.exec(rest) ?? []
    if (whole === undefined || word === undefined) return words
    words.push(word)
    rest = rest.slice(whole.length)
  }
  return [...words, rest]
}

function textOf(file: string, mayLack: boolean): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error)
    if (mayLack && (code === "ENOENT" || code === "ENOTDIR")) return ""
    throw new CommandError(`${file}: the options in it cannot be read (${code}); check the path and its mode`)
  }
}
