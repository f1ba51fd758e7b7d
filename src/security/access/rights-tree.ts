import type { TopicFilter, TopicName } from "../../protocol/topic.ts"

/** Rights as bits; what the bits mean is known to whoever puts them here. */
export type RightsBits = number

/** The filters whose levels so far are the same. */
class Level {
  readonly words = new Map<string, Level>()
  /** Behind `+`. */
  any: Level | undefined
  /** Of the filter that ends here. */
  ending: RightsBits = 0
  /** Of the filter that goes on with `#`. */
  rest: RightsBits = 0
  /** Of all filters that begin so. */
  within: RightsBits = 0
}

/**
 * Rights by topic filter. Each question is answered with the bits of all filters that fit, in one walk that visits no
 * level twice, so a filter made of wildcards costs no more than the tree is large.
 *
 * A wildcard at the first level never reaches what begins with `$`, on either side [MQTT-4.7.2-1].
 */
export class RightsTree {
  readonly #root = new Level()
  #literal: Map<TopicFilter, RightsBits> | undefined

  put(filter: TopicFilter, rights: RightsBits): void {
    let level = this.#root
    for (const word of filter.split("/")) {
      if (word === "#") {
        level.within |= rights
        level.rest |= rights
        return
      }
      level.within |= rights
      level = below(level, word)
    }
    level.within |= rights
    level.ending |= rights
  }

  /** These rights are for whoever asks for the filter in these very words. */
  putLiteral(filter: TopicFilter, rights: RightsBits): void {
    this.#literal ??= new Map()
    this.#literal.set(filter, rights | (this.#literal.get(filter) ?? 0))
  }

  /**
   * Hot. Of all filters that match the topic.
   *
   * @param words its levels, for who asks several trees
   */
  matching(topic: TopicName, words: readonly string[] = topic.split("/")): RightsBits {
    if (!topic.startsWith("$")) return matching(this.#root, words, 0)
    const first = this.#root.words.get(words[0] ?? "")
    return first === undefined ? 0 : matching(first, words, 1)
  }

  /** Of all filters that match some topic which the given filter matches as well. */
  meeting(filter: TopicFilter): RightsBits {
    return meeting(this.#root, filter.split("/"), 0) | (this.#literal?.get(filter) ?? 0)
  }

  /** Of all filters that match each topic which the given filter matches. */
  covering(filter: TopicFilter): RightsBits {
    return covering(this.#root, filter.split("/"), 0) | (this.#literal?.get(filter) ?? 0)
  }
}

function below(level: Level, word: string): Level {
  if (word === "+") return (level.any ??= new Level())
  let next = level.words.get(word)
  if (next === undefined) level.words.set(word, (next = new Level()))
  return next
}

function matching(level: Level, words: readonly string[], depth: number): RightsBits {
  const word = words[depth]
  // `a/#` matches `a` too [4.7.1.2].
  if (word === undefined) return level.ending | level.rest
  let found = level.rest
  const named = level.words.get(word)
  if (named !== undefined) found |= matching(named, words, depth + 1)
  if (level.any !== undefined) found |= matching(level.any, words, depth + 1)
  return found
}

function meeting(level: Level, words: readonly string[], depth: number): RightsBits {
  const word = words[depth]
  if (word === undefined) return level.ending | level.rest
  if (word === "#" && depth > 0) return level.within
  if (word !== "+" && word !== "#") {
    const named = level.words.get(word)
    const found = named === undefined ? 0 : meeting(named, words, depth + 1)
    return isHidden(word, depth) ? found : found | level.rest | meetingAny(level, words, depth)
  }
  let found = level.rest | meetingAny(level, words, depth)
  for (const [name, next] of level.words) {
    if (isHidden(name, depth)) continue
    found |= word === "#" ? next.within : meeting(next, words, depth + 1)
  }
  return found
}

function meetingAny({ any }: Level, words: readonly string[], depth: number): RightsBits {
  if (any === undefined) return 0
  return words[depth] === "#" ? any.within : meeting(any, words, depth + 1)
}

function covering(level: Level, words: readonly string[], depth: number): RightsBits {
  const word = words[depth]
  if (word === undefined) return level.ending | level.rest
  // A topic has one level at least, so `+/#` is every topic too.
  if (word === "#") return level.rest | (depth === 0 ? (level.any?.rest ?? 0) : 0)
  const named = level.words.get(word)
  const found = named === undefined ? 0 : covering(named, words, depth + 1)
  if (isHidden(word, depth)) return found
  return found | level.rest | (level.any === undefined ? 0 : covering(level.any, words, depth + 1))
}

/** From a wildcard. */
function isHidden(word: string, depth: number): boolean {
  return depth === 0 && word.startsWith("$")
}
