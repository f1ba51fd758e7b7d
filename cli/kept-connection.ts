import { Client } from "../src/client/client.ts"
import { ConnectionEnded, describeEnd } from "../src/client/client-end.ts"
import type { ProtocolVersion, Publish } from "../src/protocol/packet.ts"
import { ReasonCode } from "../src/protocol/reason-code.ts"
import { connect } from "../src/transport/connect.ts"
import type { BrokerPlan } from "./broker-options.ts"
import { harmless } from "./harmless.ts"
import { bantamManner, type Complaint } from "./manner.ts"
import { lookUpServer } from "./srv-lookup.ts"

/** How long to wait before each further try; the last one holds for all that follow. */
const retryDelaysMs = [1_000, 2_000, 5_000, 10_000, 30_000] as const

export type ConnectionState =
  | { readonly at: "connecting" }
  | {
      readonly at: "online"
      readonly client: Client
      readonly version: ProtocolVersion
      readonly sinceMs: number
      /** How many connections there were before. */
      readonly returns: number
    }
  | { readonly at: "waiting"; readonly why: string; readonly delayMs: number }
  | { readonly at: "over" }

export interface ConnectionOwner {
  /** Hot. */
  message(publish: Publish): void
  /** Each new state as it begins. */
  changed(state: ConnectionState): void
}

/** A connection could not be made, or was lost and is not made again. */
export class NoConnection extends Error {
  override readonly name = "NoConnection"
  readonly exitCode: number

  constructor({ sentence, exitCode }: Complaint) {
    // A server may give a reason in words of its own.
    super(harmless(sentence.replace(/\.$/, "")))
    this.exitCode = exitCode
  }
}

/** A connection to a broker that is made again whenever it breaks. Subscriptions are up to its owner. */
export class KeptConnection {
  readonly plan: BrokerPlan
  readonly #owner: ConnectionOwner
  readonly #closing = Promise.withResolvers<void>()
  #state: ConnectionState = { at: "connecting" }
  #versions: readonly ProtocolVersion[]
  #returns = 0

  constructor(plan: BrokerPlan, owner: ConnectionOwner) {
    this.plan = plan
    this.#owner = owner
    this.#versions = plan.versions
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** @throws NoConnection when the first connection does not come to stand; it is not tried again */
  async open(): Promise<void> {
    const client = await this.#connect()
    if (this.#isOver) await client.disconnect()
    else void this.#keep(client)
  }

  /** Says goodbye. Nothing is heard of the connection any more. */
  async close(): Promise<void> {
    const state = this.#state
    this.#state = { at: "over" }
    this.#closing.resolve()
    if (state.at === "online") await state.client.disconnect()
  }

  get #isOver(): boolean {
    return this.#state.at === "over"
  }

  async #keep(first: Client): Promise<void> {
    let client: Client | undefined = first
    while (client !== undefined) {
      const end = await this.#online(client)
      client = this.#isOver ? undefined : await this.#return(describeEnd(end))
    }
  }

  #online(client: Client) {
    const [version = 4] = this.#versions
    this.#become({ at: "online", client, version, sinceMs: Date.now(), returns: this.#returns++ })
    return client.ended
  }

  /** @returns undefined when we are to leave */
  async #return(cause: string): Promise<Client | undefined> {
    let why = cause
    for (let attempt = 0; ; attempt++) {
      const delayMs = retryDelaysMs[Math.min(attempt, retryDelaysMs.length - 1)] ?? 0
      this.#become({ at: "waiting", why, delayMs })
      await Promise.race([Bun.sleep(delayMs), this.#closing.promise])
      if (this.#isOver) return undefined
      this.#become({ at: "connecting" })
      try {
        const client = await this.#connect()
        if (!this.#isOver) return client
        await client.disconnect()
        return undefined
      } catch (error) {
        if (!(error instanceof NoConnection)) throw error
        why = error.message
      }
      if (this.#isOver) return undefined
    }
  }

  #become(state: ConnectionState): void {
    this.#state = state
    this.#owner.changed(state)
  }

  /** @throws NoConnection */
  async #connect(): Promise<Client> {
    for (const version of this.#versions) {
      const isLast = version === this.#versions.at(-1)
      const client = new Client({
        ...this.plan.client,
        version,
        onMessage: (publish) => this.#owner.message(publish),
      })
      const socket = await this.#reach(client)
      try {
        await client.start(socket)
        this.#versions = [version]
        return client
      } catch (error) {
        if (!(error instanceof ConnectionEnded)) throw error
        if (isLast || !mayBeTooNew(error)) throw new NoConnection(bantamManner.ended(error.end, version))
      }
    }
    throw new Error("there is no version to try")
  }

  async #reach(client: Client) {
    const { target, isLookedUp } = this.plan
    try {
      return await connect(isLookedUp ? await lookUpServer(target) : target, client.socketOwner)
    } catch (error) {
      throw new NoConnection(bantamManner.unreachable(error, target))
    }
  }
}

/** A server that knows no MQTT 5.0 says so, or answers what that is not, or nothing at all [3.1.2.2]. */
function mayBeTooNew({ end }: ConnectionEnded): boolean {
  switch (end.why) {
    case "refused":
      return end.reasonCode === ReasonCode.unsupportedProtocolVersion
    case "protocol-error":
    case "lost":
      return true
    default:
      return false
  }
}
