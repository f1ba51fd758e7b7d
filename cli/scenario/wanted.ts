import { levelsMatch, parseTopicFilter, wireTopicLimits } from "../../src/protocol/topic.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import type { PropertyName } from "../../src/protocol/properties.ts"
import { CommandError } from "../output.ts"
import { propertyNamed } from "../property-names.ts"
import { shown } from "../shown.ts"
import { jsonOf } from "../text-of.ts"
import type { Difference } from "./outcome.ts"
import { bytesOf } from "./payload.ts"
import type { StepOf } from "./scenario.ts"

/** Whether a message is of the topics that a filter means; unlike a subscription, `#` means `$SYS` as well. */
export function ofTopic(text: string): (message: Publish) => boolean {
  const filter = parseTopicFilter(text, wireTopicLimits)
  if (filter === undefined) throw new CommandError(`${JSON.stringify(text)} is no topic filter`)
  return ({ topic }) => levelsMatch(filter, topic)
}

/** @returns undefined when they are the same */
export function payloadDifference(expected: Uint8Array, got: Uint8Array): Difference | undefined {
  return Buffer.from(expected).equals(got) ? undefined : { expected: shown(expected), got: shown(got) }
}

/** Holds a message against what a step expects of it. @returns the first difference */
export function differenceOf(
  message: Publish,
  expected: StepOf<"expect">,
  scenarioFile: string,
): Difference | undefined {
  const { qos, retain, matches, json, properties = {} } = expected
  const { payload } = message
  if (json !== undefined && !Bun.deepEquals(jsonOf(payload)?.value, json, true)) {
    return { expected: `JSON ${JSON.stringify(json)}`, got: shown(payload) }
  }
  const bytes = json === undefined ? bytesOf(expected, scenarioFile) : undefined
  const other = bytes === undefined ? undefined : payloadDifference(bytes, payload)
  if (other !== undefined) return other
  if (matches !== undefined && !matches.test(Buffer.from(payload).toString())) {
    return { expected: `a payload that matches ${matches.source}`, got: shown(payload) }
  }
  if (qos !== undefined && qos !== message.qos) return { expected: `QoS ${qos}`, got: `QoS ${message.qos}` }
  if (retain !== undefined && retain !== message.retain) {
    return { expected: `retain ${retain}`, got: `retain ${message.retain}` }
  }
  for (const [label, value] of Object.entries(properties)) {
    const found = propertyOf(message, label)
    const wanted = typeof value === "object" ? JSON.stringify(value) : String(value)
    const got = typeof value === "object" ? JSON.stringify(pick(message, Object.keys(value))) : found
    if (got !== wanted) return { expected: `${label} ${wanted}`, got: `${label} ${got ?? "not there"}` }
  }
  return undefined
}

function propertyOf({ properties }: Publish, label: string): string | undefined {
  const name: PropertyName | undefined = propertyNamed(label)
  const value = name === undefined ? undefined : (properties as Readonly<Record<string, unknown>>)[name]
  if (value === undefined) return undefined
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
}

/** Of the user properties those of these names. */
function pick({ properties }: Publish, names: readonly string[]): Record<string, string> {
  const pairs = properties.userProperties ?? []
  return Object.fromEntries(names.flatMap((name) => pairs.filter(([key]) => key === name).slice(0, 1)))
}
