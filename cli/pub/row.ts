import type { PublishRequest } from "../../src/client/sender.ts"
import { CommandError } from "../output.ts"
import { shown } from "../shown.ts"
import { textOf } from "../text-of.ts"
import type { Fields } from "./template.ts"

/** What a source has for one message. */
export interface Row {
  /** Where it stands, such as FILE:3, where there is such a place. */
  readonly place: string | undefined
  /** What a template may name. */
  readonly fields: Fields
  /** What it says itself of the message. */
  readonly own: Partial<PublishRequest>
}

const plain: Row = { place: undefined, fields: { names: [], text: () => undefined }, own: {} }

/**
 * The same again and again.
 *
 * @param times Infinity for ever
 * @param delayMs from one to the next
 */
export async function* repeatedRows(times: number, delayMs: number): AsyncGenerator<Row> {
  for (let count = 0; count < times; count++) {
    if (count > 0 && delayMs > 0) await Bun.sleep(delayMs)
    yield plain
  }
}

/** What a template may name of a line. */
export const lineNames: readonly string[] = ["line"]

/** Each line is a payload, and the field `line`. */
export async function* lineRows(lines: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  for await (const line of lines) {
    const text = (name: string) => (name === "line" ? textIn(line) : undefined)
    yield { place: undefined, fields: { names: lineNames, text }, own: { payload: line } }
  }
}

/** @throws CommandError */
function textIn(line: Uint8Array): string {
  const text = textOf(line)
  if (text !== undefined) return text
  throw new CommandError(`standard input: ${shown(line)} is no UTF-8 text, so it fills no template`)
}
