/** ok: as it should be. warn: it works, and may not always. fail: it does not work, or cannot be looked at. */
export type Verdict = "ok" | "warn" | "fail"

/** One thing that the doctor looked at. */
export interface Finding {
  /** Which part it is of, in a word or two. */
  readonly check: string
  readonly verdict: Verdict
  readonly what: string
  /** What to do about it; what is ok needs none. */
  readonly remedy?: string
}

/**
 * Looks at one part. That it cannot be looked at is a finding as well.
 *
 * @param look may throw what names itself in one line: what is wrong, then a remedy behind the first semicolon or colon
 */
export async function examined(
  check: string,
  look: () => readonly Omit<Finding, "check">[] | Promise<readonly Omit<Finding, "check">[]>,
): Promise<readonly Finding[]> {
  try {
    return (await look()).map((finding) => ({ check, ...finding }))
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const [what, remedy] = splitSentence(sentenceOf(error))
    return [{ check, verdict: "fail", what, remedy }]
  }
}

/** Messages of ours say what is wrong, and the remedy behind the last semicolon, or behind a colon. */
function splitSentence(sentence: string): readonly [string, string] {
  const at = [sentence.lastIndexOf("; "), sentence.lastIndexOf(": ")].find((place) => place !== -1)
  if (at === undefined) return [sentence, "see what it says, and try again"]
  return [sentence.slice(0, at), sentence.slice(at + 2)]
}

function sentenceOf(error: Error): string {
  if (!("path" in error) || !("syscall" in error)) return error.message
  const [, reason = error.message] = /^\w+: ([^,]+)/.exec(error.message) ?? []
  return `${String(error.path)}: cannot ${String(error.syscall)} (${reason}); check the path, or run this as its owner`
}
