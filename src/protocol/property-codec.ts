import { unreachable } from "../foundation/assert.ts"
import type { ByteReader } from "./byte-reader.ts"
import type { ByteWriter } from "./byte-writer.ts"
import {
  noProperties,
  type Properties,
  type PropertiesOf,
  propertiesOfPacket,
  type PropertyBearer,
  type PropertyForm,
  type PropertyName,
  propertyTable,
  type UserProperty,
} from "./properties.ts"
import { malformedPacket, protocolError, ProtocolError } from "./protocol-error.ts"
import { ReasonCode } from "./reason-code.ts"
import { parseTopicName, wireTopicLimits } from "./topic.ts"

/**
 * Reads a property length and the properties behind it [2.2.2], each checked as far as it can be without knowing
 * anything but the packet it stands in.
 *
 * @throws ProtocolError malformedPacket for what cannot be read and for a property that its bearer may not carry
 *   [2.2.2.2]; protocolError for one that is repeated or has a value of no meaning; topicAliasInvalid for the alias 0;
 *   topicNameInvalid for a response topic that is none
 */
export function decodeProperties<Bearer extends PropertyBearer>(
  reader: ByteReader,
  bearer: Bearer,
): PropertiesOf<Bearer> {
  const length = reader.variable()
  if (length === 0) return noProperties as PropertiesOf<Bearer>
  const section = reader.part(length)
  const allowed: readonly PropertyName[] = propertiesOfPacket[bearer]
  const properties: GrowingProperties = {}
  while (!section.atEnd) {
    const identifier = section.variable()
    const name = nameByIdentifier.get(identifier)
    if (name === undefined || !allowed.includes(name)) {
      throw malformedPacket(`property 0x${identifier.toString(16)} in ${bearer.toUpperCase()} [2.2.2.2]`)
    }
    decodeProperty(section, bearer, name, properties)
  }
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError("authentication data without a method [3.1.2.11.10]")
  }
  return properties as PropertiesOf<Bearer>
}

/** Writes those of the properties that the bearer may carry, in the order of its table, behind their length. */
export function encodeProperties(writer: ByteWriter, bearer: PropertyBearer, properties: Properties): void {
  const start = writer.length
  for (const name of propertiesOfPacket[bearer]) {
    const value = properties[name]
    if (value === undefined) continue
    if (name === "subscriptionIdentifiers") {
      for (const identifier of value as readonly number[]) encodeProperty(writer, name, identifier)
    } else if (name === "userProperties") {
      for (const pair of value as readonly UserProperty[]) encodeProperty(writer, name, pair)
    } else {
      encodeProperty(writer, name, value as PropertyValue)
    }
  }
  writer.prefixLength(start)
}

/** Whether there is anything that `encodeProperties` would write. */
export function hasProperties(properties: Properties): boolean {
  return Object.values(properties).some((value) => value !== undefined)
}

type GrowingProperties = {
  -readonly [Name in Exclude<PropertyName, "userProperties" | "subscriptionIdentifiers">]?: Properties[Name]
} & { userProperties?: UserProperty[]; subscriptionIdentifiers?: number[] }

/** The value of one property on the wire. */
type PropertyValue = number | boolean | string | Uint8Array | UserProperty

const nameByIdentifier = new Map(
  (Object.keys(propertyTable) as PropertyName[]).map((name) => [
    propertyTable[name].identifier as number,
    name,
  ]),
)

function decodeProperty(
  reader: ByteReader,
  bearer: PropertyBearer,
  name: PropertyName,
  properties: GrowingProperties,
): void {
  const value = readValue(reader, propertyTable[name].form)
  checkValue(name, value)
  if (name === "userProperties") {
    const pairs = (properties.userProperties ??= [])
    if (pairs.length >= reader.bounds.userProperties) {
      throw new ProtocolError(ReasonCode.quotaExceeded, "too many user properties")
    }
    pairs.push(value as UserProperty)
    return
  }
  // A PUBLISH names each of the subscriber's subscriptions that matched [3.3.4].
  const mayRepeat = name === "subscriptionIdentifiers" && bearer === "publish"
  if (properties[name] !== undefined && !mayRepeat) throw protocolError(`${wordsOf(name)} twice [2.2.2.2]`)
  if (name === "subscriptionIdentifiers") (properties.subscriptionIdentifiers ??= []).push(value as number)
  else Object.assign(properties, { [name]: value })
}

function readValue(reader: ByteReader, form: PropertyForm): PropertyValue {
  switch (form) {
    case "byte":
      return reader.byte()
    case "boolean":
      return readBoolean(reader)
    case "two":
      return reader.two()
    case "four":
      return reader.four()
    case "variable":
      return reader.variable()
    case "text":
      return reader.text()
    case "binary":
      return reader.binary()
    case "pair":
      return [reader.text(), reader.text()]
    default:
      return unreachable(form)
  }
}

function readBoolean(reader: ByteReader): boolean {
  const byte = reader.byte()
  if (byte > 1) throw protocolError(`${byte} where only 0 and 1 mean something [2.2.2.2]`)
  return byte === 1
}

function checkValue(name: PropertyName, value: PropertyValue): void {
  switch (name) {
    case "payloadFormatIndicator":
    case "maximumQos":
      if (value === 0 || value === 1) return
      throw protocolError(`${wordsOf(name)} above 1 [3.3.2.3.2, 3.2.2.3.4]`)
    case "receiveMaximum":
    case "maximumPacketSize":
    case "subscriptionIdentifiers":
      if (value !== 0) return
      throw protocolError(`${wordsOf(name)} 0 [3.1.2.11.3, 3.1.2.11.4, 3.8.2.1.2]`)
    case "topicAlias":
      if (value !== 0) return
      throw new ProtocolError(ReasonCode.topicAliasInvalid, "topic alias 0 [MQTT-3.3.2-8]")
    case "responseTopic":
      if (parseTopicName(value as string, wireTopicLimits) !== undefined) return
      throw new ProtocolError(
        ReasonCode.topicNameInvalid,
        "the response topic is no topic name [MQTT-3.3.2-14]",
      )
    default:
  }
}

function encodeProperty(writer: ByteWriter, name: PropertyName, value: PropertyValue): void {
  const { identifier, form } = propertyTable[name]
  writer.byte(identifier)
  switch (form) {
    case "byte":
      return writer.byte(value as number)
    case "boolean":
      return writer.byte(value === true ? 1 : 0)
    case "two":
      return writer.two(value as number)
    case "four":
      return writer.four(value as number)
    case "variable":
      return writer.variable(value as number)
    case "text":
      return writer.text(value as string)
    case "binary":
      return writer.binary(value as Uint8Array)
    case "pair": {
      const [key, text] = value as UserProperty
      writer.text(key)
      return writer.text(text)
    }
    default:
      return unreachable(form)
  }
}

/** `receiveMaximum` as a person writes it. */
function wordsOf(name: PropertyName): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
