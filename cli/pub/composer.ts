import type { PublishRequest } from "../../src/client/sender.ts"
import { type Clock, systemClock } from "../../src/foundation/clock.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import type { PropertiesOf } from "../../src/protocol/properties.ts"
import { parseTopicName, wireTopicLimits } from "../../src/protocol/topic.ts"
import { CommandError } from "../output.ts"
import { textOf } from "../text-of.ts"
import type { Row } from "./row.ts"
import { type Occasion, Template, TemplateError } from "./template.ts"

/** What the command line says of all messages; topic and payload may be left to the rows. */
export interface Given {
  readonly topic: string | undefined
  readonly payload: Uint8Array | undefined
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PropertiesOf<"publish">
  /** Topic and payload are templates. */
  readonly isTemplate: boolean
}

/** Makes the messages of the rows. */
export class Composer {
  readonly #given: Given
  readonly #clock: Clock
  readonly #topic: Template | undefined
  readonly #payload: Template | undefined
  #count = 0

  /** @throws CommandError for a template that is none */
  constructor(given: Given, clock = systemClock) {
    this.#given = given
    this.#clock = clock
    const { topic, payload, isTemplate } = given
    if (!isTemplate) return
    this.#topic = topic === undefined ? undefined : templateOf(topic, "-t")
    this.#payload = payload === undefined ? undefined : templateOf(templateText(payload), "payload")
  }

  /**
   * For a source that knows what its rows have.
   *
   * @param what the fields are, in the plural
   * @throws CommandError for a template that names something else
   */
  check(fields: readonly string[], what: string): void {
    told("-t", () => this.#topic?.check(fields, what))
    told("payload", () => this.#payload?.check(fields, what))
  }

  /**
   * The message as it is at this moment.
   *
   * @throws CommandError
   */
  compose({ place, fields, own }: Row): PublishRequest {
    const where = place ?? "message"
    const occasion = { ...chance, n: ++this.#count, wallMs: this.#clock.wall() }
    const { topic: givenTopic, payload: givenPayload, qos, retain, properties } = this.#given
    const topic = told(where, () => this.#topic?.fill(fields, occasion)) ?? givenTopic ?? own.topic
    const filled = told(where, () => this.#payload?.fill(fields, occasion))
    const payload = filled === undefined ? (givenPayload ?? own.payload) : Buffer.from(filled)
    if (topic === undefined) throw new CommandError(`${where}: no topic; write one there, or add -t TOPIC`)
    if (payload === undefined)
      throw new CommandError(`${where}: no payload; write one there, or add --template -m TEXT`)
    if (parseTopicName(topic, wireTopicLimits) === undefined) {
      throw new CommandError(`${where}: topic ${JSON.stringify(topic)} is empty, or holds + or #`)
    }
    return { qos, retain, ...own, topic, payload, properties: { ...properties, ...own.properties } }
  }
}

const chance: Pick<Occasion, "random" | "uuid"> = {
  random: Math.random,
  uuid: () => crypto.randomUUID(),
}

function templateOf(text: string, where: string): Template {
  return told(where, () => new Template(text))
}

function told<Result>(where: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof TemplateError) throw new CommandError(`${where}: ${error.message}`)
    throw error
  }
}

function templateText(payload: Uint8Array): string {
  const text = textOf(payload)
  if (text !== undefined) return text
  throw new CommandError("a template must be UTF-8 text: leave out --template, or the bytes that are none")
}
