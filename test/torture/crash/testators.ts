import type { Destiny, TestatorWords } from "./testator.ts"

/** No round lasts so long. */
const long = 3600
const forEver = 0xffff_ffff

/** Destinies with the delays of their wills, in seconds. */
const delays: readonly (readonly [Destiny, readonly number[]])[] = [
  ["cut", [0, 1, 2]],
  ["connected", [0, 1, 2]],
  ["back before", [1, 2]],
  ["back after", [2]],
  ["gone", [0, 1]],
]

/** Clients with a will and each destiny there is. The last of the wills is due after all others. */
export function testatorsOf(round: number): readonly TestatorWords[] {
  const all: TestatorWords[] = []
  const add = (destiny: Destiny, words: Partial<TestatorWords>): void => {
    const number = all.length
    all.push({
      clientId: `testator ${round} ${number}`,
      topic: `wills/${round}/${number}`,
      destiny,
      version: 5,
      qos: 2,
      retain: number % 3 === 0,
      delaySeconds: 0,
      expirySeconds: number % 2 === 0 ? forEver : long,
      ...words,
    })
  }
  for (const [destiny, seconds] of delays) {
    for (const delaySeconds of seconds) {
      for (const qos of [1, 2, 2] as const) add(destiny, { delaySeconds, qos })
    }
  }
  for (const destiny of ["cut", "connected"] as const) {
    // The session ends before the delay is over, and its will comes then.
    for (const expirySeconds of [1, 2]) add(destiny, { delaySeconds: long, expirySeconds })
  }
  for (const destiny of ["cut", "connected", "gone"] as const) {
    add(destiny, { version: 4, expirySeconds: forEver })
  }
  add("connected", { delaySeconds: 3 })
  return all
}
