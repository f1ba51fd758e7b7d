/** At so many topics the quieter half is forgotten: what is loud stays, and a flood of new names costs next to nothing. */
const mostTopics = 4_096

/** A stranger chooses them; longer ones that begin alike are counted as one. In UTF-16 units. */
const longestName = 512

export interface TopicCount {
  /** One that is very long ends in an ellipsis. */
  readonly topic: string
  readonly messages: number
  readonly bytes: number
}

/** Counts messages by topic, of a bounded number of topics. One that comes back after it was forgotten begins anew. */
export class LoudestTopics {
  #counts = new Map<string, { messages: number; bytes: number }>()

  add(topic: string, bytes: number): void {
    if (topic.length <= longestName) this.#add(topic, bytes)
    // Copied, for a part of a text keeps the whole of it alive.
    else this.#add(`${Buffer.from(topic.slice(0, longestName)).toString()}…`, bytes)
  }

  #add(topic: string, bytes: number): void {
    const count = this.#counts.get(topic)
    if (count !== undefined) {
      count.messages += 1
      count.bytes += bytes
      return
    }
    if (this.#counts.size >= mostTopics) this.#forgetQuiet()
    this.#counts.set(topic, { messages: 1, bytes })
  }

  /** The loudest first. */
  top(count: number): readonly TopicCount[] {
    return this.#sorted()
      .slice(0, count)
      .map(([topic, { messages, bytes }]) => ({ topic, messages, bytes }))
  }

  #forgetQuiet(): void {
    this.#counts = new Map(this.#sorted().slice(0, mostTopics / 2))
  }

  #sorted() {
    return [...this.#counts].toSorted(([, one], [, other]) => other.messages - one.messages)
  }
}
