import { tomlValue } from "../config/toml.ts"

/** What a setting may hold. */
export type SettingValue = string | number | boolean | readonly (string | SettingTable)[]
export type SettingTable = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** A setting of Bantam's, and the line of Mosquitto's that it comes from. */
export interface PlannedSetting {
  /** Such as `limits.connections`; without a dot it stands in front of all sections. */
  readonly key: string
  readonly value: SettingValue
  /** Said in a comment: `mosquitto.conf:12 listener 1883`. */
  readonly from: string
}

/** A bantam.toml with these settings. */
export function tomlOf(settings: readonly PlannedSetting[], origin: string): string {
  const sections = new Map<string, PlannedSetting[]>()
  // What has no section must stand first.
  for (const setting of settings.toSorted((one, other) => sectionOf(one).localeCompare(sectionOf(other)))) {
    const section = sectionOf(setting)
    const known = sections.get(section)
    if (known === undefined) sections.set(section, [setting])
    else known.push(setting)
  }
  const paragraphs = [`# Made by \`bantam import mosquitto\` from ${origin}.\n`]
  for (const [section, own] of sections) {
    const lines = own.map(({ key, value, from }) => {
      return `# ${oneLine(from)}\n${key.slice(key.indexOf(".") + 1)} = ${valueText(value)}\n`
    })
    paragraphs.push((section === "" ? "" : `[${section}]\n`) + lines.join(""))
  }
  return paragraphs.join("\n")
}

function sectionOf({ key }: PlannedSetting): string {
  return key.includes(".") ? key.slice(0, key.indexOf(".")) : ""
}

function valueText(value: SettingValue): string {
  if (typeof value !== "object") return tomlValue(value)
  const items = value.map((item) => (typeof item === "string" ? tomlValue(item) : tableText(item)))
  return items.length < 2 ? `[${items.join("")}]` : `[\n${items.map((item) => `  ${item},\n`).join("")}]`
}

function tableText(table: SettingTable): string {
  const entries = Object.entries(table).map(([key, value]) => {
    return `${key} = ${typeof value === "object" ? `[${value.map(tomlValue).join(", ")}]` : tomlValue(value)}`
  })
  return `{ ${entries.join(", ")} }`
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ")
}
