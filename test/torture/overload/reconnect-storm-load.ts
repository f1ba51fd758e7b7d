import { Random } from "../../support/random.ts"
import { SessionClient } from "../crash/session-client.ts"
import { nextWord, say, taskOf } from "./load-side.ts"
import { Probe } from "./probe.ts"

/*
 * Clients with sessions that last, which all come back at once by a second connection while what they publish to each
 * other is under way, again and again.
 */

export interface ReconnectStormTask {
  readonly port: number
  readonly seed: number
  readonly clients: number
  readonly rounds: number
  /** That each publishes between two storms. */
  readonly messages: number
}

export type ReconnectStormSaid =
  | { readonly did: "prepared" }
  | {
      readonly did: "stormed"
      readonly takeovers: number
      readonly published: number
      readonly delivered: number
      /** Acknowledged to its publisher, and never delivered. */
      readonly lost: number
      /** Delivered again: at QoS 1 it may be, after a takeover. */
      readonly again: number
      /** A message published when all was calm came more than once: somebody has two sessions. */
      readonly doubled: number
      readonly longestStormMs: number
      readonly faults: readonly string[]
    }
  | { readonly did: "left" }

const calm = "all is calm"

/** A client that hears what is published to its own topic. */
class Member {
  readonly topic: string
  readonly client: SessionClient
  readonly version: 4 | 5
  /** How often each came. */
  readonly heard = new Map<string, number>()
  readonly calmed = Promise.withResolvers<void>()

  constructor(number: number, onFault: (what: string) => void) {
    this.topic = `storm/${number}`
    this.version = number % 2 === 0 ? 5 : 4
    this.client = new SessionClient({
      version: this.version,
      clientId: `storm-${number}`,
      onMessage: ({ payload }) => this.#hear(Buffer.from(payload).toString()),
      onFault,
    })
  }

  get doubled(): number {
    return Math.max(0, (this.heard.get(calm) ?? 0) - 1)
  }

  #hear(text: string): void {
    this.heard.set(text, (this.heard.get(text) ?? 0) + 1)
    if (text === calm) this.calmed.resolve()
  }
}

async function storm(): Promise<void> {
  const { port, seed, clients, rounds, messages } = taskOf<ReconnectStormTask>()
  const random = new Random(seed)
  const faults: string[] = []
  const onFault = (what: string) => void faults.push(what)
  const members = Array.from({ length: clients }, (_, number) => new Member(number, onFault))
  await Promise.all(members.map(({ client }) => client.connect(port)))
  await Promise.all(members.map(({ client, topic }) => client.subscribe(topic, 1)))
  say<ReconnectStormSaid>({ did: "prepared" })

  await nextWord()
  /** Who is to get it, by what the broker has acknowledged. */
  const accepted = new Map<string, Member>()
  let published = 0
  let longestStormMs = 0
  for (let round = 0; round < rounds; round++) {
    for (const { client } of members) {
      for (let count = 0; count < messages; count++) {
        const receiver = members[random.below(clients)] ?? members[0]
        if (receiver === undefined) continue
        const text = `${published++}`
        client.publish(receiver.topic, text, 1, false, () => void accepted.set(text, receiver))
      }
    }
    const beganAt = performance.now()
    const earlier = members.map(({ client }) => client.closed)
    await Promise.all(members.map(({ client }) => client.connect(port)))
    // The broker closes what it has taken over: nobody here does.
    await Promise.all(earlier)
    longestStormMs = Math.max(longestStormMs, performance.now() - beganAt)
  }
  await Promise.all(members.map(({ client }) => client.whenIdle()))

  const [first] = members
  for (const { topic } of members) first?.client.publish(topic, calm, 1)
  await Promise.all(members.map(({ calmed }) => calmed.promise))
  await first?.client.whenIdle()
  // Who has two sessions has a second copy on its way, which stands in front of this answer.
  await Promise.all(members.map(({ client }) => client.ping()))
  const counts = members.flatMap(({ heard }) => [...heard.values()])
  say<ReconnectStormSaid>({
    did: "stormed",
    takeovers: rounds * clients,
    published,
    delivered: counts.length - clients,
    lost: [...accepted].filter(([text, { heard }]) => !heard.has(text)).length,
    again: counts.reduce((sum, count) => sum + count - 1, 0),
    doubled: members.reduce((sum, member) => sum + member.doubled, 0),
    longestStormMs,
    faults: faults.slice(0, 10),
  })

  await nextWord()
  const nobody = { took: () => {}, lost: () => {} }
  for (const { client, version } of members) {
    await client.leave()
    const last = await Probe.connect(port, client.clientId, nobody, { version })
    await last.leave()
  }
  say<ReconnectStormSaid>({ did: "left" })
}

if (import.meta.main) {
  await storm()
  process.exit()
}
