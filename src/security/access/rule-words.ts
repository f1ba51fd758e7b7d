/** Something wrong with what somebody wrote; completes the sentence "it ...". */
export interface RuleProblem {
  readonly problem: string
}

/** The words of one line. What has spaces or quotes in it stands in double quotes, escaped as in JSON. */
export function splitWords(line: string): readonly string[] | RuleProblem {
  const words: string[] = []
  for (let rest = line.trim(); rest !== ""; rest = rest.trimStart()) {
    const [word = ""] = /^"(?:[^"\\]|\\.)*"(?!\S)|^[^"\s]\S*/.exec(rest) ?? []
    const read = word.startsWith('"') ? unquoted(word) : word
    if (word === "" || read === undefined) return { problem: `has a quote that does not fit at: ${rest}` }
    words.push(read)
    rest = rest.slice(word.length)
  }
  return words
}

/** One line that `splitWords` reads as the same words. */
export function joinWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[^"\s\p{Cc}][^\s\p{Cc}]*$/u.test(word) ? word : JSON.stringify(word)))
    .join(" ")
}

function unquoted(word: string): string | undefined {
  try {
    return String(JSON.parse(word))
  } catch {
    // An escape that JSON has not: the caller says where.
    return undefined
  }
}
