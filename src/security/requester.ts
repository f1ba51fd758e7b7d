import type { Publisher } from "../protocol/message.ts"
import type { Identity } from "./authentication.ts"
import type { Rights } from "./rights.ts"

/** Whoever asks what he may do: one for a connection, so that what was worked out for it once is at hand. */
export class Requester implements Identity {
  readonly username: string | undefined
  readonly clientId: string
  readonly remoteAddress: string | undefined
  /** What follows for it from the access rules, and from which edition of them. Their own note, and nobody else's. */
  rights: Rights | undefined
  edition: object | undefined

  constructor(username: string | undefined, clientId: string, remoteAddress: string | undefined) {
    this.username = username
    this.clientId = clientId
    this.remoteAddress = remoteAddress
  }

  /** For a will, which is published when nobody asks any more. */
  static of({ username, clientId, remoteAddress }: Publisher): Requester {
    return new Requester(username, clientId, remoteAddress)
  }
}
