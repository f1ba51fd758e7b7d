import { type Command, InvalidArgumentError } from "commander"
import { type Flag, parseAssignment } from "../src/config/load.ts"

/** Where the settings, and the data they name, are found. */
export interface SettingsOptions {
  readonly config?: string
  readonly data?: string
  readonly set?: readonly Flag[]
}

/** Adds --config, --data and --set. */
export function withSettingsOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "settings file; `bantam config print` makes one")
    .option("-d, --data <directory>", "data directory (storage.directory, BANTAM_DATA)")
    .option("--set <key=value>", "any setting, such as limits.connections=5; repeatable", collectAssignment)
}

/** The settings that the options stand for; --set comes last and so overrules the short forms. */
export function settingsFlags(options: SettingsOptions, shortForms: readonly Flag[] = []): Flag[] {
  const data =
    options.data === undefined ? [] : [{ flag: "--data", key: "storage.directory", value: options.data }]
  return [...data, ...shortForms, ...(options.set ?? [])]
}

/** Reads an option's value as a whole number within bounds. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= from && value <= to) return value
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`)
  }
}

/** Gathers a repeatable option. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

/** Gathers `--set`. */
export function collectAssignment(text: string, before: readonly Flag[] = []): Flag[] {
  return [...before, parseAssignment(text)]
}
