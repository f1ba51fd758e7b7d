/** Who of a load publishes to which topics, and who hears them. */
export interface Parties {
  readonly publishers: number
  /** 0: nobody listens. */
  readonly subscribers: number
  readonly topics: number
  /**
   * `all`: every subscriber hears every topic. `apart`: the topics are dealt out among the subscribers, or the
   * subscribers among the topics, where they are more. `shared`: each message goes to one of them.
   */
  readonly hearing: "all" | "apart" | "shared"
}

/** The group of a shared subscription. */
const shareName = "bench"

/**
 * Topics of one length below a prefix. They are dealt out among the publishers as cards are; where there are more
 * publishers than topics, several have the same one.
 *
 * MQTT promises order for a publisher and a topic, so such a pair is what a subscriber checks: its _lane_. A lane has a
 * number that is the same for every subscriber of the topic, and a message its place in the lane.
 */
export class Topology {
  /** How many subscribers get each message. */
  readonly fanOut: number
  /** Lanes that one subscriber may hear. */
  readonly lanes: number
  readonly #parties: Parties
  readonly #prefix: string
  readonly #digits: number

  /** @param parties where the subscribers are dealt out among topics, as many to each: see `isEven` */
  constructor(parties: Parties, prefix: string) {
    const { publishers, subscribers, topics, hearing } = parties
    this.#parties = parties
    this.#prefix = prefix
    this.#digits = String(topics - 1).length
    const publishersOfTopic = Math.ceil(publishers / topics)
    if (hearing === "apart") {
      this.fanOut = subscribers === 0 ? 0 : Math.max(1, subscribers / topics)
      this.lanes = Math.max(1, Math.ceil(topics / Math.max(1, subscribers))) * publishersOfTopic
    } else {
      this.fanOut = hearing === "shared" ? Math.min(1, subscribers) : subscribers
      this.lanes = topics * publishersOfTopic
    }
  }

  /** In the order in which the publisher takes them. */
  topicsOf(publisher: number): string[] {
    return this.#numbersOf(publisher).map((number) => this.#topic(number))
  }

  /** By the place of the topic among those of the publisher. */
  lanesOf(publisher: number): Int32Array {
    const { publishers, subscribers, topics, hearing } = this.#parties
    const publishersOfTopic = Math.ceil(publishers / topics)
    const rank = Math.floor(publisher / topics)
    const lanes = this.#numbersOf(publisher).map((number) => {
      const local = hearing === "apart" ? Math.floor(number / Math.max(1, subscribers)) : number
      return local * publishersOfTopic + rank
    })
    return Int32Array.from(lanes)
  }

  filtersOf(subscriber: number): string[] {
    const { subscribers, topics, hearing } = this.#parties
    if (hearing !== "apart") {
      const filter = topics === 1 ? this.#topic(0) : `${this.#prefix}/+`
      return [hearing === "shared" ? `$share/${shareName}/${filter}` : filter]
    }
    return dealt(subscriber, subscribers, topics).map((number) => this.#topic(number))
  }

  #numbersOf(publisher: number): number[] {
    return dealt(publisher, this.#parties.publishers, this.#parties.topics)
  }

  #topic(number: number): string {
    return `${this.#prefix}/${String(number).padStart(this.#digits, "0")}`
  }
}

/** Whether each message has as many subscribers as any other. */
export function isEven({ subscribers, topics, hearing }: Parties): boolean {
  return hearing !== "apart" || subscribers <= topics || subscribers % topics === 0
}

/** The topics of one of the parties. */
function dealt(party: number, parties: number, topics: number): number[] {
  if (parties >= topics) return [party % topics]
  return Array.from({ length: Math.ceil((topics - party) / parties) }, (_, round) => party + round * parties)
}
