import { environmentName } from "../../src/config/gathering.ts"
import { sampleValue } from "../../src/config/sample.ts"
import { allSettings, reloadedSections, sections, type Setting } from "../../src/config/schema.ts"
import { type Note, notesOf } from "./help-notes.ts"
import { capital } from "./markdown.ts"

/*
 * The settings as the schema holds them: what the reference in docs/ and bantam.toml(5) are made of.
 */

export interface SettingsSection {
  /** Empty for what stands in front of the first section. */
  readonly name: string
  readonly about: string
  readonly settings: readonly SettingEntry[]
}

export interface SettingEntry {
  /** With its section: `limits.connections`. */
  readonly key: string
  /** Within its section. */
  readonly name: string
  /** Lines of TOML in it are verbatim. */
  readonly description: readonly Note[]
  /** Completes "it must be …"; undefined where any text will do. */
  readonly expectation: string | undefined
  /** As TOML; undefined when it is unset. */
  readonly fallback: string | undefined
  /** As TOML; of a setting without default. */
  readonly example: string | undefined
  readonly environment: string
  /** Whether SIGHUP takes it over. */
  readonly isReloaded: boolean
}

/** All of them, in the order of the sample file. */
export const settingsSections: readonly SettingsSection[] = [
  { name: "", about: "In front of the first section of the file.", settings: entriesOf("") },
  ...Object.entries(sections).map(([name, { about }]) => ({
    name,
    about: about.replaceAll("\n", " "),
    settings: entriesOf(name),
  })),
]

/** What may stand there, and what does unless it is set: sentences. */
export function valueText(
  { expectation, fallback, example, isReloaded }: SettingEntry,
  code: (toml: string) => string,
): string {
  return [
    ...(expectation === undefined ? [] : [`${capital(expectation)}.`]),
    fallback === undefined ? `Unset; for example ${code(example ?? "")}.` : `Default: ${code(fallback)}.`,
    ...(isReloaded ? ["Changes at a reload."] : []),
  ].join(" ")
}

function entriesOf(section: string): readonly SettingEntry[] {
  return [...allSettings.values()]
    .filter(({ key }) => sectionOf(key) === section)
    .map((setting) => entryOf(setting))
}

function sectionOf(key: string): string {
  return key.includes(".") ? key.slice(0, key.indexOf(".")) : ""
}

function entryOf({ key, description, expectation, fallback, example }: Setting): SettingEntry {
  return {
    key,
    name: key.slice(key.indexOf(".") + 1),
    // Written as the help of commands is, but that its samples are not indented.
    description: notesOf(description.replace(/^\{ /gm, "  { ")),
    expectation: expectation === "a text that is not empty" ? undefined : expectation,
    fallback: fallback === undefined ? undefined : sampleValue(fallback),
    example: fallback === undefined ? sampleValue(example) : undefined,
    environment: environmentName(key),
    isReloaded: reloadedSections.has(sectionOf(key)),
  }
}
