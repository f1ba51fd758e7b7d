import type { Publish } from "../../src/protocol/packet.ts"
import { harmless } from "../harmless.ts"
import { type MessageFormat, parseFormat, Unprintable, verboseFormat } from "../message-format.ts"
import type { Paint } from "../output.ts"
import { jsonLine } from "../sub/json-line.ts"
import { messageLines } from "../sub/message-lines.ts"

/** Where messages are shown. */
export interface Layout {
  readonly columns: number
  readonly payloadLines: number
  readonly paint: Paint
}

/**
 * A message in lines, none of which holds a control character that came from elsewhere.
 *
 * @param format of the settings
 */
export function messageText(publish: Publish, at: Date, format: string, layout: Layout): readonly string[] {
  switch (format) {
    case "human":
      return messageLines(publish, at, layout)
    case "plain":
      return formatted(verboseFormat(false), publish, at)
    case "json":
      return [jsonLine(publish, at)]
    default:
      return formatted(parseFormat(format, { newline: false }), publish, at)
  }
}

function formatted(format: MessageFormat, publish: Publish, at: Date): readonly string[] {
  const parts: Uint8Array[] = []
  try {
    format(publish, at, {
      bytes: (bytes) => parts.push(bytes),
      text: (text) => parts.push(Buffer.from(text)),
    })
  } catch (error) {
    if (error instanceof Unprintable) return [harmless(error.message)]
    throw error
  }
  return Buffer.concat(parts).toString("utf8").split("\n").map(harmless)
}
