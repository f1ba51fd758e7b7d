import { isUtf8 } from "node:buffer"
import { assert } from "../foundation/assert.ts"
import type { DropReason } from "../foundation/counters.ts"
import type { Ticket } from "../foundation/ticket.ts"
import { type Message, nextMessageCounter, type Topic } from "../protocol/message.ts"
import type { PacketId, Qos } from "../protocol/packet.ts"
import { ProtocolError } from "../protocol/protocol-error.ts"
import type { FrameReader } from "../protocol/frame-reader.ts"
import type { PublishReader } from "../protocol/publish-reader.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import { ReasonCode } from "../protocol/reason-code.ts"
import type { Published } from "../broker/broker.ts"
import type { Session } from "../session/session.ts"
import type { AckQueue, PendingAnswer } from "./ack-queue.ts"
import type { ConnectionSurroundings, Peer } from "./surroundings.ts"
import type { Terms } from "./terms.ts"
import { InboundAliases } from "./topic-aliases.ts"

/** What a client publishes, and the four acknowledgements in both directions [3.3-3.7]. */
export class Publishing {
  readonly #surroundings: ConnectionSurroundings
  readonly #peer: Peer
  readonly #session: Session
  readonly #terms: Terms
  readonly #acks: AckQueue
  #aliases: InboundAliases | undefined
  /** What the retained messages of QoS 0 wait for: they are not acknowledged, yet the disk has to keep up with them. */
  #unacknowledged: Ticket | undefined
  /** A message was refused, and the client learns it by the end of its connection; or that has come. */
  #isOver = false
  /** PUBACKs that wait for the store; with the identifiers not yet released, what Receive Maximum bounds. */
  #unanswered = 0
  #published = 0

  constructor(
    surroundings: ConnectionSurroundings,
    peer: Peer,
    session: Session,
    terms: Terms,
    acks: AckQueue,
  ) {
    this.#surroundings = surroundings
    this.#peer = peer
    this.#session = session
    this.#terms = terms
    this.#acks = acks
  }

  /** Messages that came from it so far, those refused included. */
  get published(): number {
    return this.#published
  }

  /**
   * Hot. Takes the PUBLISH that is the present frame. A plain one is routed with those like it behind it, when `flush`
   * is called at the latest.
   *
   * @param nowMs when its bytes came
   * @throws ProtocolError for what ends the connection
   */
  publish(frame: FrameReader, nowMs: number): void {
    const { publishRun: run } = this.#surroundings
    if (this.#hasRoomFor(run) && run.continue(frame)) return
    this.flush()
    // Taken after one that was refused, it would overtake that one; and nobody would route a run begun now.
    if (this.#isOver) return
    const { version, publisher } = this.#terms
    if (this.#takesRun(frame.firstByte) && run.begin(frame, version, publisher, nowMs)) return
    this.#publishOne(frame, nowMs)
  }

  /** Hot. Routes what was taken and waits for more of its kind: before any other packet is looked at. */
  flush(): void {
    const { publishRun: run } = this.#surroundings
    if (run.count === 0) return
    try {
      assert(run.publisher === this.#terms.publisher, "a run is routed before the next connection is read")
      this.#publishRun(run)
    } finally {
      run.clear()
    }
  }

  /** The connection is over: what stands behind in the same chunk is not taken. */
  end(): void {
    this.#isOver = true
  }

  #publishRun(run: PublishRun): void {
    const { broker, counters, authorization, refusals } = this.#surroundings
    const { clientId } = this.#terms.publisher
    const { topic, count } = run
    if (topic === undefined) return
    counters.publishesReceived += count
    this.#published += count
    counters.publishBytesReceived += run.payloadBytes
    if (!authorization.mayPublish(this.#terms.principal, topic.name, run.qos, false)) {
      refusals.publishRefused(this.#terms.principal, topic.name, run.qos, false, count)
      broker.lost(clientId, "not-authorized", topic.name, count, run.queueBytesOf(0, count, 1))
      for (let index = 0; index < count; index++) {
        this.#refuse(run.qos, run.qos === 0 ? noPacketId : run.packetId(index), ReasonCode.notAuthorized)
      }
      return
    }
    const published = broker.publishRun(run, topic.name, clientId)
    if (run.qos === 0) return
    for (let index = 0; index < count; index++) this.#answerPublish(1, run.packetId(index), published)
  }

  #publishOne({ firstByte, bytes, bodyStart, bodyEnd }: FrameReader, nowMs: number): void {
    const { publishReader: publish, counters, authorization, refusals } = this.#surroundings
    publish.read(firstByte, bytes, bodyStart, bodyEnd, this.#terms.version)
    counters.publishesReceived += 1
    this.#published += 1
    counters.publishBytesReceived += publish.payload.length
    this.#check(publish)
    const topic = publish.topicAlias === 0 ? publish.topic : this.#resolveAlias(publish)
    if (topic === undefined) throw new ProtocolError(ReasonCode.topicNameInvalid)
    const { qos, packetId } = publish
    if (qos === 2 && this.#session.received.has(packetId)) {
      // Routed before. Its PUBREC still waits for the store, should the first one do so [MQTT-4.3.3-10].
      this.#answer("pubrec", packetId, this.#session.received.whenKept(packetId), ReasonCode.success)
      return
    }
    if (!authorization.mayPublish(this.#terms.principal, topic.name, qos, publish.retain)) {
      refusals.publishRefused(this.#terms.principal, topic.name, qos, publish.retain, 1)
      this.#lost("not-authorized", publish, topic)
      this.#refuse(qos, packetId, ReasonCode.notAuthorized)
      return
    }
    if (publish.payloadIsText && !isUtf8(publish.payload)) {
      this.#lost("payload-invalid", publish, topic)
      this.#refuse(qos, packetId, ReasonCode.payloadFormatInvalid)
      return
    }
    this.#route(publish, topic, nowMs)
  }

  puback(packetId: PacketId): void {
    this.#session.puback(packetId)
  }

  pubrec(packetId: PacketId, reasonCode: ReasonCode): void {
    const outcome = this.#session.pubrec(packetId, reasonCode)
    if (outcome === "refused") return
    if (outcome === "unknown") {
      this.#answer("pubrel", packetId, undefined, ReasonCode.packetIdentifierNotFound)
    } else {
      this.#answer("pubrel", packetId, outcome, ReasonCode.success)
    }
  }

  pubrel(packetId: PacketId): void {
    const outcome = this.#session.received.release(packetId)
    if (outcome === "unknown") {
      this.#answer("pubcomp", packetId, undefined, ReasonCode.packetIdentifierNotFound)
    } else {
      this.#answer("pubcomp", packetId, outcome, ReasonCode.success)
    }
  }

  pubcomp(packetId: PacketId): void {
    this.#session.pubcomp(packetId)
  }

  /** What the client published waits for the store. */
  get waitsForStore(): boolean {
    return this.#acks.size > 0 || this.#unacknowledged?.state === "pending"
  }

  /** An answer whose turn has come. */
  settled(type: AnswerType, packetId: PacketId, reasonCode: ReasonCode, committed: boolean): void {
    if (type === "puback") this.#unanswered -= 1
    if (committed) this.#peer.acknowledge(type, packetId, reasonCode)
    else this.#notStored(type, packetId)
  }

  /** What a run could not say of each of its messages alone is left to the slower way. */
  #takesRun(firstByte: number): boolean {
    const { limits, broker } = this.#surroundings
    if (limits.messageExpiryMaximumSeconds !== 0) return false
    if (firstByte === 0x30) return true
    return (
      limits.maximumQos > 0 &&
      broker.limits.whenFull !== "reject" &&
      this.#unanswered + this.#session.received.size < this.#receiveMaximum
    )
  }

  /** Whether one more may join a run without being more than the client may send before we answer. */
  #hasRoomFor(run: PublishRun): boolean {
    return run.qos === 0 || this.#unanswered + this.#session.received.size + run.count < this.#receiveMaximum
  }

  /** Who speaks an older MQTT was told of no maximum, and is bound by the number of packet identifiers alone. */
  get #receiveMaximum(): number {
    return this.#terms.version === 5 ? this.#surroundings.limits.receiveMaximum : 65_535
  }

  #check(publish: PublishReader): void {
    const { limits } = this.#surroundings
    if (publish.qos > limits.maximumQos) throw new ProtocolError(ReasonCode.qosNotSupported)
    if (publish.retain && !limits.retainAvailable) throw new ProtocolError(ReasonCode.retainNotSupported)
    if (publish.qos === 0 || this.#unanswered + this.#session.received.size < this.#receiveMaximum) return
    if (publish.qos === 2 && this.#session.received.has(publish.packetId)) return
    throw new ProtocolError(ReasonCode.receiveMaximumExceeded)
  }

  #resolveAlias(publish: PublishReader): Topic {
    this.#aliases ??= new InboundAliases(
      this.#terms.version === 5 ? this.#surroundings.limits.topicAliases : 0,
    )
    return this.#aliases.resolve(publish.topicAlias, publish.topic)
  }

  #route(publish: PublishReader, topic: Topic, nowMs: number): void {
    const { broker } = this.#surroundings
    const { qos, packetId } = publish
    const message = this.#messageOf(publish, topic, nowMs)
    if (qos === 2 && !broker.canPromise(message)) {
      this.#lost("not-stored", publish, topic)
      this.#refuse(qos, packetId, ReasonCode.quotaExceeded)
      return
    }
    const published = broker.publish(message)
    if (qos === 0) {
      if (typeof published === "object") this.#unacknowledged = published
      return
    }
    this.#answerPublish(qos, packetId, published)
  }

  #answerPublish(qos: 1 | 2, packetId: PacketId, published: Published): void {
    const ticket = typeof published === "object" ? published : undefined
    if (published === "refused" || ticket?.state === "failed") {
      this.#refuse(qos, packetId, ReasonCode.quotaExceeded)
      return
    }
    const reasonCode =
      published === "unmatched" && this.#terms.version === 5
        ? ReasonCode.noMatchingSubscribers
        : ReasonCode.success
    if (qos === 1) this.#answer("puback", packetId, ticket, reasonCode)
    else {
      // Kept in the same batch as the message itself, so a crash leaves both or neither.
      this.#answer("pubrec", packetId, this.#session.received.keep(packetId) ?? ticket, reasonCode)
    }
  }

  #messageOf(publish: PublishReader, topic: Topic, nowMs: number): Message {
    return {
      topic,
      payload: publish.payload,
      qos: publish.qos,
      retain: publish.retain,
      properties: publish.properties,
      expiresAtMs: this.#expiryOf(publish, nowMs),
      publisher: this.#terms.publisher,
      receivedAtMs: nowMs,
      counter: nextMessageCounter(),
      hops: 0,
    }
  }

  #expiryOf(publish: PublishReader, now: number): number {
    const maximum = this.#surroundings.limits.messageExpiryMaximumSeconds
    const asked = publish.messageExpirySeconds
    if (asked < 0) return maximum === 0 ? Number.POSITIVE_INFINITY : now + maximum * 1000
    return now + (maximum === 0 ? asked : Math.min(asked, maximum)) * 1000
  }

  #lost(why: DropReason, { payload, properties }: PublishReader, { name, utf8 }: Topic): void {
    const bytes = utf8.length + properties.length + payload.length
    this.#surroundings.broker.lost(this.#terms.publisher.clientId, why, name, 1, bytes)
  }

  /** The message goes no further, which is counted already. A client before MQTT 5 cannot be told why. */
  #refuse(qos: Qos, packetId: PacketId, reasonCode: ReasonCode): void {
    if (reasonCode === ReasonCode.notAuthorized && this.#surroundings.limits.refusedPublish === "close") {
      this.#closeInTurn(reasonCode)
      return
    }
    if (qos === 0) return
    if (this.#terms.version !== 5 && reasonCode === ReasonCode.quotaExceeded) {
      // Its only way to learn that we did not take the message is to get no answer.
      this.#closeInTurn(reasonCode)
      return
    }
    const type = qos === 1 ? "puback" : "pubrec"
    if (this.#terms.version === 5) {
      this.#answer(type, packetId, undefined, reasonCode)
      return
    }
    // Before MQTT 5 an acknowledgement is all there is, or a closed connection [3.1.1: MQTT-3.3.5-2].
    const kept = qos === 2 ? this.#session.received.keep(packetId) : undefined
    this.#answer(type, packetId, kept, ReasonCode.success)
  }

  /**
   * What came before is answered first, or it would be published again with each attempt. While nothing can be stored
   * that may take hours, and what could not be stored is known by now.
   */
  #closeInTurn(reasonCode: ReasonCode): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#surroundings.broker.storeFails) this.#peer.close(reasonCode)
    else this.#acks.push({ ticket: undefined, settle: () => this.#peer.close(reasonCode) })
  }

  #answer(type: AnswerType, packetId: PacketId, ticket: Ticket | undefined, reasonCode: ReasonCode): void {
    if (this.#acks.passes(ticket)) {
      this.#peer.acknowledge(type, packetId, reasonCode)
      return
    }
    if (type === "puback") this.#unanswered += 1
    this.#acks.push(new PublishAnswer(this, ticket, type, packetId, reasonCode))
  }

  #notStored(type: AnswerType, packetId: PacketId): void {
    if (type === "pubrec") this.#session.received.forget(packetId)
    if (this.#terms.version === 5 && (type === "puback" || type === "pubrec")) {
      this.#peer.acknowledge(type, packetId, ReasonCode.quotaExceeded)
    } else {
      this.#peer.close(ReasonCode.quotaExceeded)
    }
  }
}

/** A message of QoS 0 has none. */
const noPacketId = 0 as PacketId

type AnswerType = "puback" | "pubrec" | "pubrel" | "pubcomp"

class PublishAnswer implements PendingAnswer {
  readonly ticket: Ticket | undefined
  readonly #publishing: Publishing
  readonly #type: AnswerType
  readonly #packetId: PacketId
  readonly #reasonCode: ReasonCode

  constructor(
    publishing: Publishing,
    ticket: Ticket | undefined,
    type: AnswerType,
    packetId: PacketId,
    reasonCode: ReasonCode,
  ) {
    this.#publishing = publishing
    this.ticket = ticket
    this.#type = type
    this.#packetId = packetId
    this.#reasonCode = reasonCode
  }

  settle(committed: boolean): void {
    this.#publishing.settled(this.#type, this.#packetId, this.#reasonCode, committed)
  }
}
