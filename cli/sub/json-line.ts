import type { Publish } from "../../src/protocol/packet.ts"
import { harmlessJson } from "../harmless.ts"
import { embeddedJson } from "../message-json.ts"
import type { MessageFormat } from "../message-format.ts"
import { contentOf } from "../message-object.ts"

/** One message as JSON in a line: what --json prints. */
export const jsonLineFormat: MessageFormat = (message, at, output) =>
  output.text(`${jsonLine(message, at)}\n`)

/**
 * The keys, in this order: `time`, `topic`, `qos`, `retain`, `dup`; `properties` if there are any; `payload` if it is
 * text and `payloadBase64` if it is not; `json` if it is JSON, its numbers as they were written.
 */
export function jsonLine({ topic, qos, retain, dup, properties, payload }: Publish, at: Date): string {
  const { topicAlias: _, ...shown } = properties
  const facts = {
    time: at.toISOString(),
    topic,
    qos,
    retain,
    dup,
    ...contentOf({ properties: shown, payload }),
  }
  const json = payload.length === 0 ? undefined : embeddedJson(payload)
  const line = JSON.stringify(facts)
  return harmlessJson(json === undefined ? line : `${line.slice(0, -1)},"json":${json}}`)
}
