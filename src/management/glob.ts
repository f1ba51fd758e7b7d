/**
 * Whether a text fits a pattern in which `*` stands for any characters and `?` for one. Takes no longer than the one is
 * long times the other.
 */
export function globMatches(pattern: string, text: string): boolean {
  let at = 0
  let index = 0
  let star = -1
  let behindStar = 0
  while (index < text.length) {
    const sign = pattern[at]
    if (sign === "*") {
      star = at
      at += 1
      behindStar = index
    } else if (sign === "?" || (sign !== undefined && sign === text[index])) {
      at += 1
      index += 1
    } else if (star >= 0) {
      // The last star takes one character more.
      behindStar += 1
      index = behindStar
      at = star + 1
    } else {
      return false
    }
  }
  while (pattern[at] === "*") at += 1
  return at === pattern.length
}
