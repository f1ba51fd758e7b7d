import { type Client, connectClient } from "../../src/client/client.ts"
import { ConnectionEnded, describeEnd } from "../../src/client/client-end.ts"
import type { ClientOptions } from "../../src/client/client-options.ts"
import { unreachable } from "../../src/foundation/assert.ts"
import type { ProtocolVersion } from "../../src/protocol/packet.ts"
import type { PropertiesOf } from "../../src/protocol/properties.ts"
import { describeReasonCode, isError, ReasonCode } from "../../src/protocol/reason-code.ts"
import { CommandError } from "../output.ts"
import { parsePropertyOptions, type PropertyOptions } from "../property-options.ts"
import { shown } from "../shown.ts"
import { Inbox } from "./inbox.ts"
import { type Difference, type ScenarioOutcome, type StepOutcome, textOf } from "./outcome.ts"
import { bytesOf } from "./payload.ts"
import type { Scenario, Step, StepOf } from "./scenario.ts"
import type { Stage } from "./stage.ts"
import { differenceOf, ofTopic } from "./wanted.ts"

interface Actor {
  readonly client: Client
  readonly inbox: Inbox
}

/** Plays the steps one after the other, until the first that sees something else than it should. */
export async function play(scenario: Scenario, stage: Stage): Promise<ScenarioOutcome> {
  const player = new Player(scenario, stage)
  const startedAt = performance.now()
  const steps: StepOutcome[] = []
  let failed = false
  for (const [index, step] of scenario.steps.entries()) {
    const stepStartedAt = performance.now()
    const result: StepOutcome["result"] = failed ? "not reached" : ((await player.plays(step)) ?? "passed")
    failed ||= typeof result === "object"
    const seconds = (performance.now() - stepStartedAt) / 1000
    steps.push({ number: index + 1, text: textOf(step), seconds, result })
  }
  await player.leave()
  const { file, name } = scenario
  return { file, name, seconds: (performance.now() - startedAt) / 1000, steps }
}

class Player {
  readonly #scenario: Scenario
  readonly #stage: Stage
  readonly #actors = new Map<string, Actor>()
  /** Those too whose name another one has by now. */
  readonly #clients: Client[] = []

  constructor(scenario: Scenario, stage: Stage) {
    this.#scenario = scenario
    this.#stage = stage
  }

  /** @returns what was different, if anything was; what ends a connection in the middle of a step is */
  async plays(step: Step): Promise<Difference | undefined> {
    try {
      return await this.#do(step)
    } catch (error) {
      if (error instanceof ConnectionEnded || error instanceof CommandError) return unlike(error.message)
      throw error
    }
  }

  async leave(): Promise<void> {
    for (const client of this.#clients) await client.disconnect()
  }

  async #do({ verb, step }: Step): Promise<Difference | undefined> {
    switch (verb) {
      case "connect":
        return this.#connect(step)
      case "subscribe":
        return this.#subscribe(step)
      case "unsubscribe":
        await this.#client(step.unsubscribe).unsubscribe([step.from].flat())
        return undefined
      case "publish":
        return this.#publish(step)
      case "expect":
        return this.#expect(step)
      case "nothing":
        return this.#expectNothing(step)
      case "ended":
        return this.#expectEnd(step)
      case "disconnect":
        await this.#client(step.disconnect).disconnect(
          step.will ? ReasonCode.disconnectWithWill : ReasonCode.normalDisconnection,
        )
        return undefined
      case "drop":
        this.#client(step.drop).terminate()
        await this.#client(step.drop).ended
        return undefined
      case "restart":
        await this.#stage.restart()
        return undefined
      case "advance":
        await this.#stage.advance(step.advance)
        return undefined
      case "wait":
        await Bun.sleep(step.wait)
        return undefined
      default:
        return unreachable(verb)
    }
  }

  async #connect(step: StepOf<"connect">): Promise<Difference | undefined> {
    const inbox = new Inbox()
    let sessionPresent = false
    try {
      const client = await connectClient(this.#stage.target, {
        ...this.#optionsOf(step),
        onMessage: inbox.take,
        onPacket: (_, packet) => {
          if (packet.type === "connack") ({ sessionPresent } = packet)
        },
      })
      // Who had the name before stays connected, or is taken over by the broker.
      this.#actors.set(step.connect, { client, inbox })
      this.#clients.push(client)
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) {
        throw new CommandError(error instanceof Error ? error.message.replace(/\.$/, "") : String(error))
      }
      if (error.end.why !== "refused") throw error
      return refusal(step.refused, error.end.reasonCode)
    }
    if (step.refused !== undefined) return { expected: refusalText(step.refused), got: "connected" }
    if (step.session === undefined || (step.session === "present") === sessionPresent) return undefined
    return { expected: `session ${step.session}`, got: `session ${sessionPresent ? "present" : "new"}` }
  }

  #optionsOf(step: StepOf<"connect">): ClientOptions {
    const { will, password, session_expiry, receive_maximum } = step
    const version = versionOf(step.version)
    return {
      version,
      clientId: step.id ?? step.connect,
      cleanStart: step.clean,
      // Time may be moved by hours, in which nobody pings.
      keepAliveSeconds: Math.ceil((step.keep_alive ?? 0) / 1000),
      username: step.username,
      password: password === undefined ? undefined : Buffer.from(password),
      properties: {
        ...(session_expiry === undefined ? {} : { sessionExpiryInterval: Math.ceil(session_expiry / 1000) }),
        ...(receive_maximum === undefined ? {} : { receiveMaximum: receive_maximum }),
      },
      will: will && {
        topic: will.topic,
        payload: this.#bytesOf(will),
        qos: will.qos,
        retain: will.retain,
        properties: {
          ...propertiesOf("will", will.properties),
          ...(will.delay === undefined ? {} : { willDelayInterval: Math.ceil(will.delay / 1000) }),
        },
      },
    }
  }

  async #subscribe(step: StepOf<"subscribe">): Promise<Difference | undefined> {
    const options = {
      qos: step.qos,
      noLocal: step.no_local,
      retainAsPublished: step.retain_as_published,
      retainHandling: ({ always: 0, "if-new": 1, never: 2 } as const)[step.retained],
    }
    const requests = [step.to].flat().map((filter) => ({ filter, ...options }))
    const { reasonCodes } = await this.#client(step.subscribe).subscribe(requests)
    for (const [index, code] of reasonCodes.entries()) {
      const filter = requests[index]?.filter ?? ""
      if (isError(code)) {
        const difference = refusal(step.refused, code)
        if (difference !== undefined) return { ...difference, got: `${filter} ${difference.got}` }
      } else if (step.refused !== undefined) {
        return { expected: refusalText(step.refused), got: `${filter} granted QoS ${code}` }
      } else if (step.granted !== undefined && step.granted !== Number(code)) {
        return { expected: `granted QoS ${step.granted}`, got: `${filter} granted QoS ${code}` }
      }
    }
    return undefined
  }

  async #publish(step: StepOf<"publish">): Promise<Difference | undefined> {
    const client = this.#client(step.publish)
    const { topic, qos, retain } = step
    const payload = this.#bytesOf(step)
    const properties = {
      ...propertiesOf("publish", step.properties),
      ...(step.expiry === undefined ? {} : { messageExpiryInterval: Math.ceil(step.expiry / 1000) }),
    }
    const sent = Array.from({ length: step.count }, () =>
      client.publish({ topic, payload, qos, retain, properties }),
    )
    for (const { reasonCode } of await Promise.all(sent)) {
      if (isError(reasonCode)) return refusal(step.refused, reasonCode)
    }
    return step.refused === undefined ? undefined : { expected: refusalText(step.refused), got: "taken" }
  }

  async #expect(step: StepOf<"expect">): Promise<Difference | undefined> {
    const { inbox } = this.#actor(step.expect)
    const deadline = performance.now() + step.within
    for (let count = 1; count <= step.count; count++) {
      const message = await inbox.next(ofTopic(step.topic), Math.max(0, deadline - performance.now()))
      if (message === undefined) return this.#missed(step, count, inbox)
      const difference = differenceOf(message, step, this.#scenario.file)
      if (difference !== undefined) return { ...difference, got: `${difference.got} on ${message.topic}` }
    }
    return undefined
  }

  #missed(step: StepOf<"expect">, count: number, { left }: Inbox): Difference {
    const which = step.count === 1 ? "a message" : `message ${count} of ${step.count}`
    const others = left.map(({ topic }) => topic)
    return {
      expected: `${which} on ${step.topic} within ${step.within / 1000} s`,
      got: others.length === 0 ? "none" : `none, but messages on ${[...new Set(others)].join(", ")}`,
    }
  }

  async #expectNothing(step: StepOf<"nothing">): Promise<Difference | undefined> {
    const message = await this.#actor(step.nothing).inbox.next(ofTopic(step.topic), step.for)
    if (message === undefined) return undefined
    return {
      expected: `nothing on ${step.topic} for ${step.for / 1000} s`,
      got: `${shown(message.payload)} on ${message.topic}`,
    }
  }

  async #expectEnd(step: StepOf<"ended">): Promise<Difference | undefined> {
    const late = Bun.sleep(step.within).then(() => undefined)
    const end = await Promise.race([this.#client(step.ended).ended, late])
    if (end === undefined) {
      return { expected: `its end within ${step.within / 1000} s`, got: "a connection that goes on" }
    }
    const reason = end.why === "server-disconnect" ? describeReasonCode(end.reasonCode) : describeEnd(end)
    if (step.reason === undefined || step.reason === reason) return undefined
    return { expected: step.reason, got: reason }
  }

  #bytesOf(written: Parameters<typeof bytesOf>[0]): Uint8Array {
    return bytesOf(written, this.#scenario.file) ?? new Uint8Array(0)
  }

  #client(name: string): Client {
    return this.#actor(name).client
  }

  /** @throws CommandError nobody was called that before */
  #actor(name: string): Actor {
    const actor = this.#actors.get(name)
    if (actor === undefined) throw new CommandError(`nobody called ${name} has connected`)
    return actor
  }
}

function versionOf(written: StepOf<"connect">["version"]): ProtocolVersion {
  switch (written) {
    case "3.1.1":
      return 4
    case 3.1:
    case "3.1":
      return 3
    case 5:
    case "5":
    case "5.0":
    case undefined:
      return 5
    default:
      return unreachable(written)
  }
}

function propertiesOf<Bearer extends "publish" | "will">(
  bearer: Bearer,
  written: StepOf<"publish">["properties"] = {},
): PropertyOptions[Bearer] & PropertiesOf<Bearer> {
  const words = Object.entries(written).flatMap(([label, value]) =>
    typeof value === "object"
      ? Object.entries(value).flatMap(([key, text]) => [bearer, label, key, text])
      : [bearer, label, String(value)],
  )
  return parsePropertyOptions(words)[bearer]
}

/** @param refused what the step says of it */
function refusal(refused: true | string | undefined, code: ReasonCode): Difference | undefined {
  const got = describeReasonCode(code)
  if (refused === true || refused === got) return undefined
  return { expected: refused === undefined ? "success" : refusalText(refused), got: `refused: ${got}` }
}

function refusalText(refused: true | string): string {
  return refused === true ? "refused" : `refused: ${refused}`
}

function unlike(got: string): Difference {
  return { expected: "the step to be done", got }
}
