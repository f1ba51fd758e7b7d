import { Random } from "../../support/random.ts"
import { nextWord, say, taskOf } from "./load-side.ts"
import { Probe } from "./probe.ts"
import { Racer } from "./racer.ts"

/*
 * Many connections at once with few client identifiers, round after round: with a clean start or without one, with
 * subscriptions and messages behind the CONNECT, some cut in the middle of it. In the end one of each is there, or none.
 */

export interface FlipFlopTask {
  readonly port: number
  readonly seed: number
  readonly clientIds: number
  readonly connections: number
  readonly rounds: number
}

export type FlipFlopSaid =
  | {
      readonly did: "raced"
      readonly connections: number
      /** Connections that were told why they had to go, which before MQTT 5 none is. */
      readonly told: number
      readonly faults: readonly string[]
    }
  | { readonly did: "left" }

/** Of a connection that should be closed by then. */
const patienceMs = 20_000

async function race(): Promise<void> {
  const { port, seed, clientIds, connections, rounds } = taskOf<FlipFlopTask>()
  const random = new Random(seed)
  const faults: string[] = []
  let told = 0
  const fault = (what: string) => void faults.push(what)
  const owner = { fault, takenOver: () => void (told += 1) }
  let open: readonly Racer[] = []
  for (let round = 0; round < rounds && faults.length === 0; round++) {
    const racers = Array.from(
      { length: connections },
      () => new Racer(port, `racer-${random.below(clientIds)}`, random, owner),
    )
    await Promise.all(racers.map(({ answered }) => answered))
    open = await untilAlone([...open, ...racers], fault)
  }
  say<FlipFlopSaid>({ did: "raced", connections: rounds * connections, told, faults: faults.slice(0, 10) })

  await nextWord()
  const nobody = { took: () => {}, lost: () => {} }
  for (let number = 0; number < clientIds; number++) {
    const last = await Probe.connect(port, `racer-${number}`, nobody)
    await last.leave()
  }
  say<FlipFlopSaid>({ did: "left" })
}

/** @returns who is left, when no two with one client identifier are */
async function untilAlone(
  racers: readonly Racer[],
  onFault: (what: string) => void,
): Promise<readonly Racer[]> {
  const late = Promise.withResolvers<"late">()
  const timer = setTimeout(() => late.resolve("late"), patienceMs)
  for (;;) {
    const open = racers.filter(({ isOpen }) => isOpen)
    const ids = new Set(open.map(({ clientId }) => clientId))
    if (open.length === ids.size) {
      clearTimeout(timer)
      return open
    }
    const next = await Promise.race([...open.map(({ closed }) => closed), late.promise])
    if (next !== "late") continue
    onFault(`${open.length} connections of ${ids.size} clients stay open`)
    return open
  }
}

if (import.meta.main) {
  await race()
  process.exit()
}
