import { grouped } from "./kinds.ts"
import { allSettings, type Setting, sections } from "./schema.ts"

/**
 * A bantam.toml with every setting, its description and default, all of them commented out: prose after `# `,
 * settings right after `#`. Taking that one sign away changes nothing until a value is edited.
 */
export function sampleConfig(): string {
  const paragraphs = [
    prose(
      "Settings of the Bantam MQTT broker: bantam serve --config bantam.toml\n" +
        "Environment variables overrule this file (limits.connections is BANTAM_LIMITS_CONNECTIONS), flags overrule\n" +
        "both (--set limits.connections=5). What is commented out below is the default.",
    ),
    ...settingsIn("").map(paragraph),
  ]
  for (const [name, section] of Object.entries(sections)) {
    paragraphs.push(`${prose(section.about)}\n[${name}]`, ...settingsIn(`${name}.`).map(paragraph))
  }
  return `${paragraphs.join("\n\n")}\n`
}

function settingsIn(prefix: string): Setting[] {
  return [...allSettings.values()].filter(
    ({ key }) => key.startsWith(prefix) && key.includes(".") === (prefix !== ""),
  )
}

function paragraph({ key, description, expectation, fallback, example }: Setting): string {
  const name = key.slice(key.indexOf(".") + 1)
  if (fallback === undefined)
    return `${prose(description)}\n# Unset; for example ${name} = ${sampleValue(example)}`
  return `${prose(description + bounds(expectation))}\n#${name} = ${sampleValue(fallback)}`
}

/** What else must be known to change a value; a switch or a list of texts explains itself. */
function bounds(expectation: string): string {
  if (expectation.startsWith("a whole number ")) return `\n${expectation.replace("a whole number f", "F")}.`
  return expectation.startsWith("one of ") ? `\n${expectation.replace("o", "O")}.` : ""
}

function prose(text: string): string {
  return text.replace(/^/gm, "# ")
}

/** A default as it is written in the file. JSON's texts, switches and flat arrays are TOML's as well; numbers get TOML's underscores. */
export function sampleValue(value: unknown): string {
  if (typeof value === "number") return grouped(value)
  return Array.isArray(value) ? `[${value.map(sampleValue).join(", ")}]` : JSON.stringify(value)
}
