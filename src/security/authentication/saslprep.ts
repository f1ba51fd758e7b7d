/*
 * SASLprep [RFC 4013], by which a name or password that can be typed in several ways becomes the same text everywhere.
 * The tables are those of stringprep [RFC 3454] as far as they are short. Two are the language's own, and so newer
 * than Unicode 3.2: what is not assigned, and what is a letter.
 */

/** Tables B.1: what nobody sees is nothing. */
const nothing = /[\u00ad\u1806\u200b-\u200d\u2060\ufeff]|\p{Variation_Selector}|\u034f/gu

/** Table C.1.2. */
const spaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu

/**
 * Tables C.2.1 to C.9: controls, private use, no characters at all, halves of characters, replacements, descriptions
 * of ideographs, changes of direction, tags. Table A.1: not assigned.
 */
const prohibited =
  /[\p{Cc}\p{Co}\p{Cs}\p{Cn}\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u206a-\u206f\ufff9-\ufffd\u{1d173}-\u{1d17a}\u2ff0-\u2ffb\u200e\u200f\u202a-\u202e\u{e0001}\u{e0020}-\u{e007f}]/u

/** Table D.1: what is written from right to left. */
const rightToLeft =
  /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06dd\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\u200f\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40\ufb41\ufb43\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]/u

/** In place of table D.2, which is long: any other letter. */
const letter = /\p{L}/u

/** @returns the text as it is compared and hashed; undefined for one that nobody may have */
export function saslprep(text: string): string | undefined {
  const prepared = text.replace(nothing, "").replace(spaces, " ").normalize("NFKC")
  if (prepared === "" || prohibited.test(prepared)) return undefined
  return isOfOneDirection(prepared) ? prepared : undefined
}

/** From right to left it goes from its first character to its last, and no letter goes the other way [RFC 3454, 6]. */
function isOfOneDirection(text: string): boolean {
  if (!rightToLeft.test(text)) return true
  const characters = [...text]
  const isRightToLeft = (character: string | undefined): boolean =>
    character !== undefined && rightToLeft.test(character)
  if (!isRightToLeft(characters[0]) || !isRightToLeft(characters.at(-1))) return false
  return characters.every((character) => rightToLeft.test(character) || !letter.test(character))
}
