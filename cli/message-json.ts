import type { Publish } from "../src/protocol/packet.ts"
import type { Properties, PropertyName } from "../src/protocol/properties.ts"
import { propertyLabel } from "./property-names.ts"
import { isoTime } from "./time-format.ts"

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * A message as one JSON object. Bytes that are no text are there twice: readable, and exact behind `-base64`.
 *
 * @param payloadJson the payload as JSON to embed; undefined for the payload as a string
 */
export function messageJson(message: Publish, at: Date, payloadJson: string | undefined): string {
  const { topic, qos, retain, payload, packetId } = message
  const parts = [
    `"tst":${JSON.stringify(isoTime(at, true))}`,
    `"topic":${JSON.stringify(topic)}`,
    `"qos":${qos}`,
    `"retain":${retain}`,
    `"payloadlen":${payload.length}`,
  ]
  if (packetId !== undefined) parts.push(`"mid":${packetId}`)
  const properties = propertiesJson(message.properties)
  if (properties.length > 0) parts.push(`"properties":{${properties.join(",")}}`)
  if (payload.length === 0) parts.push(`"payload":null`)
  else if (payloadJson === undefined) parts.push(...bytesJson("payload", payload))
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
  try {
    const text = strictUtf8.decode(payload)
    JSON.parse(text)
    return text.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, "$1")
  } catch {
    // Neither text nor JSON: both are answers, and the same one.
    return undefined
  }
}

function propertiesJson(properties: Properties): string[] {
  const parts: string[] = []
  for (const name of Object.keys(properties) as PropertyName[]) {
    const value = properties[name]
    if (value === undefined) continue
    const label = propertyLabel(name)
    if (name === "userProperties") {
      const pairs = (properties.userProperties ?? []).map(([key, text]) => JSON.stringify({ [key]: text }))
      parts.push(`"user-properties":[${pairs.join(",")}]`)
    } else if (name === "subscriptionIdentifiers") {
      const identifiers = properties.subscriptionIdentifiers ?? []
      parts.push(`"${label}":${identifiers.length === 1 ? identifiers[0] : JSON.stringify(identifiers)}`)
    } else if (value instanceof Uint8Array) {
      parts.push(...bytesJson(label, value))
    } else {
      parts.push(`"${label}":${JSON.stringify(value)}`)
    }
  }
  return parts
}

function bytesJson(key: string, bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")
  const readable = `"${key}":${JSON.stringify(text)}`
  try {
    strictUtf8.decode(bytes)
    return [readable]
  } catch {
    // Replacement characters stand where it is no text.
    return [readable, `"${key}-base64":"${bytes.toBase64()}"`]
  }
}
