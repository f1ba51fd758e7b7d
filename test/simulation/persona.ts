import type { Qos } from "../../src/protocol/packet.ts"
import type { Random } from "../support/random.ts"

/** What kind of client somebody is. */
export interface Persona {
  readonly name: string
  readonly version: 4 | 5
  /** 0: its session ends with its connection. MQTT 3.1.1 knows only that and for ever. */
  readonly expirySeconds: number
  readonly keepAliveSeconds: number
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  readonly publishes: boolean
  readonly subscriptions: readonly WantedSubscription[]
  readonly will: { readonly qos: 1 | 2; readonly delaySeconds: number } | undefined
  /** Now and then it subscribes to something else, or asks for a clean start. */
  readonly isFickle: boolean
}

export interface WantedSubscription {
  /** As it is subscribed, `$share/…` included. */
  readonly text: string
  readonly filter: string
  readonly shareName: string | undefined
  readonly qos: Qos
}

export const forever = 0xffff_ffff

/** Where messages are published: each publisher has a retained topic of its own besides. */
export const topics = ["t/a", "t/b", "t/c/d"] as const

const filters = ["t/#", "t/a", "t/+", "t/b", "+/c/d", "#", "w/#", "r/+"] as const

/** Publishers, subscribers, members of share groups, and some who are several of these. */
export function personas(random: Random): Persona[] {
  const all: Persona[] = []
  for (let left = random.between(1, 3); left > 0; left--) all.push(publisher(random, `p${left}`))
  for (let left = random.between(1, 4); left > 0; left--) all.push(subscriber(random, `s${left}`))
  const members = random.pick([0, 0, 2, 3] as const)
  for (let left = members; left > 0; left--) all.push(member(random, `m${left}`))
  return all
}

function publisher(random: Random, name: string): Persona {
  return { ...anybody(random, name), publishes: true }
}

function subscriber(random: Random, name: string): Persona {
  const wanted = Array.from({ length: random.between(1, 3) }, () => own(random))
  return {
    ...anybody(random, name),
    publishes: random.chance(0.2),
    subscriptions: wanted.filter(
      ({ text }, index) => wanted.findIndex((other) => other.text === text) === index,
    ),
  }
}

/** Its session is for ever, so that a message it was chosen for is never lost with it. */
function member(random: Random, name: string): Persona {
  const qos = random.pick([1, 2] as const)
  return {
    ...anybody(random, name),
    expirySeconds: forever,
    subscriptions: [{ text: "$share/g/t/#", filter: "t/#", shareName: "g", qos }],
    isFickle: false,
  }
}

export function own(random: Random): WantedSubscription {
  const filter = random.pick(filters)
  return { text: filter, filter, shareName: undefined, qos: random.pick([0, 1, 1, 2, 2] as const) }
}

function anybody(random: Random, name: string): Persona {
  const version = random.pick([4, 5] as const)
  const lasting = random.chance(0.75)
  return {
    name,
    version,
    expirySeconds: !lasting
      ? 0
      : version === 5 && random.chance(0.4)
        ? random.pick([30, 600] as const)
        : forever,
    keepAliveSeconds: random.pick([0, 0, 20] as const),
    receiveMaximum: version === 5 ? random.pick([1, 2, 3, 10, 65_535] as const) : 65_535,
    topicAliasMaximum: random.pick([0, 0, 2] as const),
    publishes: false,
    subscriptions: [],
    will: random.chance(0.3)
      ? {
          qos: random.pick([1, 2] as const),
          delaySeconds: version === 5 ? random.pick([0, 10, 60] as const) : 0,
        }
      : undefined,
    isFickle: random.chance(0.3),
  }
}
