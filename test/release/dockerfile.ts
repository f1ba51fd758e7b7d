import { readFileSync } from "node:fs"

export interface Instruction {
  readonly name: string
  /** The rest, its lines joined. */
  readonly words: string
}

/** The instructions of a Dockerfile: without comments, continued lines joined. */
export function instructionsOf(path: string): readonly Instruction[] {
  const text = readFileSync(path, "utf8")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name = "", words = ""] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? []
      return { name, words: words.trim() }
    })
}

/** The words of each instruction of that name. */
export function wordsOf(instructions: readonly Instruction[], name: string): readonly string[] {
  return instructions.filter((each) => each.name === name).map(({ words }) => words)
}

/** The command in the form that needs no shell, as `CMD ["serve"]` has it. */
export function commandIn(words: string): readonly string[] {
  const command: unknown = JSON.parse(words.slice(words.indexOf("[")))
  if (Array.isArray(command) && command.every((each) => typeof each === "string")) return command
  throw new Error(`${words}: not a list of words`)
}
