/** A piece of what a command's help says below its options. */
export type Note =
  | { readonly is: "prose"; readonly text: string }
  | { readonly is: "title"; readonly text: string }
  /** Lines that keep their form: examples, tables, exit codes. */
  | { readonly is: "verbatim"; readonly text: string }

/**
 * Indented lines keep their form. A line with a colon at its end in front of them is their title. All else is prose, whose
 * lines are put together; one that begins with a word and a colon begins anew.
 */
export function notesOf(help: string): readonly Note[] {
  const notes: Note[] = []
  let gathered: string[] = []
  let isVerbatim = false
  const finish = (isTitle: boolean): void => {
    const lines = gathered
    gathered = []
    if (lines.length === 0) return
    if (isVerbatim) notes.push({ is: "verbatim", text: lines.join("\n").trimEnd() })
    else if (isTitle) notes.push({ is: "title", text: lines.join(" ").slice(0, -1) })
    else notes.push({ is: "prose", text: lines.join(" ") })
  }
  for (const line of help.split("\n")) {
    const isIndented = line.startsWith("  ")
    if (line.trim() === "") {
      // A verbatim block may hold empty lines; whether it goes on is seen in the next one.
      if (isVerbatim) gathered.push("")
      else finish(false)
      continue
    }
    if (isIndented !== isVerbatim) {
      finish(isIndented && /^[A-Z][\w ]{0,30}:$/.test(gathered.join(" ")))
      isVerbatim = isIndented
    } else if (!isIndented && /^[A-Z]\w+: /.test(line)) {
      finish(false)
    }
    gathered.push(isIndented ? line.slice(2) : line.trim())
  }
  finish(false)
  return notes
}
