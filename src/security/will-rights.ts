import type { Clock } from "../foundation/clock.ts"
import type { Message } from "../protocol/message.ts"
import type { AuthorizationChain } from "./access/authorization.ts"
import type { RefusalListener } from "./access/refusal-trail.ts"
import type { Bans } from "./guard/bans.ts"
import type { OnlineUsers } from "./online-users.ts"
import { Requester } from "./requester.ts"

interface WillSurroundings {
  readonly users: OnlineUsers
  readonly bans: Bans
  readonly authorization: AuthorizationChain
  readonly refusals: RefusalListener
  readonly clock: Clock
}

/** Whether a will may be published, when its time has come: what its client may do by then counts. */
export class WillRights {
  readonly #surroundings: WillSurroundings

  constructor(surroundings: WillSurroundings) {
    this.#surroundings = surroundings
  }

  /** Asked once of each will: its client is waited for no longer. */
  mayPublish({ publisher, topic, qos, retain }: Message): boolean {
    const { users, bans, authorization, refusals, clock } = this.#surroundings
    users.willIsDone(publisher)
    if (bans.against(publisher, clock.wall()) !== undefined) return false
    const requester = Requester.of(publisher)
    if (authorization.mayPublish(requester, topic.name, qos, retain)) return true
    refusals.willRefused(requester, topic.name, qos, retain)
    return false
  }
}
