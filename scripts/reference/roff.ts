/*
 * Text as a man page needs it. https://man7.org/linux/man-pages/man7/groff_man.7.html
 */

/** What can be typed must come out as it is: these are typographic signs in roff unless they are named. */
const signs: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
}

/** Any text, on one line or several; safe as an argument of a macro and at the beginning of a line. */
export function roff(text: string): string {
  return withoutMacros(spelled(text))
}

function spelled(text: string): string {
  return text
    .replace(/[\\'`^~"-]/g, (sign) => signs[sign] ?? sign)
    .replace(/[^\0-\u007f]/gu, (letter) => `\\[u${hexadecimal(letter)}]`)
}

/** A full stop at the beginning of a line would make it a macro. */
function withoutMacros(text: string): string {
  return text.replace(/^\./gm, "\\&.")
}

function hexadecimal(letter: string): string {
  return (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")
}

export function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`
}

/** A sentence in which what stands between backticks is bold. */
export function prose(text: string): string {
  const parts = text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? bold(part) : spelled(part)))
  return withoutMacros(parts.join(""))
}

/** Options and names bold, what stands for something else slanted: `-q, --qos <level>`. */
export function term(text: string): string {
  return text
    .split(/(<[^>]+>|\[[^\]]+\])/)
    .map((part) => {
      if (part === "") return ""
      const [, open, name, close] = /^([<[])(.*)([>\]])$/.exec(part) ?? []
      if (name === undefined) return bold(part)
      return open === "<"
        ? `\\fI${roff(name)}\\fR`
        : `${roff(open ?? "")}\\fI${roff(name)}\\fR${roff(close ?? "")}`
    })
    .join("")
}

export function heading(title: string): string {
  return `.SH ${roff(title.toUpperCase())}`
}

export function subheading(title: string): string {
  return `.SS "${roff(title)}"`
}

export function paragraph(text: string): string {
  return `.PP\n${prose(text)}`
}

export function verbatim(text: string): string {
  return `.PP\n.RS 4\n.nf\n${roff(text)}\n.fi\n.RE`
}

/** A name, and below it what it means. */
export function tagged(name: string, meaning: string): string {
  return `.TP\n${name}\n${prose(meaning)}`
}
