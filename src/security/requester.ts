import type { Publisher } from "../protocol/message.ts"
import type { Attributes } from "../storage/account-store.ts"
import type { AccessRule } from "./access-rule.ts"
import { type Identity, type Principal, plainPrincipal } from "./identity.ts"
import type { Rights } from "./rights.ts"

/** Whoever asks what he may do: one for a connection, so that what was worked out for it once is at hand. */
export class Requester implements Identity {
  readonly clientId: string
  readonly remoteAddress: string | undefined
  /** What follows for it from the access rules, and from which edition of them. Their own note, and nobody else's. */
  rights: Rights | undefined
  edition: object | undefined
  #principal: Principal
  #isRevoked = false

  constructor(principal: Principal, clientId: string, remoteAddress: string | undefined) {
    this.#principal = principal
    this.clientId = clientId
    this.remoteAddress = remoteAddress
  }

  /** For a will, which is published when nobody asks any more, by somebody of whom only the names are left. */
  static of({ username, clientId, remoteAddress }: Publisher): Requester {
    return new Requester(plainPrincipal(username), clientId, remoteAddress)
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

  get certificateName(): string | undefined {
    return this.#principal.certificateName
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
