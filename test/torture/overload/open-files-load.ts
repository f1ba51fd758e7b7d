import { Caller } from "./caller.ts"
import { nextWord, say, taskOf } from "./load-side.ts"
import { manners, type Scheme, SlowPeer } from "./slow-peer.ts"

/*
 * Takes every connection there is: clients that come in and stay, and behind them those who hold one and say nothing.
 * New ones of both come until we are told to go.
 */

export interface OpenFilesTask {
  readonly ports: Readonly<Record<Scheme, number>>
  readonly callers: number
  /** Of each manner, at a time. */
  readonly peers: number
}

export type OpenFilesSaid =
  { readonly did: "came"; readonly served: number; readonly closed: number } | { readonly did: "left" }

/** Whoever is closed on comes again, but no more often: to be many is what they are for. */
const comeAgainMs = 1_000

async function crowd(): Promise<void> {
  const { ports, callers, peers } = taskOf<OpenFilesTask>()
  const all = Array.from({ length: callers }, (_, index) => new Caller(ports.tcp, `caller ${index}`))
  const answers = await Promise.all(all.map(({ answered }) => answered))
  const course = { isOver: false }
  const holders = manners.flatMap((manner) =>
    Array.from({ length: peers }, async () => {
      while (!course.isOver) {
        await Promise.all([new SlowPeer(ports[manner.scheme], manner).closed, Bun.sleep(comeAgainMs)])
      }
    }),
  )
  const served = answers.filter(({ outcome }) => outcome === "served").length
  say<OpenFilesSaid>({ did: "came", served, closed: callers - served })
  await nextWord()
  course.isOver = true
  await Promise.all(all.map((caller) => caller.leave()))
  await Promise.all(holders)
  say<OpenFilesSaid>({ did: "left" })
}

if (import.meta.main) {
  await crowd()
  process.exit()
}
