import type { Publish } from "../src/protocol/packet.ts"
import type { Properties, PropertyName } from "../src/protocol/properties.ts"
import { endOfString } from "./json-string.ts"
import type { MannerName } from "./manner.ts"
import { propertyLabel } from "./property-names.ts"
import { textOf } from "./text-of.ts"
import { isoTime } from "./time-format.ts"

/**
 * A message as one JSON object. Bytes that are no text are there twice: readable, and exact behind `-base64`. In the
 * manner of Mosquitto 2.0 they are there once, the time has a Z before its zone, and a user property that is there
 * twice is the same key twice.
 *
 * @param payloadJson the payload as JSON to embed; undefined for the payload as a string
 */
export function messageJson(
  message: Publish,
  at: Date,
  payloadJson: string | undefined,
  manner: MannerName = "bantam",
): string {
  const { topic, qos, retain, payload, packetId } = message
  const time = isoTime(at, true)
  const isTheirs = manner === "mosquitto"
  const parts = [
    `"tst":${JSON.stringify(isTheirs ? time.replace(/(?=[+-]\d{4}$)/, "Z") : time)}`,
    `"topic":${JSON.stringify(topic)}`,
    `"qos":${qos}`,
    `"retain":${isTheirs ? Number(retain) : retain}`,
    `"payloadlen":${payload.length}`,
  ]
  if (packetId !== undefined) parts.push(`"mid":${packetId}`)
  const properties = propertiesJson(message.properties, manner)
  if (properties.length > 0) parts.push(`"properties":{${properties.join(",")}}`)
  if (payload.length === 0) parts.push(`"payload":null`)
  else if (payloadJson === undefined) parts.push(...bytesJson("payload", payload, manner))
  else parts.push(`"payload":${payloadJson}`)
  return `{${parts.join(",")}}`
}

/**
 * The payload as JSON without the blanks between its tokens. Numbers stay as they were written, for none of them is
 * too long for JSON, though it may be for us.
 *
 * @returns undefined when it is not JSON; `null` for an empty payload
 */
export function embeddedJson(payload: Uint8Array): string | undefined {
  if (payload.length === 0) return "null"
  const text = textOf(payload)
  if (text === undefined) return undefined
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return withoutBlanks(text)
}

function withoutBlanks(json: string): string {
  const parts: string[] = []
  const pattern = /"|[ \t\r\n]+/g
  let kept = 0
  for (let found = pattern.exec(json); found !== null; found = pattern.exec(json)) {
    if (found[0] === '"') {
      pattern.lastIndex = endOfString(json, found.index)
    } else {
      parts.push(json.slice(kept, found.index))
      kept = pattern.lastIndex
    }
  }
  return parts.join("") + json.slice(kept)
}

function propertiesJson(properties: Properties, manner: MannerName): string[] {
  const parts: string[] = []
  for (const name of Object.keys(properties) as PropertyName[]) {
    const value = properties[name]
    if (value === undefined) continue
    const label = propertyLabel(name)
    if (name === "userProperties") {
      parts.push(`"user-properties":${userPropertiesJson(properties.userProperties ?? [], manner)}`)
    } else if (name === "subscriptionIdentifiers") {
      const identifiers = properties.subscriptionIdentifiers ?? []
      parts.push(`"${label}":${identifiers.length === 1 ? identifiers[0] : JSON.stringify(identifiers)}`)
    } else if (value instanceof Uint8Array) {
      parts.push(...bytesJson(label, value, manner))
    } else {
      parts.push(`"${label}":${JSON.stringify(value)}`)
    }
  }
  return parts
}

function userPropertiesJson(pairs: readonly (readonly [string, string])[], manner: MannerName): string {
  const members = pairs.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`)
  return manner === "mosquitto" ? `{${members.join(",")}}` : `[${members.map((one) => `{${one}}`).join(",")}]`
}

function bytesJson(key: string, bytes: Uint8Array, manner: MannerName): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")
  const readable = `"${key}":${JSON.stringify(text)}`
  if (manner === "mosquitto" || textOf(bytes) !== undefined) return [readable]
  // Replacement characters stand where it is no text.
  return [readable, `"${key}-base64":"${bytes.toBase64()}"`]
}
