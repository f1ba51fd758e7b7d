import type { Publisher } from "../protocol/message.ts"
import type { Attributes } from "../storage/account-store.ts"
import type { AccessRule } from "./access/access-rule.ts"
import { type Identity, type Principal, plainPrincipal } from "./identity.ts"
import type { Rights } from "./access/rights.ts"

/** Of wills that wait, and so without keeping anybody who has gone. */
const ofPublishers = new WeakMap<Publisher, Requester>()

/** Whoever asks what he may do: one for a connection, so that what was worked out for it once is at hand. */
export class Requester implements Identity {
  readonly clientId: string
  readonly remoteAddress: string | undefined
  readonly certificateName: string | undefined
  /** What follows for it from the access rules, and from which edition of them. Their own note, and nobody else's. */
  rights: Rights | undefined
  edition: object | undefined
  #principal: Principal
  #isRevoked = false

  constructor(
    principal: Principal,
    clientId: string,
    remoteAddress: string | undefined,
    certificateName?: string,
  ) {
    this.#principal = principal
    this.clientId = clientId
    this.remoteAddress = remoteAddress
    this.certificateName = certificateName
  }

  /**
   * For a will, which is published when nobody asks any more: who left it, or somebody of whom only the names are known.
   */
  static of(publisher: Publisher): Requester {
    const { username, clientId, remoteAddress } = publisher
    const known = ofPublishers.get(publisher)
    return known ?? new Requester(plainPrincipal(username), clientId, remoteAddress)
  }

  /** What is published in this name later, this requester asks for. */
  leaves(publisher: Publisher): void {
    ofPublishers.set(publisher, this)
  }

  get principal(): Principal {
    return this.#principal
  }

  get username(): string | undefined {
    return this.#principal.username
  }

  get superuser(): boolean {
    return this.#principal.superuser
  }

  get groups(): readonly string[] {
    return this.#principal.groups
  }

  get attributes(): Attributes {
    return this.#principal.attributes
  }

  get rules(): readonly AccessRule[] | undefined {
    return this.#principal.rules
  }

  /** It may do nothing any more, not even have its will published. */
  get isRevoked(): boolean {
    return this.#isRevoked
  }

  /** What it is has changed while it is connected, and holds from the next message on. */
  become(principal: Principal): void {
    this.#principal = principal
    this.rights = undefined
    this.edition = undefined
  }

  revoke(): void {
    this.#isRevoked = true
  }
}
