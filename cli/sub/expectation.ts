import type { Publish } from "../../src/protocol/packet.ts"
import {
  parseSubscriptionFilter,
  type TopicFilter,
  levelsMatch,
  wireTopicLimits,
} from "../../src/protocol/topic.ts"
import { CommandError } from "../output.ts"
import { payloadDifference } from "../scenario/wanted.ts"
import { shown } from "../shown.ts"
import { jsonOf } from "../text-of.ts"
import { ConditionError, type JsonCondition, parseJsonCondition, whyNot } from "./json-condition.ts"

/** A message that is to come. */
export interface Expectation {
  /** As it was written. */
  readonly text: string
  /** What is to be subscribed to for it; undefined: any topic will do. */
  readonly subscription: string | undefined
  readonly filter: TopicFilter | undefined
  readonly payload:
    | { readonly is: "anything" }
    | { readonly is: "the same"; readonly bytes: Uint8Array }
    | { readonly is: "JSON"; readonly condition: JsonCondition }
}

/**
 * Reads the value of --expect: `filter`, or `filter=payload`.
 *
 * @throws CommandError
 */
export function parseExpectation(text: string): Expectation {
  const at = text.indexOf("=")
  const topics = filterOf("--expect", text, at < 0 ? text : text.slice(0, at))
  const payload = at < 0 ? undefined : Buffer.from(text.slice(at + 1))
  return {
    text,
    ...topics,
    payload: payload === undefined ? { is: "anything" } : { is: "the same", bytes: payload },
  }
}

/**
 * Reads the value of --expect-json: `condition`, or `filter: condition`. A condition begins with a dot, so that it is
 * no filter.
 *
 * @throws CommandError
 */
export function parseJsonExpectation(text: string): Expectation {
  const [, filter, behind] = /^(?!\s*\.)(.*?):\s*(\..*)$/s.exec(text) ?? []
  const written = behind ?? text
  const topics =
    filter === undefined
      ? { subscription: undefined, filter: undefined }
      : filterOf("--expect-json", text, filter)
  try {
    return { text, ...topics, payload: { is: "JSON", condition: parseJsonCondition(written) } }
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    throw new CommandError(`--expect-json '${written}': ${error.message}`)
  }
}

function filterOf(flag: string, text: string, written: string): Pick<Expectation, "subscription" | "filter"> {
  const parsed = parseSubscriptionFilter(written, wireTopicLimits)
  if (parsed !== undefined) return { subscription: written, filter: parsed.filter }
  throw new CommandError(
    `${flag} '${text}': ${written === "" ? "the topic is missing" : `${written} is no topic filter`}`,
  )
}

/** Whether a message is one that the expectation is about. */
export function isAbout({ filter }: Expectation, { topic }: Publish): boolean {
  return filter === undefined || levelsMatch(filter, topic)
}

/** Of a message that it is about. @returns undefined when it is as expected, otherwise what it is */
export function otherThan({ payload: expected }: Expectation, { payload }: Publish): string | undefined {
  switch (expected.is) {
    case "anything":
      return undefined
    case "the same":
      return payloadDifference(expected.bytes, payload)?.got
    case "JSON": {
      const json = jsonOf(payload)
      return json === undefined ? `${shown(payload)} is no JSON` : whyNot(expected.condition, json.value)
    }
  }
}
