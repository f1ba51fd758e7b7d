import type { Publish } from "../../src/protocol/packet.ts"
import { harmless } from "../harmless.ts"
import type { Paint } from "../output.ts"
import { shown } from "../shown.ts"
import { formatCode } from "../time-format.ts"
import { payloadInline, payloadLines, readPayload } from "./payload-lines.ts"
import { textLines } from "./text-lines.ts"

/** How messages are laid out for a person. */
export interface MessageLayout {
  /** Of the terminal. */
  readonly columns: number
  /** The most lines that a payload may take; Infinity shows all of it. */
  readonly payloadLines: number
  readonly paint: Paint
}

/** Between the parts of a line. */
const gap = "  "
/** What stands below the first line of a message is set off from it. */
const indent = "  "

/** Below this the time has no milliseconds: the topic needs the room. */
const roomyColumns = 60

/** A message in lines of no more columns than there are: when, where, what is special about it, and what it says. */
export function messageLines(message: Publish, at: Date, layout: MessageLayout): readonly string[] {
  const { columns, paint, payloadLines: most } = layout
  const { payload } = message
  const head = headOf(message, at, layout)
  const read = readPayload(payload, most === Number.POSITIVE_INFINITY)
  const inline = payloadInline(read, columns - head.columns - gap.length, paint)
  const below = propertyLines(message, layout)
  if (inline !== undefined) return [`${head.text}${gap}${inline}`, ...below]
  const heads = head.columns <= columns ? [head.text] : longHead(message, at, layout)
  const lines = payloadLines(payload, read, Math.max(columns - indent.length, 1), most, paint)
  return [...heads, ...below, ...lines.map((line) => `${indent}${line}`)]
}

function headOf(message: Publish, at: Date, { columns, paint }: MessageLayout) {
  const time = timeText(at, columns)
  const topic = harmless(message.topic)
  const marks = marksText(message)
  const parts = [time, topic, ...(marks === "" ? [] : [marks])]
  const painted = [paint.dim(time), topicPaint(message.topic, paint)(topic), paintMarks(marks, paint)]
  return {
    text: painted.slice(0, parts.length).join(gap),
    columns: Bun.stringWidth(parts.join(gap)),
  }
}

/** For a head that does not fit on a line: first the marks go below the topic, then the topic below the time. */
function longHead(message: Publish, at: Date, { columns, paint }: MessageLayout): readonly string[] {
  const time = timeText(at, columns)
  const topic = harmless(message.topic)
  const colour = topicPaint(message.topic, paint)
  const marks = marksText(message)
  const below = marks === "" ? [] : [`${indent}${paintMarks(marks, paint)}`]
  if (Bun.stringWidth(time + gap + topic) <= columns) {
    return [`${paint.dim(time)}${gap}${colour(topic)}`, ...below]
  }
  const lines = textLines(topic, Math.max(columns - indent.length, 1), paint)
  return [paint.dim(time), ...lines.map(({ text }) => `${indent}${colour(text)}`), ...below]
}

function timeText(at: Date, columns: number): string {
  const seconds = formatCode("T", at)
  return columns < roomyColumns ? seconds : `${seconds}.${formatCode("N", at).slice(0, 3)}`
}

function marksText({ qos, retain, dup }: Publish): string {
  const marks = [
    ...(qos === 0 ? [] : [`QoS ${qos}`]),
    ...(retain ? ["retained"] : []),
    ...(dup ? ["again"] : []),
  ]
  return marks.length === 0 ? "" : `[${marks.join(", ")}]`
}

function paintMarks(marks: string, paint: Paint): string {
  return marks.includes("retained") || marks.includes("again") ? paint.yellow(marks) : paint.dim(marks)
}

/** The same topic has the same colour wherever it comes by, today and tomorrow. */
function topicPaint(topic: string, paint: Paint): (text: string) => string {
  const colours = [
    paint.cyan,
    paint.green,
    paint.magenta,
    paint.blue,
    paint.cyanBright,
    paint.greenBright,
    paint.magentaBright,
    paint.blueBright,
  ]
  const colour = colours[Bun.hash.crc32(topic) % colours.length] ?? paint.cyan
  return (text) => paint.bold(colour(text))
}

/** As many on a line as fit. */
function propertyLines(message: Publish, { columns, paint }: MessageLayout): readonly string[] {
  const room = Math.max(columns - indent.length, 1)
  const lines: string[] = []
  for (const text of propertyTexts(message)) {
    const cut = Bun.sliceAnsi(text, 0, room, "…")
    const last = lines.at(-1)
    if (last !== undefined && Bun.stringWidth(last) + gap.length + Bun.stringWidth(cut) <= room) {
      lines[lines.length - 1] = `${last}${gap}${cut}`
    } else {
      lines.push(cut)
    }
  }
  return lines.map((line) => `${indent}${paint.dim(line)}`)
}

/** What MQTT 5.0 lets a message carry beside its payload; the payload's form is seen from itself [3.3.2.3]. */
function propertyTexts({ properties }: Publish): readonly string[] {
  const { contentType, messageExpiryInterval, responseTopic, correlationData } = properties
  const { subscriptionIdentifiers = [], userProperties = [] } = properties
  return [
    ...(contentType === undefined ? [] : [`type ${harmless(contentType)}`]),
    ...(messageExpiryInterval === undefined ? [] : [`expires in ${messageExpiryInterval} s`]),
    ...(responseTopic === undefined ? [] : [`answer to ${harmless(responseTopic)}`]),
    ...(correlationData === undefined ? [] : [`correlation ${shown(correlationData)}`]),
    ...subscriptionIdentifiers.map((identifier) => `subscription ${identifier}`),
    ...userProperties.map(([name, value]) => `${harmless(name)}=${harmless(value)}`),
  ]
}
