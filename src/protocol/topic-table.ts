import { type Topic } from "./message.ts"
import { ProtocolError } from "./protocol-error.ts"
import { ReasonCode } from "./reason-code.ts"
import { parseTopicName, type TopicLimits } from "./topic.ts"
import { decodeUtf8 } from "./utf8.ts"

/** Ten thousand topics in turn still find most of theirs (wildcards). */
const slotCount = 32_768
/** Longer topics are read anew each time: kept, they would let a stranger fill gigabytes. */
const longestKeptBytes = 512

/**
 * From the bytes of a topic to its one `Topic`, checked and decoded when it is first met. Publishers repeat
 * their topics, so most messages find theirs by a hash and a comparison, and no string is made.
 *
 * A slot changes hands only when a newcomer was seen twice in a row: a stream of topics that never come back
 * does not push out those that do.
 */
export class TopicTable {
  readonly #limits: TopicLimits
  readonly #slots: (Topic | undefined)[] = Array.from({ length: slotCount })
  readonly #candidates = new Uint32Array(slotCount)

  constructor(limits: TopicLimits) {
    this.#limits = limits
  }

  /**
   * Hot. The topic whose UTF-8 stands at `bytes[start, end)`.
   *
   * @throws ProtocolError malformedPacket for ill-formed UTF-8, topicNameInvalid for a wildcard, an empty name
   *   or one beyond the limits [MQTT-3.3.2-2]
   */
  find(bytes: Uint8Array, start: number, end: number): Topic {
    let hash = 0x811c9dc5
    for (let index = start; index < end; index++) {
      hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193)
    }
    hash = (hash ^ (hash >>> 15)) >>> 0
    const slot = hash & (slotCount - 1)
    const known = this.#slots[slot]
    if (known !== undefined && sameBytes(known.utf8, bytes, start, end)) return known
    const topic = this.#read(bytes, start, end)
    return end - start > longestKeptBytes ? topic : this.#admit(slot, hash, topic)
  }

  #read(bytes: Uint8Array, start: number, end: number): Topic {
    const name = parseTopicName(decodeUtf8(bytes, start, end), this.#limits)
    if (name === undefined) throw new ProtocolError(ReasonCode.topicNameInvalid)
    return { name, utf8: new Uint8Array(bytes.subarray(start, end)) }
  }

  #admit(slot: number, hash: number, topic: Topic): Topic {
    if (this.#slots[slot] === undefined || this.#candidates[slot] === hash) this.#slots[slot] = topic
    this.#candidates[slot] = hash
    return topic
  }
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== bytes[start + index]) return false
  }
  return true
}
