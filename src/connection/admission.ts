import { unreachable } from "../foundation/assert.ts"
import { encodePacket } from "../protocol/encoder.ts"
import type { Auth, Connect, Packet } from "../protocol/packet.ts"
import { protocolError } from "../protocol/protocol-error.ts"
import { describeReasonCode, ReasonCode } from "../protocol/reason-code.ts"
import type { AuthenticationExchange, ExchangeOutcome } from "../security/authentication/exchange.ts"
import { type Bannable, banText } from "../security/guard/bans.ts"
import type { Requester } from "../security/requester.ts"
import type { Session } from "../session/session.ts"
import { Authenticating } from "./authenticating.ts"
import { type Refusal, type Welcome, welcome } from "./connect.ts"
import type { Door } from "./entrance.ts"
import type { ConnectionSurroundings } from "./surroundings.ts"

/** Whoever has a stranger at the door. */
export interface Doorkeeper {
  /** Says something to a client that is not let in yet. */
  say(bytes: Uint8Array): void
  /** Reads what is there, and what comes. */
  readOn(): void
  /** Reads nothing more for now. */
  readNoFurther(): void
  /** The client has said DISCONNECT. */
  leaves(): void
  refuse(refusal: Refusal): void
  /** The session is the client's alone. */
  admit(agreed: Welcome, session: Session, sessionPresent: boolean): void
}

type State =
  /** Somebody is asked who the client is, or its session is being opened: what it sends meanwhile waits. */
  | { readonly at: "waiting"; readonly requester: Requester | undefined }
  /** The client is asked who it is, in AUTH packets [4.12]. */
  | { readonly at: "authenticating"; readonly exchange: Authenticating }
  | { readonly at: "over" }

/** The way of one client from its CONNECT to its session, or to the refusal. */
export class Admission {
  readonly connect: Connect
  readonly #surroundings: ConnectionSurroundings
  readonly #door: Door
  readonly #keeper: Doorkeeper
  #state: State = { at: "waiting", requester: undefined }

  constructor(surroundings: ConnectionSurroundings, door: Door, connect: Connect, keeper: Doorkeeper) {
    this.#surroundings = surroundings
    this.#door = door
    this.connect = connect
    this.#keeper = keeper
  }

  /** It is the client's turn to say who it is. */
  get listens(): boolean {
    return this.#state.at === "authenticating" && this.#state.exchange.listens
  }

  /** It can be that the client keeps us waiting, and not only we the client. */
  get isConversation(): boolean {
    return this.#state.at === "authenticating"
  }

  /** Who is to be let in, as far as that is known. */
  get peer(): Bannable {
    const named = {
      clientId: this.connect.clientId,
      username: undefined,
      remoteAddress: this.#door.remoteAddress,
    }
    return this.#state.at === "waiting" ? (this.#state.requester ?? named) : named
  }

  /**
   * Lets the client in or refuses it: at once where nobody has to be waited for, as with most. A promise for each was a
   * tenth of what a connection cost (bench row connection-storm).
   *
   * @returns what has to be waited for
   */
  begin(): Promise<void> | undefined {
    const { username, properties } = this.connect
    const hasToBeAskedAbout =
      username !== undefined ||
      properties.authenticationMethod !== undefined ||
      this.#door.certificate !== undefined
    const turn = hasToBeAskedAbout ? this.#surroundings.admissions.turn() : undefined
    return turn === undefined ? this.#begin() : turn.then(() => this.#begin())
  }

  #begin(): Promise<void> | undefined {
    if (this.#state.at !== "waiting") return undefined
    const agreed = welcome(this.connect, this.#door, this.#surroundings, (method, exchange) =>
      this.#authenticate(method, exchange),
    )
    return agreed instanceof Promise ? this.#openInTurn(agreed) : this.#open(agreed)
  }

  /** Takes a packet of a client that is asked who it is. @throws ProtocolError */
  packet(packet: Packet): void {
    const state = this.#state
    switch (state.at) {
      case "authenticating":
        return this.#converse(state.exchange, packet)
      case "waiting":
      case "over":
        return
      default:
        return unreachable(state)
    }
  }

  /** Should its session be opened all the same, for that has begun, it leaves no will in it. */
  revoke(): void {
    if (this.#state.at === "waiting") this.#state.requester?.revoke()
  }

  /** The connection is over, or the client is in: nothing more comes of this. */
  end(): void {
    if (this.#state.at === "authenticating") this.#state.exchange.abandon()
    this.#state = { at: "over" }
  }

  #converse(exchange: Authenticating, packet: Packet): void {
    switch (packet.type) {
      case "auth":
        exchange.auth(packet)
        return this.#keeper.readNoFurther()
      case "disconnect":
        return this.#keeper.leaves()
      default:
        throw protocolError(`${packet.type} before CONNACK [MQTT-3.1.2-30]`)
    }
  }

  async #authenticate(method: string, exchange: AuthenticationExchange): Promise<ExchangeOutcome> {
    const { properties } = this.connect
    const authenticating = new Authenticating({
      method,
      exchange,
      maximumPacketBytes: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
      ask: (auth) => this.#ask(auth),
    })
    this.#state = { at: "authenticating", exchange: authenticating }
    authenticating.begin(properties.authenticationData)
    const outcome = await authenticating.outcome
    // What is here already was sent before our CONNACK, so it may be DISCONNECT and nothing else [MQTT-3.1.2-30].
    if (this.isConversation) this.#keeper.readOn()
    if (this.isConversation) this.#state = { at: "waiting", requester: undefined }
    return outcome
  }

  /** The client's turn. */
  #ask(auth: Auth): void {
    this.#keeper.say(encodePacket(auth, 5))
    this.#keeper.readOn()
  }

  async #openInTurn(agreed: Promise<Welcome | Refusal>): Promise<void> {
    const settled = await agreed
    await this.#surroundings.admissions.turn()
    await this.#open("reasonCode" in settled ? settled : this.#unlessBanned(settled))
  }

  /** Nobody looked for it by its user's name while it waited. */
  #unlessBanned(agreed: Welcome): Welcome | Refusal {
    const { bans, clock } = this.#surroundings
    const ban = bans.against(agreed.terms.principal, clock.wall())
    return ban === undefined ? agreed : { reasonCode: ReasonCode.banned, why: banText(ban) }
  }

  #open(agreed: Welcome | Refusal): Promise<void> | undefined {
    if (this.#state.at !== "waiting") return undefined
    if ("reasonCode" in agreed) {
      this.#keeper.refuse(agreed)
      return undefined
    }
    const { broker, quotas } = this.#surroundings
    const { clientId, principal: requester } = agreed.terms
    const there = broker.sessions.find(clientId)
    const takesOver = there?.link !== undefined && there.record.username === requester.username
    if (!quotas.enter(requester, takesOver)) {
      this.#keeper.refuse({
        reasonCode: ReasonCode.quotaExceeded,
        why: "its user has as many connections as it may",
      })
      return undefined
    }
    this.#state = { at: "waiting", requester }
    return broker.sessions.open({
      clientId,
      username: requester.username,
      cleanStart: agreed.cleanStart,
      expiryIntervalSeconds: agreed.terms.sessionExpiryIntervalSeconds,
      will: agreed.will,
      opened: (session, sessionPresent) => {
        quotas.entered(requester)
        if (this.#isOver) this.#hasLeft(agreed, session, sessionPresent)
        else this.#keeper.admit(agreed, session, sessionPresent)
      },
      refused: (reasonCode) => {
        quotas.entered(requester)
        this.#keeper.refuse({ reasonCode, why: describeReasonCode(reasonCode) })
      },
    })
  }

  get #isOver(): boolean {
    return this.#state.at === "over"
  }

  /** The client left while its session was being opened. Its will is held to what becomes of its account. */
  #hasLeft({ terms, assigned, accountsEdition }: Welcome, session: Session, sessionPresent: boolean): void {
    const { broker, users } = this.#surroundings
    const { principal } = terms
    const withWill = session.record.will !== undefined && !principal.isRevoked
    if (withWill) users.leftAtTheDoor(principal, accountsEdition)
    // Nobody could come back to a session whose name was told to nobody.
    const isUnknown = assigned && !sessionPresent
    broker.sessions.disconnected(session, withWill, isUnknown ? 0 : undefined)
  }
}
