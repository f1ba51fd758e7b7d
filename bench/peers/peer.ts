import type { BrokerNeeds } from "../scenario-kinds.ts"

/** A broker that takes part in the bench. */
export interface Peer {
  /** The heading of its column. */
  readonly name: string
  /** The name that scenarios know it by: a second build of ours is still a "bantam". */
  readonly kind: string
  readonly version: string
  /** What to know about it when one compares, for the foot of the table. */
  readonly about: string
  /** Resolves when clients may connect. */
  start(needs: BrokerNeeds, place: Place): Promise<RunningPeer>
}

/** What a peer may use while it runs. */
export interface Place {
  /** Empty at first, and removed afterwards. */
  readonly directory: string
  /** For its TLS listener. */
  readonly certFile: string
  readonly keyFile: string
}

/** A broker that runs for the bench, on free ports of 127.0.0.1. */
export interface RunningPeer {
  readonly pid: number
  readonly tcpPort: number
  readonly tlsPort: number | undefined
  readonly webSocketPort: number | undefined
  /** Resolves with the reason when it ends, asked to or not. */
  readonly ended: Promise<string>
  end(signal: "SIGTERM" | "SIGKILL"): void
}

/** Whether a scenario that names its peers can be run with this one. */
export function takesPart(peer: Peer, peers: "all" | readonly string[]): boolean {
  return peers === "all" || peers.includes(peer.kind)
}
