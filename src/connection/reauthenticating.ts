import type { Auth } from "../protocol/packet.ts"
import { protocolError } from "../protocol/protocol-error.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { ExchangeOutcome } from "../security/authentication/exchange.ts"
import type { OnlineUsers } from "../security/online-users.ts"
import { Authenticating, authPacket, fits, type Proof } from "./authenticating.ts"
import type { ClientKeeper, Peer } from "./surroundings.ts"
import type { Terms } from "./terms.ts"

/**
 * A client that is online proves again who it is, whenever it likes [4.12.1]. Everything else goes on meanwhile, on the
 * strength of what it has proven before.
 */
export class Reauthenticating {
  readonly #peer: Peer
  readonly #terms: Terms
  readonly #proof: Proof | undefined
  readonly #keeper: ClientKeeper
  readonly #users: OnlineUsers
  /** How often accounts had changed before its own was looked at. */
  #accountsEdition = 0
  #exchange: Authenticating | undefined

  /** @param proof undefined: the client was let in without a method, and has no AUTH [MQTT-4.12.0-7] */
  constructor(peer: Peer, terms: Terms, proof: Proof | undefined, keeper: ClientKeeper, users: OnlineUsers) {
    this.#users = users
    this.#peer = peer
    this.#terms = terms
    this.#proof = proof
    this.#keeper = keeper
  }

  /** @throws ProtocolError for an AUTH that has no place here */
  auth(packet: Auth): void {
    const proof = this.#proof
    if (proof === undefined) {
      throw protocolError("AUTH from a client without an authentication method [MQTT-4.12.0-7]")
    }
    if (packet.reasonCode === ReasonCode.reAuthenticate) return this.#begin(proof, packet)
    if (this.#exchange === undefined) throw protocolError("AUTH that goes on with nothing [4.12.1]")
    this.#exchange.auth(packet)
  }

  /** The connection ends, and whatever comes of an exchange means nothing any more. */
  close(): void {
    this.#exchange?.abandon()
  }

  #begin(proof: Proof, { properties }: Auth): void {
    const { method } = proof
    if (properties.authenticationMethod !== method) {
      throw protocolError("re-authentication by another method than that of the CONNECT [MQTT-4.12.1-1]")
    }
    if (this.#exchange !== undefined)
      throw protocolError("a second re-authentication during the first [4.12.1]")
    const exchange = proof.again()
    if (exchange === undefined)
      return this.#keeper.distrust(`authentication method ${method} is not offered any more`)
    this.#accountsEdition = this.#users.edition
    this.#exchange = new Authenticating({
      method,
      exchange,
      maximumPacketBytes: this.#terms.maximumPacketBytes,
      ask: (auth) => this.#peer.send(auth),
    })
    this.#exchange.outcome
      .then((outcome) => this.#end(method, outcome))
      .catch((error: unknown) => this.#keeper.fail(error))
    this.#exchange.begin(properties.authenticationData)
  }

  #end(method: string, outcome: ExchangeOutcome): void {
    this.#exchange = undefined
    if (outcome.verdict === "reject") return this.#keeper.distrust(outcome.why)
    const { principal } = this.#terms
    if (outcome.principal.username !== principal.username) {
      // The session belongs to whoever made it [5.4.2].
      return this.#keeper.distrust(
        `it is another user than before: ${outcome.principal.username ?? "nobody"}`,
      )
    }
    const auth = authPacket(ReasonCode.success, method, outcome.data)
    if (!fits(auth, this.#terms.maximumPacketBytes)) return this.#peer.close(ReasonCode.packetTooLarge)
    principal.become(outcome.principal)
    this.#users.recheck(principal.username, this.#accountsEdition)
    this.#keeper.renewed()
    this.#peer.send(auth)
  }
}
