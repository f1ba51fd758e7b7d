import { chunksOf, fileName } from "./file-chunks.ts"
import { linesOf } from "./lines.ts"
import { isObject, type JsonObject } from "./message-object.ts"
import { textOf } from "./text-of.ts"

declare global {
  /** What the runtime has, and its types do not. */
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, place: { readonly source: string }) => unknown,
    ): unknown
    rawJSON(text: string): unknown
  }
}

/** A line of a file of JSON, and where it stands: FILE:3. */
export interface ObjectLine {
  readonly place: string
  /** Or what is wrong with the line. */
  readonly object: JsonObject | string
  readonly text: string
}

/**
 * The lines of a file that hold something.
 *
 * @param file `-` for standard input
 * @throws CommandError the file cannot be read
 */
export async function* objectLinesOf(file: string): AsyncGenerator<ObjectLine> {
  let number = 0
  for await (const line of linesOf(chunksOf(file))) {
    number += 1
    const place = `${fileName(file)}:${number}`
    const text = textOf(line)?.replace(/^\ufeff/, "")
    if (text === undefined) yield { place, object: "is no UTF-8 text", text: "" }
    else if (text.trim() !== "") yield { place, object: objectIn(text), text }
  }
}

function objectIn(text: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : "must be an object in braces"
  } catch (error) {
    return `is no JSON (${error instanceof Error ? error.message : String(error)})`
  }
}

/** The object in a line, to be written again: its numbers stay as they were written, however many digits they have. */
export function asWritten({ text }: ObjectLine): JsonObject {
  const value: unknown = JSON.parse(text, (_key, inner, { source }) => {
    return typeof inner === "number" ? JSON.rawJSON(source) : inner
  })
  return isObject(value) ? value : {}
}
