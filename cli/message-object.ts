import type { PublishRequest } from "../src/client/sender.ts"
import type { Publish, Qos } from "../src/protocol/packet.ts"
import {
  propertiesOfPacket,
  type PropertiesOf,
  type PropertyName,
  propertyTable,
  type UserProperty,
} from "../src/protocol/properties.ts"
import { CommandError } from "./output.ts"
import { textOf } from "./text-of.ts"

/*
 * Messages as objects of JSON, as `sub --json` and `record` write them: topic, payload or payloadBase64, qos, retain and
 * properties. Hyphens, underscores and capital letters in a key make no difference, so what `sub -F %j` and other
 * programs print is understood as well. Further keys are passed over.
 */

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/**
 * What the object says of a message; what it does not say is absent.
 *
 * @param place what the problem begins with, such as FILE:3
 * @param exactly the same object with numbers as they were written; asked for when the payload is no string
 * @throws CommandError
 */
export function messageIn(
  object: JsonObject,
  place: string,
  exactly: () => JsonObject = () => object,
): Partial<PublishRequest> {
  const keys = plainKeys(object)
  const problem = (text: string) => new CommandError(`${place}: ${text}`)
  const topic = keys.get("topic")
  if (topic !== undefined && typeof topic !== "string") throw problem("topic must be a string")
  const qos = keys.get("qos")
  if (qos !== undefined && !isQos(qos)) throw problem("qos must be 0, 1 or 2")
  const retain = keys.get("retain")
  // 0 and 1 are what mosquitto_sub prints.
  if (retain !== undefined && ![true, false, 0, 1].some((one) => one === retain)) {
    throw problem("retain must be true or false")
  }
  const payload = payloadOf(keys, place, exactly)
  const properties = keys.get("properties")
  if (properties !== undefined && !isObject(properties)) throw problem("properties must be an object")
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(payload === undefined ? {} : { payload }),
    ...(qos === undefined ? {} : { qos }),
    ...(retain === undefined ? {} : { retain: Boolean(retain) }),
    ...(properties === undefined ? {} : { properties: propertiesIn(properties, place) }),
  }
}

/** What a message says, as `messageIn` reads it again: properties if there are any, and the payload as text if it is. */
export function contentOf({ properties, payload }: Pick<Publish, "properties" | "payload">): JsonObject {
  const { correlationData, ...others } = properties
  const written = {
    ...others,
    ...(correlationData === undefined ? {} : { correlationDataBase64: correlationData.toBase64() }),
  }
  const text = textOf(payload)
  return {
    ...(Object.keys(written).length === 0 ? {} : { properties: written }),
    ...(text === undefined ? { payloadBase64: payload.toBase64() } : { payload: text }),
  }
}

/** A string is the payload itself; null is an empty one, and any other value becomes JSON without blanks. */
function payloadOf(
  keys: ReadonlyMap<string, unknown>,
  place: string,
  exactly: () => JsonObject,
): Uint8Array | undefined {
  const base64 = keys.get("payloadbase64")
  if (base64 !== undefined) return bytesIn(base64, `${place}: payloadBase64`)
  const payload = keys.get("payload")
  if (payload === undefined) return undefined
  if (payload === null) return new Uint8Array(0)
  return Buffer.from(
    typeof payload === "string" ? payload : JSON.stringify(plainKeys(exactly()).get("payload")),
  )
}

function bytesIn(base64: unknown, where: string): Uint8Array {
  try {
    if (typeof base64 === "string") return Uint8Array.fromBase64(base64)
  } catch {
    // A SyntaxError is all that it throws.
  }
  throw new CommandError(`${where} must be base64`)
}

function isQos(value: unknown): value is Qos {
  return value === 0 || value === 1 || value === 2
}

function plainKeys(object: JsonObject): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(object).map(([key, value]) => [plainKey(key), value]))
}

function plainKey(key: string): string {
  return key.replaceAll(/[-_]/g, "").toLowerCase()
}

const names = new Map<string, PropertyName>([
  ...(Object.keys(propertyTable) as PropertyName[]).map((name) => [plainKey(name), name] as const),
  ["userproperty", "userProperties"],
  ["subscriptionidentifier", "subscriptionIdentifiers"],
])
const ofMessages: readonly PropertyName[] = propertiesOfPacket.publish
/** What belongs to the connection that a message came by [3.3.2.3.4, 3.3.2.3.8]. */
const ofConnections: readonly PropertyName[] = ["topicAlias", "subscriptionIdentifiers"]

function propertiesIn(object: JsonObject, place: string): PropertiesOf<"publish"> {
  const found: Partial<Record<PropertyName, unknown>> = {}
  const keys = plainKeys(object)
  for (const [key, value] of keys) {
    const bare = key.replace(/base64$/, "")
    const name = names.get(bare)
    const isBase64 = bare !== key
    if (
      name === undefined ||
      !ofMessages.includes(name) ||
      (isBase64 && propertyTable[name].form !== "binary")
    ) {
      throw new CommandError(`${place}: ${key} is no property of a message in MQTT 5`)
    }
    // The exact bytes go before the readable ones.
    if (ofConnections.includes(name) || (!isBase64 && keys.has(`${key}base64`))) continue
    found[name] = isBase64
      ? fieldIn(bytesIn(value, `${place}: ${name}Base64`), `${place}: ${name}Base64`)
      : propertyIn(name, value, place)
  }
  return found as PropertiesOf<"publish">
}

function propertyIn(name: PropertyName, value: unknown, place: string): unknown {
  const where = `${place}: ${name}`
  switch (propertyTable[name].form) {
    case "byte":
      return wholeNumberIn(value, 1, where)
    case "four":
      return wholeNumberIn(value, 0xffff_ffff, where)
    case "text":
      return textIn(value, where)
    case "binary":
      return Buffer.from(textIn(value, where))
    case "pair":
      return pairsIn(value, where)
    // None of these is a property of a message that may be sent.
    case "boolean":
    case "two":
    case "variable":
      throw new CommandError(`${where} is no property of a message`)
  }
}

function wholeNumberIn(value: unknown, most: number, where: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new CommandError(`${where} must be a whole number from 0 to ${most}`)
}

function textIn(value: unknown, where: string): string {
  if (typeof value === "string") return fieldIn(value, where)
  throw new CommandError(`${where} must be a string`)
}

/** @throws CommandError what is longer than a field of a packet can be [1.5.4, 1.5.6] */
function fieldIn<Field extends string | Uint8Array>(field: Field, where: string): Field {
  if (Buffer.byteLength(field) <= 65_535) return field
  throw new CommandError(`${where} has more than 65535 bytes, which no packet can carry`)
}

/** `[["a","b"]]`, `[{"a":"b"}]` or `{"a":"b"}`. */
function pairsIn(value: unknown, where: string): readonly UserProperty[] {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return parts.flatMap((part) => {
    const pairs: readonly (readonly unknown[])[] = Array.isArray(part)
      ? [part]
      : Object.entries(isObject(part) ? part : { "": undefined })
    return pairs.map(([key, text, ...rest]): UserProperty => {
      if (typeof key === "string" && typeof text === "string" && rest.length === 0) {
        return [fieldIn(key, where), fieldIn(text, where)]
      }
      throw new CommandError(`${where} must be pairs of strings, such as [["name","value"]]`)
    })
  })
}
