import { version } from "../../package.json"
import { type CommandPage, type OptionGroup, type Term } from "./command-page.ts"
import type { Note } from "./help-notes.ts"
import { capital } from "./markdown.ts"
import { bold, heading, paragraph, roff, subheading, tagged, term, verbatim } from "./roff.ts"
import { type SettingEntry, settingsSections, valueText } from "./settings-page.ts"

/** A man page of the program itself, of each of its commands, and of the settings: by their paths below man/. */
export function manPages(program: CommandPage): ReadonlyMap<string, string> {
  return new Map([
    ["man1/bantam.1", programPage(program)],
    ...program.commands.map((each) => [`man1/${fileName(each)}.1`, commandPage(each)] as const),
    ["man5/bantam.toml.5", settingsPage()],
  ])
}

function fileName({ name }: CommandPage): string {
  return name.replaceAll(" ", "-")
}

function page(name: string, section: number, summary: string, parts: readonly string[]): string {
  const title = `.TH ${roff(name.toUpperCase())} ${section} "" "Bantam ${version}" "Bantam"`
  // Neither spaces nor hyphens that are not there: what is shown can be copied.
  return [title, ".ad l", ".nh", heading("Name"), `${roff(name)} \\- ${roff(summary)}`, ...parts, ""].join(
    "\n",
  )
}

function programPage(program: CommandPage): string {
  return page("bantam", 1, program.summary, [
    heading("Synopsis"),
    `${bold("bantam")} \\fIcommand\\fR [\\fIoption\\fR ...]`,
    heading("Commands"),
    ...program.commands.map((each) => tagged(`${bold(fileName(each))}(1)`, `${capital(each.summary)}.`)),
    ...program.optionGroups.flatMap((group) => optionsOf(group, heading)),
    heading("Examples and more"),
    ...notes(program.notes),
    seeAlso([...program.commands.map((each) => `${fileName(each)}(1)`), "bantam.toml(5)"]),
  ])
}

function commandPage(command: CommandPage): string {
  return page(fileName(command), 1, command.summary, [
    heading("Synopsis"),
    usage(command),
    heading("Description"),
    paragraph(`${capital(command.summary)}.`),
    ...terms(command.arguments),
    ...command.optionGroups.flatMap((group) => optionsOf(group, heading)),
    ...(command.commands.length === 0 ? [] : [heading("Commands")]),
    ...command.commands.flatMap(innerCommand),
    ...(command.notes.length === 0 ? [] : [heading("Examples and more")]),
    ...notes(command.notes),
    seeAlso(["bantam(1)", "bantam.toml(5)"]),
  ])
}

/** A command of a command, and those below it. */
function innerCommand(command: CommandPage): readonly string[] {
  return [
    subheading(command.usage),
    `${roff(capital(command.summary))}.`,
    ...terms(command.arguments),
    ...command.optionGroups.flatMap(({ options }) => terms(options)),
    ...notes(command.notes),
    ...command.commands.flatMap(innerCommand),
  ]
}

function usage({ name, usage: whole }: CommandPage): string {
  return `${bold(name)}${roff(whole.slice(name.length))}`
}

function optionsOf({ title, options }: OptionGroup, head: (title: string) => string): readonly string[] {
  return [head(title), ...terms(options)]
}

function terms(all: readonly Term[]): readonly string[] {
  return all.map((each) => tagged(term(each.term), `${capital(each.meaning)}.`))
}

function notes(all: readonly Note[]): readonly string[] {
  return all.map((note) => {
    switch (note.is) {
      case "prose":
        return paragraph(note.text)
      case "title":
        return `.PP\n${bold(`${note.text}:`)}`
      case "verbatim":
        return verbatim(note.text)
      default:
        return note satisfies never
    }
  })
}

function seeAlso(pages: readonly string[]): string {
  const named = pages.map((each) =>
    each.replace(/^(.*)(\(\d\))$/, (_, name: string, section: string) => `${bold(name)}${section}`),
  )
  return `${heading("See also")}\n${named.join(",\n")}`
}

function settingsPage(): string {
  return page("bantam.toml", 5, "settings of the Bantam MQTT broker", [
    heading("Description"),
    paragraph(
      "A file in TOML that `bantam serve --config` reads. Nothing has to be set; `bantam config print` prints such a file with every " +
        "setting and its default, and `bantam config check` says what is wrong with one. Environment variables overrule the " +
        "file, and options of the command line overrule both.",
    ),
    ...settingsSections.flatMap(({ name, about, settings }) => [
      heading(name === "" ? "Addresses" : `[${name}]`),
      paragraph(about),
      ...settings.map(settingText),
    ]),
    seeAlso(["bantam(1)", "bantam-serve(1)", "bantam-config(1)"]),
  ])
}

function settingText(setting: SettingEntry): string {
  const { name, description, environment } = setting
  const [first, ...rest] = description
  return [
    tagged(bold(name), first?.text ?? ""),
    ...rest.map(({ is, text }) => `.IP\n${is === "verbatim" ? `.nf\n${roff(text)}\n.fi` : roff(text)}`),
    `.IP\n${roff(`${valueText(setting, (toml) => toml)} ${environment}.`)}`,
  ].join("\n")
}
