import { decodePacket } from "../src/protocol/decoder.ts"
import { encodePacket } from "../src/protocol/encoder.ts"
import { FrameReader } from "../src/protocol/frame-reader.ts"
import { type Packet, packetTypeNumber } from "../src/protocol/packet.ts"
import { noProperties } from "../src/protocol/properties.ts"
import { ReasonCode } from "../src/protocol/reason-code.ts"
import { parseTopicFilter, parseTopicName, type TopicFilter, topicMatches } from "../src/protocol/topic.ts"

/*
 * No broker, but the floor below all of them: cuts a stream into frames, looks where the topic changes, and passes the
 * bytes on as they came, QoS 0 of MQTT 3.1.1 only. It checks nothing, keeps nothing, and knows no one who subscribes
 * after a publisher's first message. A broker that comes near its figures has little left to gain, and a load that is
 * not at its limit with it is not at its limit with a broker. Prints the port that it listens on.
 */

type ClientSocket = Bun.Socket<Client | undefined>

const longestFrameBytes = 268_435_460
const nothing = new Uint8Array(0)

const subscriptions: { readonly filter: TopicFilter; readonly client: Client }[] = []

/** Who has something to send at the end of this turn of the event loop. */
let waiting: Client[] = []

function flushWaiting(): void {
  const flushing = waiting
  waiting = []
  for (const client of flushing) client.flush()
}

class Client {
  readonly #socket: ClientSocket
  readonly #frames = new FrameReader(longestFrameBytes)
  /** The last topic published to, as it stands in a frame behind its length, and who takes it. */
  #topic: Uint8Array = nothing
  #receivers: readonly Client[] = []
  /** What goes out in one write. */
  #blocks: Uint8Array[] = []
  #isWaiting = false
  #isBlocked = false

  constructor(socket: ClientSocket) {
    this.#socket = socket
  }

  /** Hot. Consecutive frames with one topic, which lie in one array, are passed on as one block. */
  received(chunk: Uint8Array): void {
    const frames = this.#frames
    let block: Uint8Array = nothing
    let start = 0
    let end = 0
    frames.append(chunk)
    while (frames.next()) {
      const { bytes, bodyStart } = frames
      const isPublish = frames.firstByte >> 4 === packetTypeNumber.publish
      if (isPublish && bytes === block && this.#isSameTopic(bytes, bodyStart)) {
        end = frames.bodyEnd
        continue
      }
      this.#pass(block.subarray(start, end))
      block = nothing
      start = 0
      end = 0
      if (!isPublish) {
        this.#converse(decodePacket(frames.firstByte, bytes, bodyStart, frames.bodyEnd, 4))
        continue
      }
      if (!this.#isSameTopic(bytes, bodyStart)) this.#turnTo(bytes, bodyStart)
      block = bytes
      start = frames.frameStart
      end = frames.bodyEnd
    }
    this.#pass(block.subarray(start, end))
  }

  drained(): void {
    this.#isBlocked = false
    this.flush()
  }

  flush(): void {
    this.#isWaiting = false
    const [first] = this.#blocks
    if (first === undefined || this.#isBlocked) return
    const bytes = this.#blocks.length === 1 ? first : Buffer.concat(this.#blocks)
    const taken = this.#socket.write(bytes)
    this.#isBlocked = taken >= 0 && taken < bytes.length
    this.#blocks = this.#isBlocked ? [bytes.subarray(taken)] : []
  }

  closed(): void {
    for (let index = subscriptions.length - 1; index >= 0; index--) {
      if (subscriptions[index]?.client === this) subscriptions.splice(index, 1)
    }
  }

  #pass(block: Uint8Array): void {
    if (block.length === 0) return
    for (const receiver of this.#receivers) receiver.#send(block)
  }

  #send(block: Uint8Array): void {
    this.#blocks.push(block)
    if (this.#isWaiting) return
    this.#isWaiting = true
    if (waiting.length === 0) setImmediate(flushWaiting)
    waiting.push(this)
  }

  #isSameTopic(bytes: Uint8Array, bodyStart: number): boolean {
    const topic = this.#topic
    const length = topicLength(bytes, bodyStart)
    if (length !== topic.length) return false
    for (let index = 0; index < length; index++) {
      if (bytes[bodyStart + 2 + index] !== topic[index]) return false
    }
    return true
  }

  #turnTo(bytes: Uint8Array, bodyStart: number): void {
    const length = topicLength(bytes, bodyStart)
    this.#topic = bytes.slice(bodyStart + 2, bodyStart + 2 + length)
    const topic = parseTopicName(new TextDecoder().decode(this.#topic))
    if (topic === undefined) throw new Error("a topic name that is none")
    const matching = subscriptions.filter(({ filter }) => topicMatches(filter, topic))
    this.#receivers = matching.map(({ client }) => client)
  }

  #converse(packet: Packet): void {
    const reasonCode = ReasonCode.success
    const properties = noProperties
    switch (packet.type) {
      case "connect":
        return this.#send(encodePacket({ type: "connack", sessionPresent: false, reasonCode, properties }, 4))
      case "subscribe": {
        const { packetId, requests } = packet
        for (const { filter: text } of requests) {
          const filter = parseTopicFilter(text)
          if (filter !== undefined) subscriptions.push({ filter, client: this })
        }
        const reasonCodes = requests.map(() => reasonCode)
        return this.#send(encodePacket({ type: "suback", packetId, reasonCodes, properties }, 4))
      }
      case "disconnect":
        this.#socket.end()
        return
      default:
        throw new Error(`a forwarder does not know ${packet.type}`)
    }
  }
}

function topicLength(bytes: Uint8Array, bodyStart: number): number {
  return ((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0)
}

const { port } = Bun.listen<Client | undefined>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    binaryType: "uint8array",
    open: (socket) => {
      socket.data = new Client(socket)
    },
    data: (socket, chunk) => socket.data?.received(chunk),
    drain: (socket) => socket.data?.drained(),
    close: (socket) => socket.data?.closed(),
  },
})
console.log(port)
