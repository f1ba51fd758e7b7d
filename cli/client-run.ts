import { Client } from "../src/client/client.ts"
import { type ClientEnd, ConnectionEnded } from "../src/client/client-end.ts"
import type { ClientOptions } from "../src/client/client-options.ts"
import { noProperties, type PropertiesOf } from "../src/protocol/properties.ts"
import { ReasonCode } from "../src/protocol/reason-code.ts"
import { connect } from "../src/transport/connect.ts"
import type { ByteOutput } from "./byte-output.ts"
import type { ConnectionPlan } from "./connection-options.ts"
import type { Complaint } from "./manner.ts"
import { packetLine } from "./packet-line.ts"
import { lookUpServer } from "./srv-lookup.ts"

export interface RunOptions {
  readonly debug?: true
  readonly quiet?: true
}

/** What a command makes of what happens. */
export interface OwnOptions extends Pick<ClientOptions, "acknowledge" | "onMessage"> {
  /** Prints a line about what went wrong, newline included; on standard error unless told. */
  readonly say?: (line: string) => void
}

/** How long Mosquitto waits before it connects again. */
const reconnectDelayMs = 1000

/** One run of a client command: what went wrong on the way, and what the process exits with. */
export class ClientRun {
  readonly #plan: ConnectionPlan
  readonly #quiet: boolean
  readonly #say: (line: string) => void
  readonly #makeClient: () => Client
  readonly #leaving = Promise.withResolvers<void>()
  #client: Client
  #connack: PropertiesOf<"connack"> = noProperties
  #isLeaving = false
  #isPaused = false

  constructor(
    plan: ConnectionPlan,
    { debug, quiet }: RunOptions,
    output: ByteOutput,
    { say = (line) => process.stderr.write(line), ...own }: OwnOptions = {},
  ) {
    this.#plan = plan
    this.#quiet = quiet === true
    this.#say = say
    const telling: Pick<ClientOptions, "onPacket"> =
      debug === true
        ? { onPacket: (way, packet) => output.text(packetLine(this.client.clientId, way, packet)) }
        : {}
    this.#makeClient = () => new Client({ ...plan.client, ...own, ...telling })
    this.#client = this.#makeClient()
  }

  /** Of the connection that stands, or is the next to. */
  get client(): Client {
    return this.#client
  }

  /** What the server said of itself when the connection came to stand; nothing before MQTT 5.0. */
  get connack(): PropertiesOf<"connack"> {
    return this.#connack
  }

  /** Connects, lets `work` be done, says goodbye. */
  async finish(work: () => Promise<void>): Promise<void> {
    const failure = await this.#attempt(work)
    if (failure !== undefined) this.fail(failure.complaint)
  }

  /**
   * The same, and once more after each connection that breaks, until we say goodbye ourselves or are refused.
   *
   * @param onBroken called for each, and for each try to come back that fails
   */
  async persist(work: () => Promise<void>, onBroken: (why: string) => void = () => {}): Promise<void> {
    for (let first = true; ; first = false) {
      const failure = await this.#attempt(work)
      if (failure === undefined || this.#isLeaving) return
      const mayReturn = failure.at === "broken" || (failure.at === "unreachable" && !first)
      if (!mayReturn) return this.fail(failure.complaint)
      onBroken(failure.complaint.sentence)
      await Promise.race([Bun.sleep(reconnectDelayMs), this.#leaving.promise])
      if (this.#isLeaving) return
      this.#client = this.#makeClient()
    }
  }

  /** Reads no more until `resume`, from the connections to come as well. */
  pause(): void {
    this.#isPaused = true
    this.#client.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#client.resume()
  }

  /** Ends the run: it comes back once all that was sent is with the server. Nothing more is read. */
  sayGoodbye(reasonCode: ReasonCode = ReasonCode.normalDisconnection): Promise<ClientEnd> {
    this.#isLeaving = true
    this.#leaving.resolve()
    return this.#client.disconnect(reasonCode, this.#plan.properties.disconnect)
  }

  /** Says what went wrong. The first failure settles the exit code. */
  fail({ sentence, exitCode }: Complaint): void {
    this.warn(sentence)
    process.exitCode ||= exitCode
  }

  /** Says it, unless --quiet. */
  warn(sentence: string): void {
    if (!this.#quiet) this.#say(this.#plan.manner.line(sentence))
  }

  /** @returns undefined when all went well */
  async #attempt(work: () => Promise<void>): Promise<Failure | undefined> {
    const client = this.#client
    const { target, manner, isLookedUp } = this.#plan
    const connecting = (isLookedUp ? lookUpServer(target) : Promise.resolve(target))
      .then((found) => connect(found, client.socketOwner))
      .catch((error: unknown) => {
        return { at: "unreachable", complaint: manner.unreachable(error, target) } as const
      })
    const socket = await Promise.race([connecting, this.#leaving.promise])
    if (socket === undefined) return undefined
    if ("at" in socket) return socket
    try {
      this.#connack = (await client.start(socket)).properties
      if (this.#isPaused) client.pause()
      // Work that waits for standard input would not notice that nobody is there any more.
      await Promise.race([work(), client.ended.then(throwUnlessOver)])
      await this.sayGoodbye()
      return undefined
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error
      const { end } = error
      if (end.why === "failed") throw error.cause
      if (end.why === "disconnected") return undefined
      const complaint = manner.ended(end, this.#plan.client.version)
      return { at: end.why === "refused" ? "refused" : "broken", complaint }
    }
  }
}

/** Where a connection failed. */
interface Failure {
  readonly at: "unreachable" | "refused" | "broken"
  readonly complaint: Complaint
}

function throwUnlessOver(end: ClientEnd): void {
  if (end.why !== "disconnected") throw new ConnectionEnded(end)
}
