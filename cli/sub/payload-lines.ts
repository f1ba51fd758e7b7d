import type { Paint } from "../output.ts"
import { beginningOf } from "../text-of.ts"
import { hexLines } from "./hex-lines.ts"
import { inlineJson, jsonLines } from "./json-lines.ts"
import { type JsonNode, parseJsonTree } from "./json-tree.ts"
import { type Line, textLines } from "./text-lines.ts"

/** What a payload is to a person. */
export type ReadPayload =
  | { readonly kind: "empty" }
  | { readonly kind: "json"; readonly source: string; readonly node: JsonNode }
  | { readonly kind: "text"; readonly source: string }
  | { readonly kind: "bytes" }

/** Of longer payloads the beginning alone is looked at: it is shown as text, JSON or not. */
const longestReadBytes = 1024 * 1024

/** @param whole looks at all of it, however long */
export function readPayload(payload: Uint8Array, whole: boolean): ReadPayload {
  if (payload.length === 0) return { kind: "empty" }
  const source = beginningOf(payload, whole ? payload.length : longestReadBytes)
  if (source === undefined || isBinary(source)) return { kind: "bytes" }
  const node = /^[ \t\r\n]*[{["\-\dtfn]/.test(source) ? parseJsonTree(source) : undefined
  return node === undefined ? { kind: "text", source } : { kind: "json", source, node }
}

/** Control characters of a text: tab, newlines, and the escape of those that are coloured. */
const usual = new Set(["\t", "\n", "\r", "\u001b"])

/** Well-formed UTF-8 may still be no text: a NUL is in none, and few control characters are. */
function isBinary(source: string): boolean {
  if (source.includes("\0")) return true
  const beginning = source.slice(0, 1024)
  const controls = [...beginning].filter((character) => /\p{Cc}/u.test(character) && !usual.has(character))
  return controls.length * 4 > beginning.length
}

/** The payload in one line of so many columns at most. @returns undefined when it takes more */
export function payloadInline(read: ReadPayload, columns: number, paint: Paint): string | undefined {
  switch (read.kind) {
    case "empty":
      return columns < "(empty)".length ? undefined : paint.dim("(empty)")
    case "json":
      return read.node.width <= columns ? inlineJson(read.node, paint) : undefined
    case "text": {
      const [first, second] = textLines(read.source, columns, paint).take(2)
      return first !== undefined && second === undefined ? first.text : undefined
    }
    case "bytes":
      return undefined
  }
}

/**
 * The payload in lines. Of more than `most` the last says how much is hidden.
 *
 * @param payload what `read` was made of
 */
export function payloadLines(
  payload: Uint8Array,
  read: ReadPayload,
  columns: number,
  most: number,
  paint: Paint,
): readonly string[] {
  switch (read.kind) {
    case "empty":
      return [paint.dim("(empty)")]
    case "json":
      return folded(jsonLines(read.node, columns, paint), most, paint, bytesBehind(payload, read.source))
    case "text":
      return folded(textLines(read.source, columns, paint), most, paint, bytesBehind(payload, read.source))
    case "bytes":
      return folded(hexLines(payload, columns, paint), most, paint, (end) => payload.length - end)
  }
}

function bytesBehind(payload: Uint8Array, source: string): (end: number) => number {
  return (end) => payload.length - Buffer.byteLength(source.slice(0, end))
}

function folded(
  lines: Iterable<Line>,
  most: number,
  paint: Paint,
  bytesBehind: (end: number) => number,
): readonly string[] {
  const shown: Line[] = []
  for (const line of lines) {
    shown.push(line)
    if (shown.length <= most) continue
    const kept = shown.slice(0, most - 1)
    const hidden = bytesBehind(kept.at(-1)?.end ?? 0).toLocaleString("en-US")
    return [...kept.map(({ text }) => text), paint.dim(`… ${hidden} bytes more (--full)`)]
  }
  return shown.map(({ text }) => text)
}
