import type { Command, Option } from "commander"
import { readConnections } from "./saved/connection-file.ts"

/**
 * What the last of the words may become: names of commands, options, or values of an option.
 *
 * @param words behind the program's name; the last one is still being typed, and may be empty
 * @returns nothing where only a file or a word of the user's own can stand
 */
export function completionsOf(program: Command, words: readonly string[]): readonly string[] {
  const typed = words.at(-1) ?? ""
  let command = program
  let awaitsValue: Option | undefined
  let argumentsBefore = 0
  for (const word of words.slice(0, -1)) {
    if (word === "--") return []
    if (awaitsValue !== undefined) {
      awaitsValue = undefined
    } else if (word.startsWith("-")) {
      awaitsValue = valueOption(command, word)
    } else {
      const inner = argumentsBefore > 0 ? undefined : command.commands.find((each) => each.name() === word)
      if (inner === undefined) argumentsBefore += 1
      else command = inner
    }
  }
  const all = awaitsValue === undefined ? wordsOf(command, typed, argumentsBefore) : choicesOf(awaitsValue)
  return all.filter((each) => each.startsWith(typed)).toSorted()
}

function valueOption(command: Command, word: string): Option | undefined {
  const option = command.options.find(({ long, short }) => long === word || short === word)
  return option?.required === true ? option : undefined
}

function choicesOf({ argChoices, long }: Option): readonly string[] {
  return long === "--to" ? savedNames() : (argChoices ?? [])
}

/** Nobody wants to be told of a broken file while typing. */
function savedNames(): readonly string[] {
  try {
    return [...readConnections().keys()]
  } catch {
    return []
  }
}

function wordsOf(command: Command, typed: string, argumentsBefore: number): readonly string[] {
  if (typed.startsWith("-")) return [...optionsOf(command), "--help"]
  const choices = command.registeredArguments[argumentsBefore]?.argChoices
  if (choices !== undefined || argumentsBefore > 0) return choices ?? []
  const commands = command.createHelp().visibleCommands(command)
  return commands.map((each) => each.name())
}

function optionsOf(command: Command): readonly string[] {
  const options = command.createHelp().visibleOptions(command)
  return [...new Set(options.flatMap(({ long, short }) => long ?? short ?? []))].filter(
    (each) => each !== "--help",
  )
}
