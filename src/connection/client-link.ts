import { acknowledgementLength, encodePacket, writeAcknowledgement } from "../protocol/encoder.ts"
import type { Packet, PacketId, Qos } from "../protocol/packet.ts"
import { noProperties } from "../protocol/properties.ts"
import { appendOwn, appendShared, publishFirstByte, type SharedPublish } from "../protocol/shared-publish.ts"
import type { PublishRun } from "../protocol/publish-run.ts"
import { describeReasonCode, isError, ReasonCode } from "../protocol/reason-code.ts"
import type { TopicName } from "../protocol/topic.ts"
import type { Link, LinkOutcome } from "../session/link.ts"
import type { Socket } from "../transport/socket.ts"
import type { ClientKeeper, ConnectionSurroundings, Peer } from "./surroundings.ts"
import type { Terms } from "./terms.ts"
import { OutboundAliases } from "./topic-aliases.ts"

/** All that is sent to a client from its CONNACK on: the words of its session and those of its connection. */
export class ClientLink implements Link, Peer {
  readonly #surroundings: ConnectionSurroundings
  readonly #output: Socket["output"]
  readonly #terms: Terms
  readonly #keeper: ClientKeeper
  readonly #aliases: OutboundAliases | undefined
  #over = false
  #delivered = 0

  constructor(
    surroundings: ConnectionSurroundings,
    output: Socket["output"],
    terms: Terms,
    keeper: ClientKeeper,
  ) {
    this.#surroundings = surroundings
    this.#output = output
    this.#terms = terms
    this.#keeper = keeper
    this.#aliases = terms.topicAliasMaximum > 0 ? new OutboundAliases(terms.topicAliasMaximum) : undefined
  }

  /** Messages it was sent so far. */
  get delivered(): number {
    return this.#delivered
  }

  get takesMore(): boolean {
    return this.#output.writable && !this.#over
  }

  get receiveMaximum(): number {
    return this.#terms.receiveMaximum
  }

  mayRead(topic: TopicName): boolean {
    const { authorization } = this.#surroundings
    return !authorization.limitsReading || authorization.mayRead(this.#terms.principal, topic)
  }

  publish(
    publish: SharedPublish,
    qos: Qos,
    retain: boolean,
    dup: boolean,
    packetId: PacketId | undefined,
    subscriptionIdentifiers: readonly number[],
  ): LinkOutcome {
    const { clock, counters } = this.#surroundings
    if (!this.mayRead(publish.topicName)) {
      this.#surroundings.refusals.readRefused(this.#terms.principal, publish.topicName)
      return "not-authorized"
    }
    const firstByte = publishFirstByte(qos, retain, dup)
    const identifier = packetId ?? 0
    const nowMs = publish.expiresAtMs === Number.POSITIVE_INFINITY ? 0 : clock.now()
    // No alias at QoS 2: MQTT.js has forgotten it when PUBREL comes, and hands on an empty topic (seen in 5.16).
    const aliases = qos === 2 ? undefined : this.#aliases
    const isShared =
      aliases === undefined && (subscriptionIdentifiers.length === 0 || this.#terms.version !== 5)
    const written = isShared
      ? appendShared(this.#output, publish, this.#terms, firstByte, identifier, nowMs)
      : this.#appendOwn(publish, aliases, firstByte, identifier, nowMs, subscriptionIdentifiers)
    if (written === 0) return "too-large"
    counters.packetsSent += 1
    counters.publishesSent += 1
    this.#delivered += 1
    counters.publishBytesSent += publish.payloadBytes
    counters.bytesSent += written
    return "sent"
  }

  forward(
    run: PublishRun,
    from: number,
    to: number,
    step: number,
    subscriptionIdentifiers: readonly number[],
  ): boolean {
    if (!this.#mayForward(run, subscriptionIdentifiers)) return false
    const written = run.append(this.#output, from, to, step, this.#terms)
    if (written === 0) return false
    const { counters } = this.#surroundings
    const count = Math.ceil((to - from) / step)
    counters.packetsSent += count
    counters.publishesSent += count
    this.#delivered += count
    counters.publishBytesSent += count === run.count ? run.payloadBytes : run.payloadBytesOf(from, to, step)
    counters.bytesSent += written
    return true
  }

  forwardOne(
    run: PublishRun,
    index: number,
    packetId: PacketId,
    subscriptionIdentifiers: readonly number[],
  ): boolean {
    if (!this.#mayForward(run, subscriptionIdentifiers)) return false
    const written = run.appendOne(this.#output, index, this.#terms, packetId)
    if (written === 0) return false
    const { counters } = this.#surroundings
    counters.packetsSent += 1
    counters.publishesSent += 1
    this.#delivered += 1
    counters.publishBytesSent += run.payloadBytesOf(index, index + 1, 1)
    counters.bytesSent += written
    return true
  }

  pubrel(packetId: PacketId): void {
    this.acknowledge("pubrel", packetId, ReasonCode.success)
  }

  caughtUp(): void {
    if (!this.#over) this.#keeper.deliverRetained()
  }

  close(reasonCode: ReasonCode): void {
    this.#keeper.part(reasonCode)
  }

  acknowledge(
    type: "puback" | "pubrec" | "pubrel" | "pubcomp",
    packetId: PacketId,
    reasonCode: ReasonCode,
  ): void {
    if (this.#over) return
    if (reasonCode !== ReasonCode.success && this.#terms.version === 5) {
      const properties = isError(reasonCode) ? this.explained(describeReasonCode(reasonCode)) : noProperties
      this.send({ type, packetId, reasonCode, properties })
      return
    }
    const at = this.#output.reserve(acknowledgementLength)
    writeAcknowledgement(this.#output.bytes, at, type, packetId)
    this.#surroundings.counters.packetsSent += 1
    this.#surroundings.counters.bytesSent += acknowledgementLength
  }

  send(packet: Packet): void {
    if (this.#over) return
    const { version, maximumPacketBytes } = this.#terms
    let bytes = encodePacket(packet, version)
    if (bytes.length > maximumPacketBytes && "properties" in packet) {
      // An answer matters more than the words that go with it [MQTT-3.4.2-2].
      bytes = encodePacket({ ...packet, properties: noProperties }, version)
    }
    if (bytes.length > maximumPacketBytes) return
    this.#output.append(bytes)
    this.#surroundings.counters.packetsSent += 1
    this.#surroundings.counters.bytesSent += bytes.length
  }

  /** A reason string, unless the client wants none [3.1.2.11.7]. */
  explained(reasonString: string): { readonly reasonString?: string } {
    return this.#terms.wantsProblemInformation ? { reasonString } : noProperties
  }

  /** Nothing more is sent: a fan-out may still hold this link while its connection ends. */
  end(): void {
    this.#over = true
  }

  /** What has properties of its own for this client is written for it, and what it may not read is counted. */
  #mayForward({ topic }: PublishRun, subscriptionIdentifiers: readonly number[]): boolean {
    if (this.#aliases !== undefined || topic === undefined) return false
    if (subscriptionIdentifiers.length > 0 && this.#terms.version === 5) return false
    return this.mayRead(topic.name)
  }

  #appendOwn(
    publish: SharedPublish,
    aliases: OutboundAliases | undefined,
    firstByte: number,
    identifier: number,
    nowMs: number,
    subscriptionIdentifiers: readonly number[],
  ): number {
    const topic = publish.topicName
    const known = aliases?.find(topic) ?? 0
    const alias = known === 0 ? (aliases?.free ?? 0) : known
    const withTopic = known === 0
    const written = appendOwn(
      this.#output,
      publish,
      this.#terms,
      firstByte,
      identifier,
      nowMs,
      alias,
      withTopic,
      subscriptionIdentifiers,
    )
    if (written > 0 && withTopic && alias !== 0) aliases?.settle(topic)
    return written
  }
}
