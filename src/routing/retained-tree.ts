import { messageBytes, type Message } from "../protocol/message.ts"
import {
  contentBytesOf,
  type MessageRecord,
  MessageUnpacker,
  recordOf,
  topicNameOf,
} from "../protocol/message-record.ts"
import { type TopicFilter, topicMatches, type TopicName } from "../protocol/topic.ts"
import { Fork, LevelTrie } from "./level-trie.ts"

/** From topic name to its retained message, and from topic filter to all that match [3.3.1.3]. */
export class RetainedTree {
  readonly #records = new LevelTrie<MessageRecord>(topicNameOf)
  readonly #unpacker = new MessageUnpacker()
  #size = 0
  #bytes = 0

  get size(): number {
    return this.#size
  }

  /** Topic, payload and properties of all messages. */
  get bytes(): number {
    return this.#bytes
  }

  /** What `bytes` would be with this message as its topic's. */
  bytesWith(message: Message): number {
    const replaced = this.#records.get(message.topic.name)
    const replacedBytes = replaced === undefined ? 0 : contentBytesOf(replaced)
    return this.#bytes + messageBytes(message) - replacedBytes
  }

  /** The one writer: the message becomes its topic's retained message, or the topic has none any more. */
  apply(topic: TopicName, message: Message | undefined): void {
    if (message === undefined) this.#forget(this.#records.remove(topic))
    else this.put(topic, recordOf(message))
  }

  /** The same for a message that is a record already. */
  put(topic: TopicName, record: MessageRecord): void {
    this.#size += 1
    this.#bytes += contentBytesOf(record)
    this.#forget(this.#records.put(topic, record))
  }

  has(topic: TopicName): boolean {
    return this.#records.get(topic) !== undefined
  }

  get(topic: TopicName): Message | undefined {
    const record = this.#records.get(topic)
    return record === undefined ? undefined : this.#unpacker.unpack(record)
  }

  /**
   * Walks lazily, so that a million topics can be taken in slices while others go on. A level that was walked through
   * and holds no message yields undefined: `+/x` may have to pass by all of them.
   */
  match(filter: TopicFilter): IterableIterator<MessageRecord | undefined> {
    return new RetainedWalk(this.#records, filter)
  }

  #forget(record: MessageRecord | undefined): void {
    if (record === undefined) return
    this.#size -= 1
    this.#bytes -= contentBytesOf(record)
  }
}

type Way = Fork<MessageRecord> | MessageRecord

/** Where ways part, and some are still to be walked. */
interface Stage {
  readonly ways: Iterator<Way | undefined>
  /** How many levels lead to its ways. */
  readonly depth: number
}

/** Depth first. It may be left at any time and gone on with later, whatever has changed in between. */
class RetainedWalk implements IterableIterator<MessageRecord | undefined> {
  readonly #filter: TopicFilter
  readonly #levels: readonly string[]
  /** How many levels `#` has in front of it: whatever is that deep matches. */
  readonly #restDepth: number
  readonly #stages: Stage[] = []
  readonly #records: LevelTrie<MessageRecord>
  readonly #mergers: number
  /** Where it begins; undefined once it has. */
  #root: Way | undefined

  constructor(records: LevelTrie<MessageRecord>, filter: TopicFilter) {
    this.#records = records
    this.#mergers = records.mergers
    this.#filter = filter
    this.#levels = filter.split("/")
    this.#restDepth = filter.endsWith("#") ? this.#levels.length - 1 : Number.POSITIVE_INFINITY
    this.#root = records.root
  }

  [Symbol.iterator](): this {
    return this
  }

  /** Hot: once for each retained message that a new subscription looks at. */
  next(): IteratorResult<MessageRecord | undefined, undefined> {
    const root = this.#root
    if (root !== undefined) {
      this.#root = undefined
      return { done: false, value: this.#fresh(this.#walk(root, 0)) }
    }
    for (let stage = this.#stages.at(-1); stage !== undefined; stage = this.#stages.at(-1)) {
      const { done, value: way } = stage.ways.next()
      if (done === true) this.#stages.pop()
      else return { done: false, value: way && this.#fresh(this.#walk(way, stage.depth)) }
    }
    return { done: true, value: undefined }
  }

  /** What stands where nothing parts any more may be a record of the past. */
  #fresh(record: MessageRecord | undefined): MessageRecord | undefined {
    if (record === undefined || this.#records.mergers === this.#mergers) return record
    return this.#records.get(topicNameOf(record))
  }

  /** Literal levels lead one way, which is gone to its end: nobody may change the ways meanwhile. */
  #walk(from: Way, leading: number): MessageRecord | undefined {
    let way = from
    let depth = leading
    for (;;) {
      if (!(way instanceof Fork)) {
        const matches = depth >= this.#restDepth || topicMatches(this.#filter, topicNameOf(way))
        return matches ? way : undefined
      }
      depth = this.#depthBehind(way, depth)
      if (depth < 0) return undefined
      const isRest = depth >= this.#restDepth
      const level = this.#levels[depth]
      if (isRest || level === "+") {
        this.#stages.push({ ways: depth === 0 ? visible(way) : way.ways.places(), depth: depth + 1 })
        return isRest ? way.value : undefined
      }
      if (level === undefined) return way.value
      const next: Way | undefined = way.ways.get(level)
      if (next === undefined) return undefined
      way = next
      depth += 1
    }
  }

  /** @returns how many levels lead to where the ways part; -1 when the filter matches nothing there */
  #depthBehind({ skipped }: Fork<MessageRecord>, leading: number): number {
    if (skipped === undefined) return leading
    let depth = leading
    for (const level of skipped.split("/")) {
      const asked = this.#levels[depth]
      if (depth < this.#restDepth && asked !== "+" && asked !== level) return -1
      depth += 1
    }
    return depth
  }
}

/** A wildcard at the first level does not see topics that begin with `$`, but has to pass by them [MQTT-4.7.2-1]. */
function* visible(root: Fork<MessageRecord>): IterableIterator<Way | undefined> {
  for (const [level, way] of root.ways) yield level.startsWith("$") ? undefined : way
}
