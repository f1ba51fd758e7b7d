import type { Call } from "./comparison.ts"
import { json, number, split, text, times, withProperties } from "./comparison-words.ts"

const fields = [
  "%t",
  "%q",
  "%r",
  "%p",
  "%x",
  "%X",
  "%l",
  "%C",
  "%D",
  "%E",
  "%F",
  "%P",
  "%R",
  "%S",
  "%A",
  "%%",
  "@@",
]
const escapes = String.raw`\\|\0|\a|\e|\n|\r|\t|\v`
const format = (layout: string, more: Partial<Call> = {}): Call => ({
  program: "sub",
  words: ["-V", "5", "-t", "T", "-C", "1", "-F", layout],
  retained: [withProperties],
  mask: times,
  ...more,
})

/** What -F makes of a message. */
export const formats: readonly Call[] = [
  ...fields.map((field) => format(`<${field}>`)),
  format(`${fields.join("|")}|`),
  format(`${fields.join("|")}|`, { retained: [number] }),
  format(escapes),
  ...["%10t|", "%-10t|", "%.1t|", "%4.2C|", "%-12.4C|", "%12C|", "%20R|", "%.3R|"].map((layout) =>
    format(layout),
  ),
  ...[
    "%5l|",
    "%-5l|",
    "%05l|",
    "%-05l|",
    "%3m|",
    "%15E|",
    "%015E|",
    "%3F|",
    "%03F|",
    "%3A|",
    "%8p|",
    "%-8p|",
  ].map((layout) => format(layout)),
  ...["%5q|", "%05r|", "%5%|", "%5D|", "%30P|", "%.3p|", "%5S|"].map((layout) => format(layout)),
  format("%3C|%3A|%3E|%3F|%3S|", { retained: [number] }),
  format("%I"),
  format("%30I|%-30I|"),
  format("%.10I|"),
  format("%U", { mask: /\d{10}\.\d{9}/ }),
  format("@Y-@m-@d @a @A @b @B @C @e @j @u @w @y @G @V @Z @z @n@t|"),
  format("@H:@M:@S @N", { mask: /[\d: ]+/ }),
  format("%j", { retained: [number] }),
  format("%j"),
  format("%J", { retained: [json] }),
  format("%j", { retained: [json] }),
  format("%j", { mask: times, retained: [text('héllo "w"\t\\ \u0001 ∞')] }),
  format("%j", { mask: times, words: split("-V 5 -t T -C 1 -F %j --pretty") }),
  format("%J", { mask: times, words: split("-V 5 -t T -C 1 -F %J --pretty"), retained: [json] }),
  format("%j", {
    mask: times,
    words: split("-t T -C 1 -F %j -q 1 -R"),
    retained: [],
    live: [text("one")],
  }),
]
