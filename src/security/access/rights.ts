import type { Qos } from "../../protocol/packet.ts"
import type { TopicFilter, TopicName } from "../../protocol/topic.ts"
import type { AccessRule } from "./access-rule.ts"
import type { RightsBits, RightsTree } from "./rights-tree.ts"

/*
 * What can be asked, a bit each: six ways to publish, one to read, three to subscribe. What is denied stands in the low
 * bits and what is allowed above them, so that one number holds the verdicts of any number of rules.
 */
export const readBit = 1 << 6
const allBits = (1 << 10) - 1
const allowedShift = 10

export function publishBit(qos: Qos, retain: boolean): RightsBits {
  return 1 << (qos * 2 + (retain ? 1 : 0))
}

export function subscribeBit(qos: Qos): RightsBits {
  return 1 << (7 + qos)
}

/** What these bits deny, as the bits of questions. */
export function deniedBits(bits: RightsBits): RightsBits {
  return bits & allBits
}

/** What these bits allow, as the bits of questions. */
export function allowedBits(bits: RightsBits): RightsBits {
  return bits >> allowedShift
}

/** What the rule says, about topics that it matches. */
export function bitsOf({ effect, action, qos, retain }: AccessRule): RightsBits {
  let bits = 0
  for (const each of [0, 1, 2] as const) {
    if (qos !== undefined && !qos.includes(each)) continue
    if (action !== "subscribe") {
      if (retain !== true) bits |= publishBit(each, false)
      if (retain !== false) bits |= publishBit(each, true)
    }
    if (action !== "publish") bits |= subscribeBit(each)
  }
  // The QoS of a rule is that of the subscription: who may subscribe at one of them may read, whatever comes at which.
  if (action !== "publish" && (effect === "allow" || qos === undefined)) bits |= readBit
  return effect === "allow" ? bits << allowedShift : bits
}

/** Of these bits, those about subscribing. */
export function subscribingOnly(bits: RightsBits): RightsBits {
  const subscribing = subscribeBit(0) | subscribeBit(1) | subscribeBit(2)
  return bits & (subscribing | (subscribing << allowedShift))
}

/** Of these bits, that which lets read. */
export function readingOnly(bits: RightsBits): RightsBits {
  return bits & (readBit << allowedShift)
}

/**
 * So many topics are remembered for each client, and none that is longer: 25 KB, so that ten thousand who subscribe to
 * everything do not fill the memory.
 */
const mostKnownTopics = 256
const longestKnownTopic = 128

/**
 * What becomes of a subscription that matches more than its client may read. refuse: it is refused, and the client knows.
 * filter: it is granted as soon as some of it may be read, and the rest is never sent, as Mosquitto does it.
 */
export const wideSubscriptions = ["refuse", "filter"] as const
export type WideSubscriptions = (typeof wideSubscriptions)[number]

/** What one client may do, until the rules change. */
export class Rights {
  /** Rules that go before others stand in an earlier rank; within one, deny goes before allow. */
  readonly #ranks: readonly (readonly RightsTree[])[]
  readonly #otherwise: RightsBits
  readonly #wide: WideSubscriptions
  #known: Map<TopicName, RightsBits> | undefined
  #lastTopic: TopicName | undefined
  #last: RightsBits = 0

  /** @param otherwise whether what no rule decides is allowed */
  constructor(
    ranks: readonly (readonly RightsTree[])[],
    otherwise: boolean,
    wide: WideSubscriptions = "refuse",
  ) {
    this.#ranks = ranks
    this.#wide = wide
    this.#otherwise = otherwise ? allBits : 0
  }

  /** Hot. */
  mayPublish(topic: TopicName, qos: Qos, retain: boolean): boolean {
    return (this.#on(topic) & publishBit(qos, retain)) !== 0
  }

  /** Hot. */
  mayRead(topic: TopicName): boolean {
    return (this.#on(topic) & readBit) !== 0
  }

  /**
   * Whether one rule allows all that the filter matches, and none denies a part of it; where the rest is filtered, whether
   * a rule allows a part of it, and none denies it all.
   */
  maySubscribe(filter: TopicFilter, qos: Qos): boolean {
    const allowed = this.#decide(filter, (tree) => {
      const meeting = tree.meeting(filter)
      const covering = tree.covering(filter)
      return this.#wide === "refuse"
        ? deniedBits(meeting) | (covering & ~allBits)
        : deniedBits(covering) | (meeting & ~allBits)
    })
    return (allowed & subscribeBit(qos)) !== 0
  }

  #on(topic: TopicName): RightsBits {
    if (topic === this.#lastTopic) return this.#last
    let rights = this.#known?.get(topic)
    if (rights === undefined) {
      const words = topic.split("/")
      rights = this.#decide(topic, (tree) => tree.matching(topic, words))
      this.#learn(topic, rights)
    }
    this.#lastTopic = topic
    this.#last = rights
    return rights
  }

  #learn(topic: TopicName, rights: RightsBits): void {
    if (topic.length > longestKnownTopic) return
    this.#known ??= new Map()
    if (this.#known.size >= mostKnownTopics) this.#known.clear()
    this.#known.set(topic, rights)
  }

  #decide(text: string, ask: (tree: RightsTree) => RightsBits): RightsBits {
    let undecided = allBits
    let allowed = 0
    for (const trees of this.#ranks) {
      let found = 0
      for (const tree of trees) found |= ask(tree)
      const denied = deniedBits(found)
      const granted = allowedBits(found) & ~denied
      allowed |= granted & undecided
      undecided &= ~(denied | granted)
    }
    // What the broker says of itself is for whom a rule names it.
    return text.startsWith("$") ? allowed : allowed | (undecided & this.#otherwise)
  }
}
