import type { Broker } from "../broker/broker.ts"
import type { SysTopics } from "../broker/sys-topics.ts"
import type { Acceptor } from "../connection/acceptor.ts"
import type { Clock } from "../foundation/clock.ts"
import type { Qos } from "../protocol/packet.ts"
import type { TopicLimits } from "../protocol/topic.ts"
import type { AccountStore } from "../storage/account-store.ts"
import type { StoreMood } from "../storage/store.ts"

export interface StoreFile {
  readonly name: string
  readonly bytes: number
}

/** What those who administer a broker are shown of it, and reach it by. */
export interface ManagementSurroundings {
  readonly broker: Broker
  readonly acceptor: Acceptor
  readonly sysTopics: SysTopics
  /** Where it is written down who changed what. */
  readonly accounts: AccountStore
  readonly clock: Clock
  readonly version: string
  /** The real addresses. */
  readonly urls: readonly string[]
  /** Undefined: everything is kept in memory. */
  readonly directory: string | undefined
  readonly durability: "full" | "normal" | "none"
  readonly storeMood: StoreMood
  /** Sizes of the store's files by name; none where everything is kept in memory. */
  storeFiles(): readonly StoreFile[]
  readonly limits: {
    readonly connections: number
    readonly subscriptionsPerClient: number
    readonly maximumQos: Qos
    readonly sharedSubscriptions: boolean
    readonly wildcardSubscriptions: boolean
    readonly topics: TopicLimits
  }
}

/** A time by the broker's own clock as a date by the wall, as well as it is known now. */
export function dateOf(clock: Clock, atMs: number): string {
  return new Date(clock.wall() - (clock.now() - atMs)).toISOString()
}
