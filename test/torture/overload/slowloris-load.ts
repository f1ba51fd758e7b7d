import { say, taskOf } from "./load-side.ts"
import { manners, type Scheme, SlowPeer } from "./slow-peer.ts"

/*
 * Thousands who hold connections and never say who they are, all in one turn.
 */

export interface SlowlorisTask {
  readonly ports: Readonly<Record<Scheme, number>>
  /** Of each manner. */
  readonly peers: number
}

export type SlowlorisSaid =
  | { readonly did: "came" }
  | {
      readonly did: "closed"
      readonly manners: readonly { readonly what: string; readonly longestMs: number }[]
    }

async function hold(): Promise<void> {
  const { ports, peers } = taskOf<SlowlorisTask>()
  const crowds = manners.map((manner) => ({
    what: `${manner.scheme}: ${manner.what}`,
    peers: Array.from({ length: peers }, () => new SlowPeer(ports[manner.scheme], manner)),
  }))
  say<SlowlorisSaid>({ did: "came" })
  const closed = crowds.map(async (crowd) => {
    const times = await Promise.all(crowd.peers.map((peer) => peer.closed))
    return { what: crowd.what, longestMs: Math.max(...times) }
  })
  say<SlowlorisSaid>({ did: "closed", manners: await Promise.all(closed) })
}

if (import.meta.main) {
  await hold()
  process.exit()
}
