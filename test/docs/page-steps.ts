import { type Block, blocksOf } from "./page-blocks.ts"

/*
 * What a page asks of its reader, block by block. The marks behind a fence say so:
 *
 *   sh                    is typed into the first terminal
 *   sh exit=27            and ends with that exit code; in a shell of its own, so that what it sets is gone afterwards
 *   sh terminal           runs on in another terminal; the next block begins when there is nothing left for it to do
 *   sh terminal=broker    the same in the terminal of that name; Ctrl-C ends what runs there before
 *   sh needs=mosquitto_pub    only where that program is installed
 *   sh skip="needs a board"   is not run, for that reason
 *   text output           what the block before it printed: `…` stands for anything in a line, alone in a line for any
 *                         lines; any other language will do in place of text
 *   text output=end       the last lines of that
 *   text terminal         what the terminal that was opened last printed since this was last asked; so with its name
 *
 * Any other block is only to be read. A fence in a comment (<!-- -->) counts: for what a reader brings along.
 */

export type Step =
  | { readonly does: "run"; readonly line: number; readonly script: string; readonly exitCode: number }
  | { readonly does: "open-terminal"; readonly line: number; readonly script: string; readonly name: string }
  | { readonly does: "skip"; readonly line: number; readonly why: string }
  | { readonly does: "compare-output"; readonly line: number; readonly expected: string }
  | {
      readonly does: "compare-terminal"
      readonly line: number
      readonly expected: string
      readonly name: string
    }

/** A mark or a language that means nothing here: said rather than passed over. */
export class PageError extends Error {
  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`)
    this.name = "PageError"
  }
}

const marksOfShell = ["exit", "terminal", "needs", "skip"]
const otherNamesOfShell = ["bash", "shell", "console", "zsh", "terminal"]

/**
 * @param isInstalled whether a program can be run here
 * @throws PageError
 */
export function stepsOf(page: string, isInstalled: (program: string) => boolean): readonly Step[] {
  const steps: Step[] = []
  for (const block of blocksOf(page)) {
    const step = stepOf(block, isInstalled)
    if (step === undefined) continue
    const isAboutSkipped = step.does.startsWith("compare") && steps.at(-1)?.does === "skip"
    if (!isAboutSkipped) steps.push(step)
  }
  return steps
}

function stepOf(block: Block, isInstalled: (program: string) => boolean): Step | undefined {
  const { line, language, marks, text } = block
  if (otherNamesOfShell.includes(language)) throw new PageError(line, `write sh instead of ${language}`)
  if (language === "sh") return shellStepOf(block, isInstalled)
  const part = marks.get("output")
  if (part !== undefined)
    return { does: "compare-output", line, expected: part === "end" ? `…\n${text}` : text }
  const name = marks.get("terminal")
  if (name !== undefined) return { does: "compare-terminal", line, expected: text, name }
  return undefined
}

function shellStepOf({ line, marks, text }: Block, isInstalled: (program: string) => boolean): Step {
  for (const mark of marks.keys()) {
    if (!marksOfShell.includes(mark)) {
      throw new PageError(line, `${mark} is none of ${marksOfShell.join(", ")}`)
    }
  }
  const why = marks.get("skip")
  if (why === "") throw new PageError(line, 'skip needs a reason: skip="needs Docker"')
  if (why !== undefined) return { does: "skip", line, why }
  const program = marks.get("needs")
  if (program !== undefined && !isInstalled(program)) {
    return { does: "skip", line, why: `${program} is not installed` }
  }
  const name = marks.get("terminal")
  if (name !== undefined) return { does: "open-terminal", line, script: text, name }
  const exitCode = Number(marks.get("exit") ?? 0)
  if (!Number.isInteger(exitCode)) throw new PageError(line, "exit is a whole number")
  return { does: "run", line, script: text, exitCode }
}
