import type { Argument, Command, Option } from "commander"
import { type Note, notesOf } from "./help-notes.ts"

/*
 * The commands as their own help knows them: what the reference in docs/ and the man pages are made of.
 */

/** What is typed, and what it does. */
export interface Term {
  readonly term: string
  readonly meaning: string
}

export interface OptionGroup {
  readonly title: string
  readonly options: readonly Term[]
}

export interface CommandPage {
  /** All words that lead to it: `bantam user add`. */
  readonly name: string
  /** A sentence without its full stop, as in the list of commands. */
  readonly summary: string
  readonly usage: string
  readonly arguments: readonly Term[]
  readonly optionGroups: readonly OptionGroup[]
  readonly commands: readonly CommandPage[]
  /** Examples, exit codes and whatever else stands below the options. */
  readonly notes: readonly Note[]
}

/** @param leading the words in front of its name */
export function commandPageOf(command: Command, leading = ""): CommandPage {
  const helper = command.createHelp()
  const name = `${leading}${command.name()}`
  const inner = helper
    .visibleCommands(command)
    .filter((each) => each.name() !== "help")
    .map((each) => commandPageOf(each, `${name} `))
  const shared = sharedOptions(inner)
  return {
    name,
    summary: command.description(),
    usage: `${name} ${command.usage()}`,
    arguments: command.registeredArguments.flatMap((each) => argumentTerm(each, helper)),
    optionGroups: [
      ...grouped(
        helper.visibleOptions(command).filter(({ long }) => long !== "--help"),
        helper,
      ),
      ...(shared.length === 0 ? [] : [{ title: "Options of each", options: shared }]),
    ],
    commands: shared.length === 0 ? inner : inner.map((each) => without(each, shared)),
    notes: notesOf(textBelowOptions(command)),
  }
}

type Help = ReturnType<Command["createHelp"]>

function argumentTerm(argument: Argument, helper: Help): readonly Term[] {
  const meaning = helper.argumentDescription(argument)
  return meaning === "" ? [] : [{ term: helper.argumentTerm(argument), meaning }]
}

function grouped(options: readonly Option[], helper: Help): readonly OptionGroup[] {
  const groups = new Map<string, Term[]>()
  for (const option of options) {
    const title = (option.helpGroupHeading ?? "Options").replace(/:$/, "")
    const terms = groups.get(title) ?? []
    terms.push({ term: helper.optionTerm(option), meaning: helper.optionDescription(option) })
    groups.set(title, terms)
  }
  return [...groups].map(([title, terms]) => ({ title, options: terms }))
}

/** The options that all of several commands have: told once. */
function sharedOptions([first, ...others]: readonly CommandPage[]): readonly Term[] {
  if (first === undefined || others.length === 0) return []
  return optionsOf(first).filter((option) =>
    others.every((other) => optionsOf(other).some((each) => Bun.deepEquals(each, option))),
  )
}

function optionsOf({ optionGroups }: CommandPage): readonly Term[] {
  return optionGroups.flatMap(({ options }) => options)
}

function without(page: CommandPage, shared: readonly Term[]): CommandPage {
  const groups = page.optionGroups.map(({ title, options }) => {
    return {
      title,
      options: options.filter((option) => !shared.some((each) => Bun.deepEquals(each, option))),
    }
  })
  return { ...page, optionGroups: groups.filter(({ options }) => options.length > 0) }
}

/** Commander prints it and does not tell it otherwise. What stands below all commands of a command is that one's. */
function textBelowOptions(command: Command): string {
  let help = ""
  command.configureOutput({
    writeOut: (text) => {
      help += text
    },
  })
  command.outputHelp()
  const text = help.slice(help.indexOf(command.helpInformation()) + command.helpInformation().length)
  const above = command.parent === null ? "" : textBelowOptions(command.parent)
  return text.endsWith(above) ? text.slice(0, text.length - above.length) : text
}
