import { Fifo } from "../foundation/fifo.ts"
import type { PacketId, Puback, Pubcomp, Publish, Pubrec, Qos } from "../protocol/packet.ts"
import { type PropertiesOf, noProperties } from "../protocol/properties.ts"
import { type ProtocolError, protocolError } from "../protocol/protocol-error.ts"
import { isError, ReasonCode } from "../protocol/reason-code.ts"
import { parseTopicName, wireTopicLimits } from "../protocol/topic.ts"
import type { PacketLink } from "./packet-link.ts"
import type { PacketIds } from "./packet-ids.ts"
import type { ServerTerms } from "./server-terms.ts"

export interface PublishRequest {
  readonly topic: string
  /** Kept, not copied, until the answer is there. */
  readonly payload: Uint8Array
  /** Default 0. */
  readonly qos?: Qos | undefined
  /** Default false. */
  readonly retain?: boolean | undefined
  readonly properties?: PropertiesOf<"publish"> | undefined
}

/** How a PUBLISH went. */
export interface PublishAnswer {
  /** Success at QoS 0 only says that the bytes are with the socket. A request we cannot send has an error code too. */
  readonly reasonCode: ReasonCode
  readonly detail: string | undefined
}

interface Waiting {
  readonly request: PublishRequest
  readonly resolve: (answer: PublishAnswer) => void
  readonly reject: (error: Error) => void
}

/** A PUBLISH on its way. The message itself may be forgotten once its PUBREC is there [4.3.3]. */
type InFlight = Waiting &
  (
    | { readonly awaiting: "puback" | "pubrec"; readonly publish: Publish }
    | { readonly awaiting: "pubcomp"; readonly answer: PublishAnswer }
  )

/** Beyond it no packet can be made [2.1.4]; the rest is room for the topic and the properties. */
const longestPayloadBytes = 268_000_000

const delivered: PublishAnswer = { reasonCode: ReasonCode.success, detail: undefined }

/**
 * The sender's half of QoS 0, 1 and 2 [4.3]. Messages leave in the order of `publish`; they wait while the server's
 * Receive Maximum is used up [4.9] or the network takes no more.
 */
export class Sender {
  readonly #link: PacketLink
  readonly #ids: PacketIds
  readonly #terms: ServerTerms
  readonly #window: number
  readonly #maximumWaiting: number
  readonly #inFlight = new Map<PacketId, InFlight>()
  readonly #waiting = new Fifo<Waiting>()

  constructor(
    link: PacketLink,
    ids: PacketIds,
    terms: ServerTerms,
    limits: { readonly inFlight: number; readonly waiting: number },
  ) {
    this.#link = link
    this.#ids = ids
    this.#terms = terms
    this.#window = Math.min(terms.receiveMaximum, limits.inFlight)
    this.#maximumWaiting = limits.waiting
  }

  /** Whether a message published now would leave at once. */
  get ready(): boolean {
    return this.#waiting.size === 0 && this.#inFlight.size < this.#window && this.#link.writable
  }

  /** Whether every message has had its answer. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#inFlight.size === 0
  }

  publish(request: PublishRequest): Promise<PublishAnswer> {
    const refusal = this.#refusal(request)
    if (refusal !== undefined) return Promise.resolve(refusal)
    const { promise, resolve, reject } = Promise.withResolvers<PublishAnswer>()
    const waiting = { request, resolve, reject }
    if (this.#waiting.size === 0 && this.#maySend(request)) this.#send(waiting)
    else this.#waiting.push(waiting)
    return promise
  }

  /** Sends what may go now: after each answer, and when the network takes more. */
  pump(): void {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!this.#maySend(next.request)) return
      this.#waiting.shift()
      this.#send(next)
    }
  }

  /** @throws ProtocolError for a PUBACK to a PUBLISH at QoS 2 */
  puback({ packetId, reasonCode, properties }: Puback): void {
    const entry = this.#inFlight.get(packetId)
    // An answer to a connection before this one: nobody waits for it.
    if (entry === undefined) return
    if (entry.awaiting !== "puback") throw unexpected("PUBACK")
    this.#settle(packetId, entry, { reasonCode, detail: properties.reasonString })
  }

  /** @throws ProtocolError for a PUBREC to a PUBLISH at QoS 1 */
  pubrec({ packetId, reasonCode, properties }: Pubrec): void {
    const entry = this.#inFlight.get(packetId)
    if (entry === undefined) return this.#pubrel(packetId, ReasonCode.packetIdentifierNotFound)
    if (entry.awaiting === "puback") throw unexpected("PUBREC")
    if (entry.awaiting === "pubrec") {
      const answer = { reasonCode, detail: properties.reasonString }
      if (isError(reasonCode)) return this.#settle(packetId, entry, answer)
      const { request, resolve, reject } = entry
      this.#inFlight.set(packetId, { awaiting: "pubcomp", answer, request, resolve, reject })
    }
    this.#pubrel(packetId, ReasonCode.success)
  }

  /** @throws ProtocolError for a PUBCOMP without a PUBREL */
  pubcomp({ packetId }: Pubcomp): void {
    const entry = this.#inFlight.get(packetId)
    if (entry === undefined) return
    if (entry.awaiting !== "pubcomp") throw unexpected("PUBCOMP")
    // Whether anybody takes the message was said in the PUBREC [3.5.2.1]; a PUBCOMP can only miss the identifier.
    this.#settle(packetId, entry, entry.answer)
  }

  /** The connection is over: nothing will be answered any more. */
  abandon(error: Error): void {
    for (const { reject } of this.#inFlight.values()) reject(error)
    for (const { reject } of this.#waiting) reject(error)
    this.#inFlight.clear()
    this.#waiting.clear()
  }

  /** What the server said it will not take is not sent [MQTT-3.2.2-11, 3.2.2-14, 3.3.2-9]. */
  #refusal({ topic, payload, qos = 0, retain, properties }: PublishRequest): PublishAnswer | undefined {
    if (parseTopicName(topic, wireTopicLimits) === undefined) return refused(ReasonCode.topicNameInvalid)
    if (qos > this.#terms.maximumQos) return refused(ReasonCode.qosNotSupported)
    if (payload.length > longestPayloadBytes) return refused(ReasonCode.packetTooLarge)
    if (retain === true && !this.#terms.retainAvailable) return refused(ReasonCode.retainNotSupported)
    const alias = properties?.topicAlias
    if (alias !== undefined && (alias === 0 || alias > this.#terms.topicAliasMaximum)) {
      return refused(ReasonCode.topicAliasInvalid)
    }
    return this.#waiting.size >= this.#maximumWaiting ? refused(ReasonCode.quotaExceeded) : undefined
  }

  #maySend({ qos = 0 }: PublishRequest): boolean {
    return this.#link.writable && (qos === 0 || this.#inFlight.size < this.#window)
  }

  #send(waiting: Waiting): void {
    const { request, resolve, reject } = waiting
    const qos = request.qos ?? 0
    const packetId = qos === 0 ? undefined : this.#ids.take()
    const publish: Publish = {
      type: "publish",
      qos,
      dup: false,
      retain: request.retain ?? false,
      topic: request.topic,
      packetId,
      payload: request.payload,
      properties: request.properties ?? noProperties,
    }
    const bytes = this.#link.encode(publish)
    if (bytes.length > this.#terms.maximumPacketSize) {
      if (packetId !== undefined) this.#ids.release(packetId)
      return resolve(refused(ReasonCode.packetTooLarge))
    }
    this.#link.send(publish, bytes)
    if (packetId === undefined) return resolve(delivered)
    const awaiting = qos === 1 ? "puback" : "pubrec"
    this.#inFlight.set(packetId, { awaiting, publish, request, resolve, reject })
  }

  #settle(packetId: PacketId, entry: InFlight, answer: PublishAnswer): void {
    this.#inFlight.delete(packetId)
    this.#ids.release(packetId)
    entry.resolve(answer)
  }

  #pubrel(packetId: PacketId, reasonCode: ReasonCode): void {
    this.#link.send({ type: "pubrel", packetId, reasonCode, properties: noProperties })
  }
}

function refused(reasonCode: ReasonCode): PublishAnswer {
  return { reasonCode, detail: undefined }
}

function unexpected(name: string): ProtocolError {
  return protocolError(`${name} where another answer was due`)
}
