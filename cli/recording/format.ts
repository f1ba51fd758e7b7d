import type { PublishRequest } from "../../src/client/sender.ts"
import { escapeControls } from "../../src/foundation/log.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import { contentOf, type JsonObject, messageIn } from "../message-object.ts"
import { CommandError } from "../output.ts"

/*
 * A recording is lines of JSON, each an object: a header, messages, and an end if there was time for one; then, where
 * something was appended, another header, and so on. docs/record.md has the keys. Whoever changes their meaning raises
 * the version.
 */

export const recordingFormat = "bantam-recording"
const version = 1

export interface RecordingHeader {
  readonly startedAt: Date
  readonly url: string
  readonly filters: readonly string[]
}

/** Times are milliseconds from the header on, by a clock that nobody puts forward or back. */
export type RecordingLine =
  | { readonly line: "header" }
  | { readonly line: "message"; readonly atMs: number; readonly request: PublishRequest }
  | { readonly line: "end"; readonly atMs: number }

export function headerLine({ startedAt, url, filters }: RecordingHeader): string {
  return jsonLine({ format: recordingFormat, version, started: startedAt.toISOString(), url, filters })
}

/**
 * The same keys as those of `sub --json`. Properties that belong to our own connection are left out.
 *
 * @param wasStored it was retained before the recording began
 */
export function messageLine(
  { topic, qos, retain, properties, payload }: Publish,
  atMs: number,
  wasStored: boolean,
): string {
  const { topicAlias: _alias, subscriptionIdentifiers: _ours, ...kept } = properties
  return jsonLine({
    at: atMs,
    topic,
    qos,
    retain,
    ...(wasStored ? { stored: true } : {}),
    ...contentOf({ properties: kept, payload }),
  })
}

export function endLine(atMs: number, messages: number): string {
  return jsonLine({ at: atMs, end: true, messages })
}

/** @throws CommandError */
export function recordingLineIn(object: JsonObject, place: string): RecordingLine {
  if ("format" in object) return headerIn(object, place)
  const { at: atMs } = object
  if (typeof atMs !== "number" || atMs < 0 || atMs === Number.POSITIVE_INFINITY) {
    throw new CommandError(`${place}: at must be the milliseconds since the recording began`)
  }
  if (object["end"] === true) return { line: "end", atMs }
  const { topic, payload, ...others } = messageIn(object, place)
  if (topic === undefined) throw new CommandError(`${place}: the message has no topic`)
  if (payload === undefined) throw new CommandError(`${place}: the message has no payload`)
  return { line: "message", atMs, request: { ...others, topic, payload } }
}

function headerIn(object: JsonObject, place: string): RecordingLine {
  if (object["format"] !== recordingFormat) throw new CommandError(`${place}: is no header of a recording`)
  if (object["version"] !== version) {
    const found = JSON.stringify(object["version"])
    throw new CommandError(
      `${place}: version ${found} of the format is not known here; a newer bantam may know it`,
    )
  }
  return { line: "header" }
}

function jsonLine(object: JsonObject): string {
  return `${escapeControls(JSON.stringify(object))}\n`
}
