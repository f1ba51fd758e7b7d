/**
 * JSON in lines as Mosquitto's --pretty lays it out: a member of an object a line, indented with tabs, and the
 * elements of an array side by side.
 *
 * @param json valid, and without blanks between its tokens
 */
export function indentedJson(json: string): string {
  const parts: string[] = []
  /** What we are in, from the outside. */
  const open: ("{" | "[")[] = []
  const newline = () => parts.push("\n", "\t".repeat(open.length))
  let last = ""
  const begin = (token: string) => {
    // The first word behind a brace or a comma of an object is the key of a member.
    if (open.at(-1) === "{" && (last === "{" || last === ",") && token !== "}") newline()
  }
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g)) {
    begin(token)
    switch (token) {
      case "{":
        open.push("{")
        parts.push("{")
        break
      case "[":
        open.push("[")
        parts.push("[")
        break
      case "}":
        open.pop()
        newline()
        parts.push("}")
        break
      case "]":
        open.pop()
        parts.push("]")
        break
      case ":":
        parts.push(":\t")
        break
      case ",":
        parts.push(open.at(-1) === "[" ? ", " : ",")
        break
      default:
        parts.push(token)
    }
    last = token
  }
  return parts.join("")
}
