import { ConfigError } from "./config-error.ts"
import { Gathering } from "./gathering.ts"
import type { Environment, Settings } from "./settings.ts"

/** One setting given on the command line. */
export interface Flag {
  /** As it was typed, for messages: `--port`, `--set`. */
  readonly flag: string
  /** Such as `limits.connections`. */
  readonly key: string
  /** Read as whatever the setting takes; commas part the items of an array. */
  readonly value: string
}

/** A setting that is an array, given item by item: commas are theirs. */
export interface ItemsFlag extends Omit<Flag, "value"> {
  readonly value: readonly string[]
}

/** Where settings come from: each source overrules those before it. */
export interface Sources {
  readonly file?: string
  readonly environment?: Environment
  readonly flags?: readonly (Flag | ItemsFlag)[]
  /** Listened at as well, if no other address is encrypted. */
  readonly secureAddress?: string
}

/**
 * Reads and checks all settings.
 *
 * @throws ConfigError with every problem there is, not the first alone
 */
export function loadSettings({ file, environment = {}, flags = [], secureAddress }: Sources): Settings {
  const gathering = new Gathering()
  if (file !== undefined) gathering.takeFile(file)
  gathering.takeEnvironment(environment)
  for (const { key, value, flag } of flags) {
    if (typeof value === "string") gathering.takeText(key, value, flag)
    else gathering.takeItems(key, value, flag)
  }
  return gathering.settings(environment, secureAddress)
}

/** `--set limits.connections=5` */
export function parseAssignment(text: string): Flag {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined) {
    throw new ConfigError([`--set: ${JSON.stringify(text)} is no setting; write SECTION.KEY=VALUE`])
  }
  return { flag: "--set", key: key.trim(), value: value.trim() }
}
