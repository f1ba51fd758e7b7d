import { isObject, type JsonObject, messageIn } from "../message-object.ts"
import { asWritten, objectLinesOf } from "../object-lines.ts"
import { CommandError, shellWord } from "../output.ts"
import { recordingFormat } from "../recording/format.ts"
import type { Row } from "./row.ts"

/**
 * Each line is an object: a message, by what `message-object.ts` reads of it, and the fields of a template.
 *
 * @param file `-` for standard input
 * @throws CommandError
 */
export async function* jsonlRows(file: string): AsyncGenerator<Row> {
  for await (const line of objectLinesOf(file)) {
    const { place, object } = line
    if (typeof object === "string") throw new CommandError(`${place}: ${object}`)
    if (object["format"] === recordingFormat) {
      throw new CommandError(`${place}: this is a recording; play it with bantam replay ${shellWord(file)}`)
    }
    const fieldText = (name: string) => {
      const value = valueAt(object, name)
      return value === undefined || typeof value === "string"
        ? value
        : JSON.stringify(valueAt(asWritten(line), name))
    }
    const own = messageIn(object, place, () => asWritten(line))
    yield { place, fields: { names: Object.keys(object), text: fieldText }, own }
  }
}

/** Of a key, or of keys joined by points that lead further in. */
function valueAt(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined
  if (Object.hasOwn(value, name)) return value[name]
  const [first = "", ...others] = name.split(".")
  return others.length === 0 ? undefined : valueAt(ownValue(value, first), others.join("."))
}

function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}
