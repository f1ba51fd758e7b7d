import { Caller, type Outcome } from "./caller.ts"
import { nextWord, say, taskOf } from "./load-side.ts"

/*
 * Storms a broker with new connections, all begun in one turn, as after a power cut. Those that are let in stay until we
 * are told otherwise.
 */

export interface ConnectStormTask {
  readonly port: number
  readonly callers: number
}

export type ConnectStormSaid =
  | {
      readonly did: "stormed"
      readonly outcomes: Readonly<Record<Outcome, number>>
      /** From first to last, and the longest for one. */
      readonly seconds: number
      readonly longestMs: number
    }
  | { readonly did: "left" }

async function storm(): Promise<void> {
  const { port, callers } = taskOf<ConnectStormTask>()
  const beganAt = performance.now()
  const all = Array.from({ length: callers }, (_, index) => new Caller(port, `storm ${index}`))
  const answers = await Promise.all(all.map(({ answered }) => answered))
  const outcomes: Record<Outcome, number> = { served: 0, refused: 0, closed: 0 }
  for (const { outcome } of answers) outcomes[outcome] += 1
  const longestMs = Math.max(...answers.map(({ ms }) => ms))
  say<ConnectStormSaid>({
    did: "stormed",
    outcomes,
    longestMs,
    seconds: (performance.now() - beganAt) / 1000,
  })
  await nextWord()
  await Promise.all(all.map((caller) => caller.leave()))
  say<ConnectStormSaid>({ did: "left" })
}

if (import.meta.main) {
  await storm()
  process.exit()
}
