import { readFileSync } from "node:fs"
import { errorText } from "../foundation/log.ts"
import { ConfigError } from "./config-error.ts"

/** @throws ConfigError when the file cannot be read, or with the line that is not TOML */
export function readToml(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error)
    throw new ConfigError([`${path}: cannot be read (${why}); check the path and who may read it`])
  }
  try {
    return tableOf(text)
  } catch (error) {
    const why = errorText(error).replace("TOML Parse error: ", "")
    throw new ConfigError([`${path}:${firstBadLine(text)}: ${why}`])
  }
}

/** A value as it stands behind the `=`. A basic string of TOML has the escapes of JSON, and one more. */
export function tomlValue(value: string | number | boolean): string {
  return typeof value === "string" ? JSON.stringify(value).replaceAll("\x7f", "\\u007f") : String(value)
}

/** The parser does not tell where it stopped. What it can still read ends just before that. */
function firstBadLine(text: string): number {
  const lines = text.split("\n")
  for (let count = lines.length - 1; count > 0; count--) {
    try {
      tableOf(lines.slice(0, count).join("\n"))
      return count + 1
    } catch {
      // The bad line is still among them.
    }
  }
  return 1
}

function tableOf(text: string): Record<string, unknown> {
  return Bun.TOML.parse(text) as Record<string, unknown>
}
