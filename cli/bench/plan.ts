import type { ProtocolVersion, Qos } from "../../src/protocol/packet.ts"
import type { ConnectTarget } from "../../src/transport/connect.ts"
import type { Parties } from "./topology.ts"

export const shapes = ["pub", "sub", "fanout", "fanin", "conn", "offline"] as const

export type Shape = (typeof shapes)[number]

/** A broker, and who we say that we are. */
export interface Server {
  readonly target: ConnectTarget
  /** As one writes it, without a password. */
  readonly url: string
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
}

/** When a load is over. Nothing of a load by count is left out of the measurement. */
export type Extent =
  | { readonly by: "time"; readonly warmUpMs: number; readonly ms: number }
  | { readonly by: "count"; readonly count: number }

/** A load, whatever broker it is put on. */
export interface Plan extends Parties {
  readonly shape: Shape
  readonly version: ProtocolVersion
  readonly keepAliveSeconds: number
  /** Client identifiers begin with it. */
  readonly idPrefix: string
  /** Topics are below it. */
  readonly topicPrefix: string
  readonly qos: Qos
  readonly payloadBytes: number
  /** Messages of a publisher that may be on their way; for `conn`, connections that may be opening. */
  readonly inFlight: number
  /** Open loop: of all together. Undefined: closed loop. */
  readonly perSecond: number | undefined
  readonly connectsPerSecond: number
  readonly extent: Extent
}
