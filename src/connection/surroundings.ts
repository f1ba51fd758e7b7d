import type { Broker } from "../broker/broker.ts"
import type { Clock } from "../foundation/clock.ts"
import type { Counters } from "../foundation/counters.ts"
import type { Log } from "../foundation/log.ts"
import type { PacketBounds } from "../protocol/byte-reader.ts"
import type { Disconnect, Packet, PacketId } from "../protocol/packet.ts"
import type { PublishReader } from "../protocol/publish-reader.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import type { ReasonCode } from "../protocol/reason-code.ts"
import type { TopicLimits } from "../protocol/topic.ts"
import type { AuthorizationChain } from "../security/access/authorization.ts"
import type { Bans } from "../security/guard/bans.ts"
import type { LoginGuard } from "../security/guard/login-guard.ts"
import type { OnlineUsers } from "../security/online-users.ts"
import type { RefusalListener } from "../security/access/refusal-trail.ts"
import type { UserQuotas } from "../security/guard/user-quotas.ts"
import type { Slices } from "./slices.ts"
import type { Turn } from "./turn.ts"
import type { ConnectionLimits } from "./terms.ts"

/** What all connections of a broker share. */
export interface ConnectionSurroundings {
  readonly broker: Broker
  readonly authorization: AuthorizationChain
  readonly users: OnlineUsers
  /** Told of all that the authorization refuses. */
  readonly refusals: RefusalListener
  readonly logins: LoginGuard
  readonly bans: Bans
  readonly quotas: UserQuotas
  /** In whose turns those are let in who had to be asked about. */
  readonly admissions: Slices
  readonly limits: ConnectionLimits
  readonly topicLimits: TopicLimits
  readonly packetBounds: PacketBounds
  /** One for all: a PUBLISH is read and routed before the next is looked at. */
  readonly publishReader: PublishReader
  /** One for all: it is routed before the next chunk is read. */
  readonly publishRun: PublishRun
  readonly clock: Clock
  readonly counters: Counters
  readonly log: Log
  /** What a client has sent at once, and what it is sent at once, is worked through in turns of this. */
  readonly turn: Turn
  /** More waits for the disk than should, so whoever publishes durably is to be read no further. */
  readonly storeIsBehind: boolean
  /** Calls `resume` when the store has caught up. */
  whenStoreCaughtUp(resume: () => void): void
}

/** Whom a client's parts tell what concerns its whole connection. */
export interface ClientKeeper {
  /** Says goodbye, as far as the version allows, and closes. */
  part(reasonCode: ReasonCode): void
  /** The client could not prove again who it is, for the reason that the log is told [MQTT-4.12.1-2]. */
  distrust(why: string): void
  /** The client has proven again who it is, and for how long. */
  renewed(): void
  /** Something was thrown in what the client asked for and had to wait for. */
  fail(error: unknown): void
  /** Reads no further for so long. Nothing is lost. */
  holdBack(ms: number): void
  /** The client has said goodbye. */
  farewell(disconnect: Disconnect): void
  /** Nothing of the session waits any more: what waited for that goes on. */
  deliverRetained(): void
}

/** What the parts of a connection ask of what is sent. */
export interface Peer {
  /** Hot. One of the four acknowledgements of a PUBLISH. */
  acknowledge(
    type: "puback" | "pubrec" | "pubrel" | "pubcomp",
    packetId: PacketId,
    reasonCode: ReasonCode,
  ): void
  send(packet: Packet): void
  close(reasonCode: ReasonCode): void
}
