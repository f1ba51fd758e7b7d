import type { Client } from "../../src/client/client.ts"
import { ConnectionEnded } from "../../src/client/client-end.ts"
import { unreachable } from "../../src/foundation/assert.ts"
import type { Publish, Qos } from "../../src/protocol/packet.ts"
import { describeReasonCode, isError, ReasonCode } from "../../src/protocol/reason-code.ts"
import { harmless } from "../harmless.ts"
import type { ConnectionOwner, ConnectionState, KeptConnection } from "../kept-connection.ts"
import { bantamManner, ExitCode } from "../manner.ts"
import { CommandError } from "../output.ts"
import { Arrivals } from "./arrivals.ts"
import type { ShellCommand } from "./command.ts"
import { helpLines } from "./help.ts"
import { type Layout, messageText } from "./message-text.ts"
import { SeenTopics } from "./seen-topics.ts"
import type { ShellSettings } from "./settings.ts"
import { statusLines, subscriptionLines, topicLines } from "./tables.ts"

/** Where the shell writes. None of the lines holds a control character that came from elsewhere. */
export interface ShellOutput {
  readonly layout: () => Layout
  /** What was asked for. */
  lines(lines: readonly string[]): void
  /** That something is done: to a person, who waits for it. */
  note(line: string): void
  /** A message, whose lines are made only if it is to be shown. */
  message(bytes: number, lines: () => readonly string[]): void
  /** The connection has changed. */
  connection(state: ConnectionState): void
}

/** What was asked could not be done; the exit code is for a script. */
export class Refused extends Error {
  override readonly name = "Refused"
  readonly exitCode: number

  constructor(sentence: string, exitCode: number) {
    super(sentence)
    this.exitCode = exitCode
  }
}

/** One sitting at the shell: what was subscribed to and seen, over all connections. */
export class ShellSession implements ConnectionOwner {
  readonly seen = new SeenTopics()
  readonly #output: ShellOutput
  readonly #subscriptions = new Map<string, Qos>()
  readonly #arrivals = new Arrivals()
  #settings: ShellSettings
  #published = 0
  #connection: KeptConnection | undefined

  constructor(settings: ShellSettings, output: ShellOutput) {
    this.#settings = settings
    this.#output = output
  }

  get subscriptions(): ReadonlyMap<string, Qos> {
    return this.#subscriptions
  }

  /** To be called once, before anything is done. */
  use(connection: KeptConnection): void {
    this.#connection = connection
  }

  /** Hot. */
  message(publish: Publish): void {
    const at = new Date()
    this.seen.take(publish, at)
    if (this.#settings.messages === "shown") {
      const { format } = this.#settings
      this.#output.message(publish.payload.length, () =>
        messageText(publish, at, format, this.#output.layout()),
      )
    }
    this.#arrivals.count()
  }

  changed(state: ConnectionState): void {
    this.#output.connection(state)
    if (state.at !== "online" || state.returns === 0) return
    void this.#resubscribe(state.client).catch((error: unknown) => {
      // Lost once more: the next connection makes the subscriptions.
      if (!(error instanceof ConnectionEnded)) throw error
    })
  }

  /**
   * Does what a line asks for.
   *
   * @returns whether there is to be another line
   * @throws Refused, or CommandError for what makes no sense
   */
  async run(command: ShellCommand): Promise<boolean> {
    try {
      await this.#do(command)
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
      const { sentence, exitCode } = bantamManner.ended(error.end, 5)
      throw new Refused(`${sentence}; whether that was done is not known`, exitCode)
    }
    return command.word !== "quit"
  }

  async #do(command: ShellCommand): Promise<void> {
    const { layout } = this.#output
    switch (command.word) {
      case "sub":
        return this.#subscribe(command.filter, command.qos ?? this.#settings.qos)
      case "unsub":
        return this.#unsubscribe(command.filter)
      case "pub":
        return this.#publish(command)
      case "topics":
        return this.#output.lines(topicLines(this.seen, command.filter, new Date(), layout()))
      case "last":
        return this.#last(command.topic)
      case "subs":
        return this.#output.lines(subscriptionLines(this.#subscriptions))
      case "status":
        return this.#output.lines(this.#status())
      case "wait":
        return this.#wait(command.messages, command.withinMs)
      case "set":
        if (command.change === undefined) return this.#output.lines(this.#settingLines())
        this.#settings = { ...this.#settings, ...command.change }
        return
      case "help":
        return this.#output.lines(helpLines(command.about, layout()))
      case "quit":
        return
      default:
        return unreachable(command)
    }
  }

  #settingLines(): readonly string[] {
    return Object.entries(this.#settings).map(([name, value]) => `${name} ${harmless(String(value))}`)
  }

  async #subscribe(filter: string, qos: Qos): Promise<void> {
    const [code] = (await this.#client().subscribe([request(filter, qos)])).reasonCodes
    if (code !== undefined && isError(code)) {
      throw new Refused(
        `subscription to ${harmless(filter)} denied: ${describeReasonCode(code)} (${code})`,
        code,
      )
    }
    this.#subscriptions.set(filter, qos)
    const granted = code === undefined || Number(code) === qos ? "" : `, but QoS ${code} at most`
    this.#output.note(`subscribed to ${harmless(filter)}${granted}`)
  }

  async #unsubscribe(filter: string): Promise<void> {
    if (!this.#subscriptions.has(filter)) {
      throw new CommandError(`there is no subscription to ${harmless(filter)}; subs lists them`)
    }
    const [code] = (await this.#client().unsubscribe([filter])).reasonCodes
    if (code !== undefined && isError(code)) {
      throw new Refused(
        `unsubscribe from ${harmless(filter)} refused: ${describeReasonCode(code)} (${code})`,
        code,
      )
    }
    this.#subscriptions.delete(filter)
    this.#output.note(`unsubscribed from ${harmless(filter)}`)
  }

  async #publish({
    topic,
    payload,
    qos = this.#settings.qos,
    retain,
  }: ShellCommand & { word: "pub" }): Promise<void> {
    const answer = await this.#client().publish({ topic, payload: Buffer.from(payload), qos, retain })
    if (isError(answer.reasonCode)) {
      const { sentence, exitCode } = bantamManner.publishRefused(topic, answer, 1)
      throw new Refused(harmless(sentence), exitCode)
    }
    this.#published += 1
    const isHeard = answer.reasonCode !== ReasonCode.noMatchingSubscribers
    // At QoS 0 nobody answers, so that there is nothing to tell.
    if (qos > 0) this.#output.note(`the broker has it${isHeard ? "" : ", and nobody is subscribed to it"}`)
  }

  #last(topic: string): void {
    const seen = this.seen.get(topic)
    if (seen === undefined) {
      throw new CommandError(`nothing was seen on ${harmless(topic)} so far; subscribe to it first`)
    }
    const layout = { ...this.#output.layout(), payloadLines: Number.POSITIVE_INFINITY }
    this.#output.lines(messageText(seen.last, seen.lastAt, "human", layout))
    const cut = seen.lastBytes - seen.last.payload.length
    if (cut > 0) this.#output.lines([layout.paint.dim(`… ${cut} bytes more were not kept`)])
  }

  async #wait(messages: number, withinMs: number): Promise<void> {
    if (messages === 0) return void (await Bun.sleep(withinMs))
    if (await this.#arrivals.wait(messages, withinMs)) return
    throw new Refused(
      `no ${messages === 1 ? "message" : `${messages} messages`} within ${withinMs / 1000} s`,
      ExitCode.timedOut,
    )
  }

  #status(): readonly string[] {
    const connection = this.#connection
    if (connection === undefined) return []
    const traffic = { received: this.#arrivals.total, published: this.#published }
    return statusLines(connection, traffic, this.#subscriptions.size, this.seen, Date.now())
  }

  #client(): Client {
    const state = this.#connection?.state
    if (state?.at === "online") return state.client
    throw new Refused(
      "not connected at the moment; try again when the prompt says so",
      ExitCode.connectionLost,
    )
  }

  async #resubscribe(client: Client): Promise<void> {
    const requests = [...this.#subscriptions].map(([filter, qos]) => request(filter, qos))
    if (requests.length === 0) return
    const { reasonCodes } = await client.subscribe(requests)
    for (const [index, code] of reasonCodes.entries()) {
      const { filter = "" } = requests[index] ?? {}
      if (!isError(code)) continue
      this.#subscriptions.delete(filter)
      this.#output.note(`subscription to ${harmless(filter)} denied this time: ${describeReasonCode(code)}`)
    }
  }
}

function request(filter: string, qos: Qos) {
  return { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}
