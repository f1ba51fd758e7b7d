import type { Random } from "../support/random.ts"

/** Whatever goes wrong around a broker. */
export const faultKinds = [
  "cut",
  "cut of several",
  "one-way cut",
  "stall",
  "leap",
  "leap to a date",
  "wall put back",
  "wall put forward",
  "crash",
  "restart",
  "store failure",
  "store lost",
  "slow disk",
] as const
export type FaultKind = (typeof faultKinds)[number]

/** How the weather of one seed is. */
export interface Climate {
  /** How likely a storm begins at a step when nothing in particular is under way. */
  readonly outOfTheBlue: number
  /** The same where it hurts most: amid a handshake, as a session is taken over. */
  readonly atAWeakMoment: number
  /** What there is here at all, by weight. */
  readonly kinds: readonly { readonly kind: FaultKind; readonly weight: number }[]
}

export function climate(random: Random): Climate {
  const has = (probability: number, weight: number) => (random.chance(probability) ? weight : 0)
  const weights: Record<FaultKind, number> = {
    cut: 4,
    "cut of several": 2,
    "one-way cut": has(0.7, 3),
    stall: has(0.7, 2),
    leap: has(0.6, 2),
    "leap to a date": has(0.6, 3),
    "wall put back": has(0.6, 2),
    "wall put forward": has(0.6, 2),
    crash: has(0.6, 2),
    restart: has(0.6, 2),
    "store failure": has(0.4, 3),
    "store lost": has(0.2, 1),
    "slow disk": has(0.5, 2),
  }
  return {
    outOfTheBlue: random.pick([0, 0.004, 0.01] as const),
    atAWeakMoment: random.pick([0.01, 0.03, 0.08] as const),
    kinds: faultKinds.map((kind) => ({ kind, weight: weights[kind] })),
  }
}

/**
 * When something goes wrong: much at once for some steps, and then nothing for a while. A fault alone is what programs
 * are made for; what finds them out is the second while they are busy with the first.
 */
export class Weather {
  readonly #random: Random
  readonly #climate: Climate
  #kinds: readonly { readonly kind: FaultKind; readonly weight: number }[] = []
  #stormLeft = 0
  #calmLeft = 30
  storms = 0

  constructor(random: Random, climateOfSeed: Climate) {
    this.#random = random
    this.#climate = climateOfSeed
  }

  /** Called once a step. @returns what goes wrong in it, if something does */
  strikes(isWeakMoment: boolean): FaultKind | undefined {
    const random = this.#random
    if (this.#stormLeft === 0) {
      if (this.#calmLeft > 0) this.#calmLeft -= 1
      else if (random.chance(isWeakMoment ? this.#climate.atAWeakMoment : this.#climate.outOfTheBlue)) {
        this.#begin()
      }
      if (this.#stormLeft === 0) return undefined
    }
    this.#stormLeft -= 1
    return random.chance(0.5) ? random.weighted(this.#kinds)?.kind : undefined
  }

  /** Two to four kinds, that each storm has to itself. */
  #begin(): void {
    const random = this.#random
    this.storms += 1
    this.#stormLeft = random.between(3, 15)
    this.#calmLeft = random.between(10, 120)
    const left = [...this.#climate.kinds]
    this.#kinds = []
    for (let count = random.between(2, 4); count > 0; count--) {
      const chosen = random.weighted(left)
      if (chosen === undefined || chosen.weight === 0) return
      left.splice(left.indexOf(chosen), 1)
      this.#kinds = [...this.#kinds, chosen]
    }
  }
}
