/** What a setting may hold. */
export type SettingValue = string | number | boolean | readonly (string | SettingTable)[]
export type SettingTable = Readonly<Record<string, string | boolean | readonly string[]>>

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
  if (typeof value !== "object") return itemText(value)
  const items = value.map((item) => (typeof item === "string" ? itemText(item) : tableText(item)))
  return items.length < 2 ? `[${items.join("")}]` : `[\n${items.map((item) => `  ${item},\n`).join("")}]`
}

function tableText(table: SettingTable): string {
  const entries = Object.entries(table).map(([key, value]) => {
    return `${key} = ${typeof value === "object" ? `[${value.map(itemText).join(", ")}]` : itemText(value)}`
  })
  return `{ ${entries.join(", ")} }`
}

/** A basic string of TOML has the escapes of JSON. */
function itemText(value: string | number | boolean): string {
  return typeof value === "string" ? JSON.stringify(value).replaceAll("\x7f", "\\u007f") : String(value)
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ")
}
