import { code, fenced, plain } from "./markdown.ts"
import { type SettingEntry, type SettingsSection, settingsSections, valueText } from "./settings-page.ts"

const beginning = `# Configuration

<!-- Made from the schema of the settings by \`npm run docs:reference\`. -->

Nothing has to be set. What is set may stand in a file in TOML, in the environment and on the command line, each of which
overrules those before it:

\`\`\`sh
bantam config print > bantam.toml      # every setting with its meaning, bounds and default, all of them commented out
bantam config check bantam.toml
\`\`\`

\`\`\`text output
bantam.toml is valid
\`\`\`

\`\`\`sh terminal
BANTAM_LIMITS_CONNECTIONS=500 bantam serve --config bantam.toml --set log.level=debug
\`\`\`

A key that is unknown, or a value that does not fit, keeps the broker from starting, with a line for each that says what would do.
In the environment and behind \`--set\`, commas part the items of a list. \`BANTAM_DATA\` and \`--data\` are short for
\`storage.directory\`, and \`bantam serve --help\` names more short forms. The file is read only where \`--config\` names it.

At SIGHUP (\`systemctl reload bantam\`) the broker reads the settings again. What is marked so below changes at once; of the rest,
the log names the sections that differ and wait for the next start. Files of certificates and keys are read again as well,
those of certificates without being asked, within five seconds.`

/** docs/configuration.md, not yet formatted. */
export function settingsMarkdown(): string {
  const list = settingsSections.map(({ name, about }) => {
    const [first = ""] = about.split(/[.;](?: |$)/)
    return name === ""
      ? "- [`listen`](#listen): where to listen."
      : `- [\`[${name}]\`](#${name}): ${plain(first)}`
  })
  const page = [beginning, list.join("\n"), ...settingsSections.flatMap(sectionOf), ""].join("\n\n")
  return page.replace(/docs\/([\w-]+\.md)/g, "[$1]($1)")
}

function sectionOf({ name, about, settings }: SettingsSection): readonly string[] {
  if (name === "") return settings.flatMap((setting) => entryOf(setting, "##"))
  return [`## \`[${name}]\``, plain(about), ...settings.flatMap((setting) => entryOf(setting, "###"))]
}

function entryOf(setting: SettingEntry, level: string): readonly string[] {
  const { key, name, description, environment } = setting
  return [
    `${level} \`${key}\``,
    ...description.map(({ is, text }) =>
      is === "verbatim" ? fenced(`${name} = [${text}]`, "toml part") : plain(text),
    ),
    `- ${plain(valueText(setting, code))}\n- \`${environment}\``,
  ]
}
