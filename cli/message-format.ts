import type { Publish } from "../src/protocol/packet.ts"
import type { Properties } from "../src/protocol/properties.ts"
import type { ByteOutput } from "./byte-output.ts"
import { indentedJson } from "./json-layout.ts"
import type { MannerName } from "./manner.ts"
import { embeddedJson, messageJson } from "./message-json.ts"
import { formatCode, isoTime, isTimeCode } from "./time-format.ts"

/** Where a message is printed: payloads are bytes and stay bytes. */
export type MessageOutput = Pick<ByteOutput, "bytes" | "text">

/**
 * Hot. Prints one message.
 *
 * @throws Unprintable, with part of the message printed
 */
export type MessageFormat = (message: Publish, at: Date, output: MessageOutput) => void

/** The format asks for what this payload does not hold. */
export class Unprintable extends Error {
  override readonly name = "Unprintable"
}

/** It is to be JSON. */
export class NoJson extends Unprintable {
  readonly topic: string

  constructor(topic: string) {
    super(`the payload on topic ${topic} is not valid JSON`)
    this.topic = topic
  }
}

/** How a format is to be taken. */
export interface FormatStyle {
  readonly newline: boolean
  readonly manner?: MannerName
  /** JSON in lines. */
  readonly pretty?: boolean
}

/** The format is wrong; the message says where. */
export class FormatError extends Error {
  override readonly name = "FormatError"
}

/** The payload and nothing else; an empty one prints nothing at all, not even the newline. */
export function payloadFormat(newline: boolean): MessageFormat {
  return ({ payload }, _at, output) => {
    if (payload.length === 0) return
    output.bytes(payload)
    if (newline) output.text("\n")
  }
}

/** The topic, a space and the payload, `(null)` for an empty one, which Mosquitto shows only on a line of its own. */
export function verboseFormat(newline: boolean, manner: MannerName = "bantam"): MessageFormat {
  return ({ topic, payload }, _at, output) => {
    if (payload.length === 0 && !newline && manner === "mosquitto") return
    output.text(topic)
    output.text(" ")
    if (payload.length === 0) output.text("(null)")
    else output.bytes(payload)
    if (newline) output.text("\n")
  }
}

/**
 * A format as mosquitto_sub has it behind -F: `%` and `@` conversions and backslash escapes.
 *
 * @throws FormatError
 */
export function parseFormat(format: string, style: FormatStyle): MessageFormat {
  const pieces: MessageFormat[] = []
  let literal = ""
  let at = 0
  while (at < format.length) {
    const sign = format[at] ?? ""
    if (sign === "\\") {
      literal += escapeOf(format[at + 1] ?? "", at)
      at += 2
    } else if (sign === "@") {
      const code = format[at + 1] ?? ""
      if (code !== "@" && !isTimeCode(code)) throw new FormatError(`unknown time code @${code}`)
      if (code === "@") {
        literal += "@"
      } else {
        pieces.push(literalPiece(literal), (_message, time, output) => output.text(formatCode(code, time)))
        literal = ""
      }
      at += 2
    } else if (sign === "%") {
      const field = parseField(format, at)
      if (field.code === "%") {
        literal += "%"
      } else {
        pieces.push(literalPiece(literal), fieldPiece(field, style))
        literal = ""
      }
      at = field.end
    } else {
      literal += sign
      at += 1
    }
  }
  pieces.push(literalPiece(style.newline ? `${literal}\n` : literal))
  return (message, time, output) => {
    for (const piece of pieces) piece(message, time, output)
  }
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\",
  "0": "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
}

function escapeOf(letter: string, at: number): string {
  const escape = escapes[letter]
  if (escape === undefined) throw new FormatError(`unknown escape \\${letter} at character ${at + 1}`)
  return escape
}

function literalPiece(literal: string): MessageFormat {
  return literal === "" ? () => {} : (_message, _at, output) => output.text(literal)
}

/** `%[-][0][width][.precision][separator]code` */
interface Field {
  readonly code: string
  readonly end: number
  readonly leftAlign: boolean
  readonly zeroPad: boolean
  readonly width: number
  readonly precision: number | undefined
  readonly separator: string
}

const fieldPattern = /%(-?)(0?)(\d*)(?:\.(\d+))?([!"#$&'()*+,\-./:;<=>?@[\\\]^_`{|}~]?)(.)/suy

function parseField(format: string, at: number): Field {
  fieldPattern.lastIndex = at
  const parts = fieldPattern.exec(format)
  const [whole = "", minus, zero, width = "", precision, separator = "", code = ""] = parts ?? []
  if (code !== "%" && !Object.hasOwn(fieldTexts, code) && !Object.hasOwn(byteFields, code)) {
    throw new FormatError(`unknown field ${whole || "%"} at character ${at + 1}`)
  }
  if (separator !== "" && code !== "x" && code !== "X") {
    throw new FormatError(`a separator is for %x and %X only, not for %${code}`)
  }
  if (Number(width) > 10_000 || Number(precision ?? 0) > 10_000) {
    throw new FormatError(`${whole} is wider than 10000 characters`)
  }
  return {
    code,
    end: at + whole.length,
    leftAlign: minus === "-",
    zeroPad: zero === "0",
    width: Number(width),
    precision: precision === undefined ? undefined : Number(precision),
    separator: separator === "" ? " " : separator,
  }
}

function fieldPiece(field: Field, style: FormatStyle): MessageFormat {
  const bytes = byteFields[field.code]
  if (bytes !== undefined) return (message, _at, output) => printBytes(bytes(message), field, output)
  const entry = fieldTexts[field.code]
  if (entry === undefined) return () => {}
  return (message, at, output) =>
    output.text(padded(entry.text(message, field, at, style), field, entry.kind))
}

/** Texts can be cut to the precision; numbers and hexadecimal digits can be filled with zeros; the rest stays. */
type FieldKind = "text" | "number" | "bare"

function padded(text: string, { leftAlign, zeroPad, width, precision }: Field, kind: FieldKind): string {
  const cut = kind === "text" && precision !== undefined ? text.slice(0, precision) : text
  if (cut.length >= width || kind === "bare") return cut
  if (leftAlign) return cut.padEnd(width)
  // What is not there stays blank.
  return cut.padStart(width, zeroPad && kind === "number" && cut !== "" ? "0" : " ")
}

/** Of the fields that are bytes, only the payload has a width. */
function printBytes(bytes: Uint8Array, { code, width, leftAlign }: Field, output: MessageOutput): void {
  const blanks = code === "p" && bytes.length < width ? " ".repeat(width - bytes.length) : ""
  if (!leftAlign) output.text(blanks)
  output.bytes(bytes)
  if (leftAlign) output.text(blanks)
}

const nothing = new Uint8Array(0)

const byteFields: Readonly<Record<string, (message: Publish) => Uint8Array>> = {
  p: ({ payload }) => payload,
  D: ({ properties }) => properties.correlationData ?? nothing,
}

interface FieldText {
  readonly kind: FieldKind
  readonly text: (message: Publish, field: Field, at: Date, style: FormatStyle) => string
}

const property = (name: keyof Properties, kind: FieldKind): FieldText => ({
  kind,
  text: ({ properties }) => {
    const value = (properties as Properties)[name]
    return value === undefined ? "" : String(value)
  },
})

const fieldTexts: Readonly<Record<string, FieldText>> = {
  t: { kind: "text", text: ({ topic }) => topic },
  q: { kind: "bare", text: ({ qos }) => String(qos) },
  r: { kind: "bare", text: ({ retain }) => (retain ? "1" : "0") },
  l: { kind: "number", text: ({ payload }) => String(payload.length) },
  m: { kind: "number", text: ({ packetId }) => String(packetId ?? 0) },
  x: { kind: "number", text: ({ payload }, field) => hexadecimal(payload, field) },
  X: { kind: "number", text: ({ payload }, field) => hexadecimal(payload, field).toUpperCase() },
  f: { kind: "number", text: (message, field) => floatingPoint(message, field, 4) },
  d: { kind: "number", text: (message, field) => floatingPoint(message, field, 8) },
  I: { kind: "text", text: (_message, _field, at) => isoTime(at, false) },
  U: { kind: "bare", text: (_message, _field, at) => `${formatCode("s", at)}.${formatCode("N", at)}` },
  j: { kind: "bare", text: (message, _field, at, style) => json(message, at, undefined, style) },
  J: { kind: "bare", text: (message, _field, at, style) => json(message, at, jsonPayload(message), style) },
  A: property("topicAlias", "number"),
  C: property("contentType", "text"),
  E: property("messageExpiryInterval", "number"),
  F: property("payloadFormatIndicator", "number"),
  R: property("responseTopic", "text"),
  S: property("subscriptionIdentifiers", "number"),
  P: {
    kind: "bare",
    text: ({ properties }) => (properties.userProperties ?? []).map((pair) => pair.join(":")).join(" "),
  },
}

/** The precision is the number of digits between two separators. */
function hexadecimal(payload: Uint8Array, { precision = 0, separator }: Field): string {
  const digits = payload.toHex()
  if (precision === 0) return digits
  const groups: string[] = []
  for (let at = 0; at < digits.length; at += precision) groups.push(digits.slice(at, at + precision))
  return groups.join(separator)
}

/** The payload as a number of this machine's byte order. */
function floatingPoint({ payload, topic }: Publish, { precision = 6 }: Field, length: 4 | 8): string {
  if (payload.length !== length) {
    throw new Unprintable(
      `the payload on topic ${topic} has ${payload.length} bytes, not the ${length} of a number`,
    )
  }
  const bytes = payload.slice().buffer
  const value = length === 4 ? new Float32Array(bytes)[0] : new Float64Array(bytes)[0]
  return (value ?? 0).toFixed(Math.min(precision, 100))
}

function json(
  message: Publish,
  at: Date,
  payload: string | undefined,
  { manner, pretty }: FormatStyle,
): string {
  const text = messageJson(message, at, payload, manner)
  return pretty === true ? indentedJson(text) : text
}

function jsonPayload({ payload, topic }: Publish): string {
  const json = embeddedJson(payload)
  if (json === undefined) throw new NoJson(topic)
  return json
}
