/*
 * How two topic filters stand to each other. A level with a placeholder of an access rule in it may become any word, so
 * it meets whatever may be there, and covers itself alone.
 */

const placeholder = "${"

/** Whether some topic may match both. */
export function filtersMeet(one: string, other: string): boolean {
  return walk(one.split("/"), other.split("/"), (a, b) => a === b || isOpen(a) || isOpen(b)) !== undefined
}

/** Whether each topic that the second matches is matched by the first. */
export function filterCovers(wide: string, narrow: string): boolean {
  if (hidesFrom(wide, narrow)) return false
  const levels = wide.split("/")
  const below = narrow.split("/")
  for (const [depth, level] of levels.entries()) {
    if (level === "#") return true
    const met = below[depth]
    if (met === undefined || met === "#") return false
    if (level !== "+" && level !== met) return false
  }
  // `a/#` matches `a` as well, which `a/+` does not [4.7.1.2].
  return levels.length === below.length
}

/** The filter of the topics that both match; undefined where that is none, or cannot be written as one. */
export function commonFilter(one: string, other: string): string | undefined {
  const levels = walk(one.split("/"), other.split("/"), (a, b) => a === b || a === "+" || b === "+")
  return levels?.join("/")
}

/** @returns the levels of what both match */
function walk(
  one: readonly string[],
  other: readonly string[],
  fits: (a: string, b: string) => boolean,
): readonly string[] | undefined {
  if (hidesFrom(one[0] ?? "", other[0] ?? "") || hidesFrom(other[0] ?? "", one[0] ?? "")) return undefined
  const levels: string[] = []
  for (let depth = 0; ; depth++) {
    const a = one[depth]
    const b = other[depth]
    if (a === "#") return [...levels, ...(b === undefined ? [] : other.slice(depth))]
    if (b === "#") return [...levels, ...(a === undefined ? [] : one.slice(depth))]
    if (a === undefined || b === undefined) return a === b ? levels : undefined
    if (!fits(a, b)) return undefined
    levels.push(a === "+" ? b : a)
  }
}

function isOpen(level: string): boolean {
  return level === "+" || level.includes(placeholder)
}

/** A wildcard at the first level never reaches what begins with `$` [MQTT-4.7.2-1]. */
function hidesFrom(filter: string, other: string): boolean {
  return /^[+#]/.test(filter) && other.startsWith("$") && !other.startsWith(placeholder)
}
