/** A fenced block of a Markdown page. */
export interface Block {
  /** Where its fence opens, counted from 1. */
  readonly line: number
  /** The first word behind the fence; empty when there is none. */
  readonly language: string
  /** What follows it: `skip="no board"` is `skip` with its reason, a bare word has an empty value. */
  readonly marks: ReadonlyMap<string, string>
  /** Without the fences, and without the indentation that they have. */
  readonly text: string
}

/** All fenced blocks of a page, also those in its comments: a reader does not see them, but may have done the like. */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = []
  const lines = page.split("\n")
  for (let at = 0; at < lines.length; at += 1) {
    const [, indentation = "", fence, info = ""] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(lines[at] ?? "") ?? []
    if (fence === undefined) continue
    const from = at + 1
    do at += 1
    while (at < lines.length && !isClosing(lines[at] ?? "", fence))
    const inside = lines
      .slice(from, at)
      .map((line) => line.replace(new RegExp(`^ {0,${indentation.length}}`), ""))
    blocks.push({ line: from, ...parseInfo(info), text: inside.map((line) => `${line}\n`).join("") })
  }
  return blocks
}

function isClosing(line: string, fence: string): boolean {
  const text = line.trim()
  return text.startsWith(fence) && text.replaceAll(fence.charAt(0), "") === ""
}

function parseInfo(info: string): Pick<Block, "language" | "marks"> {
  const [, language = "", rest = ""] = /^\s*([^\s]*)(.*)$/.exec(info) ?? []
  const words = rest.matchAll(/([^\s=]+)(?:=(?:"([^"]*)"|(\S+)))?/g)
  return {
    language,
    marks: new Map([...words].map(([, name = "", quoted, plain]) => [name, quoted ?? plain ?? ""])),
  }
}
