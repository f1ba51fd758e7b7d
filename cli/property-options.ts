import {
  propertiesOfPacket,
  type PropertiesOf,
  type PropertyName,
  propertyTable,
} from "../src/protocol/properties.ts"
import { CommandError } from "./output.ts"
import { propertyLabel, propertyNamed } from "./property-names.ts"

/** The packets whose properties a command line can set. */
const bearers = ["connect", "will", "publish", "subscribe", "unsubscribe", "disconnect"] as const
type Bearer = (typeof bearers)[number]

/** What -D asks for, by packet. */
export type PropertyOptions = { readonly [Name in Bearer]: PropertiesOf<Name> }

/**
 * Reads what stands behind each -D: packet, property and value; for a user property, its name and its value.
 *
 * @param words of all -D one after the other
 * @throws CommandError
 */
export function parsePropertyOptions(words: readonly string[]): PropertyOptions {
  const found: Record<Bearer, Partial<Record<PropertyName, unknown>>> = {
    connect: {},
    will: {},
    publish: {},
    subscribe: {},
    unsubscribe: {},
    disconnect: {},
  }
  const rest = words.values()
  for (const word of rest) {
    const bearer = bearers.find((one) => one === word.toLowerCase())
    if (bearer === undefined) {
      throw new CommandError(`-D ${word}: must begin with one of ${bearers.join(", ")}`)
    }
    const label = rest.next().value ?? ""
    const name = propertyNamed(label)
    if (name === undefined || !settable(bearer).includes(name)) {
      const labels = settable(bearer).map(propertyLabel)
      throw new CommandError(`-D ${bearer} ${label}: must name one of ${labels.join(", ")}`)
    }
    const value = rest.next().value
    const second = name === "userProperties" ? rest.next().value : ""
    if (value === undefined || second === undefined) {
      const wanted = name === "userProperties" ? "a name and a value" : "a value"
      throw new CommandError(`-D ${bearer} ${label}: needs ${wanted} behind it`)
    }
    const properties = found[bearer]
    if (name === "userProperties") {
      const before = Array.isArray(properties[name]) ? properties[name] : []
      properties[name] = [...before, [value, second]]
    } else if (properties[name] === undefined) {
      properties[name] = parseValue(name, value, `-D ${bearer} ${label}`)
    } else {
      throw new CommandError(`-D ${bearer} ${label}: stands there twice; leave one out`)
    }
  }
  return found as PropertyOptions
}

/** A client that publishes sends no subscription identifier [MQTT-3.3.4-6]. */
function settable(bearer: Bearer): readonly PropertyName[] {
  const names: readonly PropertyName[] = propertiesOfPacket[bearer]
  if (bearer === "publish") return names.filter((name) => name !== "subscriptionIdentifiers")
  if (bearer === "disconnect") return names.filter((name) => name !== "serverReference")
  return names
}

/** A number that may not be 0 says so in its own section of [3.1.2.11, 3.3.2.3]. */
const atLeastOne: readonly PropertyName[] = ["receiveMaximum", "maximumPacketSize", "topicAlias"]

function parseValue(name: Exclude<PropertyName, "userProperties">, text: string, where: string): unknown {
  const least = atLeastOne.includes(name) ? 1 : 0
  switch (propertyTable[name].form) {
    case "byte":
      return wholeNumber(text, 0, 1, where)
    case "boolean":
      return wholeNumber(text, 0, 1, where) === 1
    case "two":
      return wholeNumber(text, least, 0xffff, where)
    case "four":
      return wholeNumber(text, least, 0xffff_ffff, where)
    case "variable":
      return [wholeNumber(text, 1, 268_435_455, where)]
    case "text":
      return text
    case "binary":
      return Buffer.from(text)
  }
}

function wholeNumber(text: string, from: number, to: number, where: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= from && value <= to) return value
  throw new CommandError(`${where} ${text}: must be a whole number from ${from} to ${to}`)
}
