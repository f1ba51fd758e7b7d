import type { Message } from "../protocol/message.ts"
import type { TopicFilter, TopicName } from "../protocol/topic.ts"

interface Node {
  children: Map<string, Node> | undefined
  message: Message | undefined
}

/** From topic name to its retained message, and from topic filter to all that match [3.3.1.3]. */
export class RetainedTree {
  readonly #root: Node = newNode()
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
    const replaced = this.get(message.topic.name)
    return this.#bytes + sizeOf(message) - (replaced === undefined ? 0 : sizeOf(replaced))
  }

  /**
   * The one writer: the message becomes its topic's retained message, or the topic has none any more.
   *
   * @returns the message that was there
   */
  apply(topic: TopicName, message: Message | undefined): Message | undefined {
    const previous = message === undefined ? this.#remove(topic) : this.#put(topic, message)
    if (previous !== undefined) {
      this.#size -= 1
      this.#bytes -= sizeOf(previous)
    }
    if (message !== undefined) {
      this.#size += 1
      this.#bytes += sizeOf(message)
    }
    return previous
  }

  get(topic: TopicName): Message | undefined {
    let node: Node | undefined = this.#root
    for (const level of topic.split("/")) node = node?.children?.get(level)
    return node?.message
  }

  /**
   * Walks lazily, so that a million topics can be taken in slices while others go on. A level that was walked through
   * and holds no message yields undefined: `+/x` may have to pass by all of them.
   */
  match(filter: TopicFilter): IterableIterator<Message | undefined> {
    return walk(this.#root, filter.split("/"), 0)
  }

  #put(topic: TopicName, message: Message): Message | undefined {
    let node = this.#root
    for (const level of topic.split("/")) {
      node.children ??= new Map()
      let child = node.children.get(level)
      if (child === undefined) node.children.set(level, (child = newNode()))
      node = child
    }
    const previous = node.message
    node.message = message
    return previous
  }

  #remove(topic: TopicName): Message | undefined {
    const levels = topic.split("/")
    const path: Node[] = [this.#root]
    for (const level of levels) {
      const child = path.at(-1)?.children?.get(level)
      if (child === undefined) return undefined
      path.push(child)
    }
    let node = path.pop()
    const previous = node?.message
    if (node !== undefined) node.message = undefined
    for (const level of levels.toReversed()) {
      if (node === undefined || node.message !== undefined || (node.children?.size ?? 0) > 0) break
      node = path.pop()
      node?.children?.delete(level)
    }
    return previous
  }
}

function* walk(node: Node, levels: readonly string[], depth: number): IterableIterator<Message | undefined> {
  const level = levels[depth]
  if (level === undefined) {
    yield node.message
    return
  }
  if (level === "#") {
    // `#` alone does not see topics that begin with `$` [MQTT-4.7.2-1].
    yield node.message
    for (const [name, child] of node.children ?? []) {
      if (depth > 0 || !name.startsWith("$")) yield* everything(child)
    }
    return
  }
  if (level === "+") {
    yield undefined
    for (const [name, child] of node.children ?? []) {
      if (depth > 0 || !name.startsWith("$")) yield* walk(child, levels, depth + 1)
    }
    return
  }
  const child = node.children?.get(level)
  if (child === undefined) yield undefined
  else yield* walk(child, levels, depth + 1)
}

function* everything(node: Node): IterableIterator<Message | undefined> {
  yield node.message
  for (const child of node.children?.values() ?? []) yield* everything(child)
}

function sizeOf(message: Message): number {
  return message.topic.utf8.length + message.payload.length + message.properties.length
}

function newNode(): Node {
  return { children: undefined, message: undefined }
}
