import type { Destiny, TestatorWords } from "./testator.ts"

/** No round lasts so long. */
const long = 3600
const forEver = 0xffff_ffff

/** Destinies with the shortest delays of their wills, in seconds. */
const shortestDelays: readonly (readonly [Destiny, 0 | 1])[] = [
  ["cut", 0],
  ["connected", 0],
  ["back before", 1],
  ["back after", 1],
  ["gone", 0],
]

/**
 * Clients with a will and each destiny there is. The last of the wills is due after all others.
 *
 * @param longestDelay of the others, in seconds
 */
export function testatorsOf(round: number, longestDelay: number): readonly TestatorWords[] {
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
  for (const [destiny, shortest] of shortestDelays) {
    for (let delaySeconds: number = shortest; delaySeconds <= longestDelay; delaySeconds++) {
      for (const qos of [1, 2, 2] as const) add(destiny, { delaySeconds, qos })
    }
  }
  for (const destiny of ["cut", "connected"] as const) {
    // The session ends before the delay is over, and its will comes then.
    add(destiny, { delaySeconds: long, expirySeconds: 1 })
    add(destiny, { delaySeconds: long, expirySeconds: longestDelay })
  }
  for (const destiny of ["cut", "connected", "gone"] as const) {
    add(destiny, { version: 4, expirySeconds: forEver })
  }
  add("connected", { delaySeconds: longestDelay + 1 })
  return all
}
