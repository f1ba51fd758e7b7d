import type { Note } from "./help-notes.ts"
import type { CommandPage, Term } from "./command-page.ts"

/** Text as Markdown, in which only code between backticks means anything. */
export function plain(text: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith("`") && part.length > 1 ? part : part.replace(/[\\<*|`]|(?<!\w)_|_(?!\w)/g, "\\$&"),
    )
    .join("")
}

/** Text as code in a cell of a table. */
export function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``
}

export function fenced(text: string, language = ""): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

/** A first letter as at the beginning of a sentence, if it begins with a word. */
export function capital(text: string): string {
  return text.replace(/^[a-z](?=[a-z]*[ ,;])/, (letter) => letter.toUpperCase())
}

/** docs/commands.md, not yet formatted. */
export function commandsMarkdown(program: CommandPage): string {
  const list = program.commands.map(({ name, summary }) => {
    return `- [${name}](#${name.replaceAll(" ", "-")}): ${plain(summary)}`
  })
  return [
    "# Commands",
    "<!-- Made from the program by `npm run docs:reference`. -->",
    "What `--help` says of each command, on one page. `bantam --help` and `bantam COMMAND --help` say the same where you are;\n" +
      "with the man pages installed, so does `man bantam`. What exit codes mean is told with the commands that have more of\n" +
      "them than 0 and 1.",
    list.join("\n"),
    ...notes(program.notes),
    ...program.commands.flatMap((each) => sectionOf(each, "##")),
    "",
  ].join("\n\n")
}

function sectionOf(page: CommandPage, level: string): readonly string[] {
  return [
    `${level} ${page.name}`,
    `${capital(plain(page.summary))}.`,
    fenced(page.usage),
    ...(page.arguments.length === 0 ? [] : [table("argument", page.arguments)]),
    ...page.optionGroups.map(({ title, options }) => table(title.toLowerCase(), options)),
    ...notes(page.notes),
    ...page.commands.flatMap((each) => sectionOf(each, `${level}#`)),
  ]
}

function table(title: string, terms: readonly Term[]): string {
  const rows = terms.map(({ term, meaning }) => `| ${code(term)} | ${plain(meaning)} |`)
  return [`| ${title} | |`, "| --- | --- |", ...rows].join("\n")
}

function notes(all: readonly Note[]): readonly string[] {
  return all.map((note) => {
    switch (note.is) {
      case "prose":
        return plain(note.text)
      case "title":
        return `${plain(note.text)}:`
      case "verbatim":
        return fenced(note.text)
      default:
        return note satisfies never
    }
  })
}
