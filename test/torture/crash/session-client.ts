import type {
  Acknowledgement,
  Packet,
  PacketId,
  ProtocolVersion,
  Publish,
  Qos,
} from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { isError, ReasonCode } from "../../../src/protocol/reason-code.ts"
import { Connection, ConnectionGone } from "./connection.ts"

export interface SessionClientOptions {
  readonly version: ProtocolVersion
  readonly clientId: string
  /** Each message that the application has not had before: at QoS 2 once, whatever the broker resends. */
  readonly onMessage?: (publish: Publish) => void
  /** One of our own messages is acknowledged for good: PUBACK or PUBCOMP came. */
  readonly onDone?: () => void
  /** What a broker that keeps its word would not do. */
  readonly onFault: (what: string) => void
}

/** A message of ours that the broker has not taken over, or at QoS 2 not let go of. */
interface Outgoing {
  readonly publish: Publish
  /** At QoS 2 `released` follows PUBREC: from then on only the PUBREL is sent again [4.3.3]. */
  stage: "published" | "released"
  readonly accepted: () => void
}

/**
 * The client's half of a session that outlives its connections [4.1]: what it has not got acknowledged it sends again
 * after a reconnect, with DUP and in the old order [4.4], and it remembers which QoS 2 identifiers it has seen.
 */
export class SessionClient {
  readonly clientId: string
  readonly #options: SessionClientOptions
  readonly #outgoing = new Map<PacketId, Outgoing>()
  /** Identifiers of QoS 2 messages that the application has, and the broker has not released. */
  readonly #received = new Set<PacketId>()
  #connection: Connection | undefined
  /** The same, once what was sent before is sent again: nothing new may overtake that. */
  #online: Connection | undefined
  /** The broker has acknowledged the session, so it must be there again. */
  #established = false
  #lastPacketId = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(options: SessionClientOptions) {
    this.#options = options
    this.clientId = options.clientId
  }

  /** How many of our messages are not acknowledged for good. */
  get unacknowledged(): number {
    return this.#outgoing.size
  }

  /** @throws Error when the connection ends before the CONNACK */
  async connect(port: number): Promise<void> {
    const connection = new Connection(this.#options.version, (packet) => this.#take(connection, packet))
    this.#connection = connection
    this.#online = undefined
    const { sessionPresent } = await connection.open(port, this.clientId)
    if (!sessionPresent && this.#established) {
      this.#options.onFault(`the session of ${this.clientId} is gone`)
      this.#received.clear()
    }
    this.#established = true
    for (const { publish, stage } of this.#outgoing.values()) {
      if (stage === "published") connection.send({ ...publish, dup: true })
      else connection.send(acknowledgement("pubrel", publish.packetId))
    }
    this.#online = connection
  }

  /** Resolves when the connection is gone, whoever ended it. */
  get closed(): Promise<void> {
    return this.#connection?.closed ?? Promise.resolve()
  }

  /** Leaves without a farewell; the session stays. */
  leave(): Promise<void> {
    this.#connection?.end()
    return this.closed
  }

  /**
   * Publishes, now or, without a connection, after the next one.
   *
   * @param accepted called once, when the broker has taken the message over: at PUBACK or PUBREC
   */
  publish(topic: string, payload: string, qos: 1 | 2, retain = false, accepted: () => void = () => {}): void {
    const packetId = this.#takePacketId()
    const publish: Publish = {
      type: "publish",
      qos,
      dup: false,
      retain,
      topic,
      packetId,
      payload: Buffer.from(payload),
      properties: noProperties,
    }
    this.#outgoing.set(packetId, { publish, stage: "published", accepted })
    this.#online?.send(publish)
  }

  /** Resolves when all our messages are acknowledged for good; not before, however often the broker dies. */
  whenIdle(): Promise<void> {
    if (this.#outgoing.size === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }

  /** @throws Error when the connection ends before the answer */
  async subscribe(filter: string, qos: Qos): Promise<void> {
    const request = { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    await this.#ask({
      type: "subscribe",
      packetId: this.#takePacketId(),
      requests: [request],
      properties: noProperties,
    })
  }

  /** @throws Error when the connection ends before the answer */
  async unsubscribe(filter: string): Promise<void> {
    await this.#ask({
      type: "unsubscribe",
      packetId: this.#takePacketId(),
      filters: [filter],
      properties: noProperties,
    })
  }

  /** Resolves when the broker has read all we sent before. @throws Error when the connection ends first */
  async ping(): Promise<void> {
    await this.#ask({ type: "pingreq" })
  }

  async #ask(packet: Packet): Promise<void> {
    if (this.#online === undefined) throw new ConnectionGone()
    const answer = await this.#online.ask(packet)
    if (answer.type === "suback" && answer.reasonCodes.some(isError)) {
      this.#options.onFault(`a SUBSCRIBE of ${this.clientId} was refused`)
    }
  }

  #takePacketId(): PacketId {
    do this.#lastPacketId = (this.#lastPacketId % 65_535) + 1
    while (this.#outgoing.has(this.#lastPacketId as PacketId))
    return this.#lastPacketId as PacketId
  }

  #take(connection: Connection, packet: Packet): void {
    // Whoever has begun another connection hears no more on the last one: it is all said again.
    if (connection !== this.#connection) return
    switch (packet.type) {
      case "publish":
        return this.#receive(connection, packet)
      case "pubrel":
        this.#received.delete(packet.packetId)
        return connection.send(acknowledgement("pubcomp", packet.packetId))
      case "puback":
        this.#accepted(packet)
        return this.#done(packet.packetId)
      case "pubrec":
        this.#accepted(packet)
        if (isError(packet.reasonCode)) return this.#done(packet.packetId)
        return connection.send(acknowledgement("pubrel", packet.packetId))
      case "pubcomp":
        return this.#done(packet.packetId)
      case "disconnect":
        // Our next connection takes the session over, and the last one is told so [3.1.4].
        if (packet.reasonCode === ReasonCode.sessionTakenOver) return
        if (packet.reasonCode === ReasonCode.serverShuttingDown) return
        return this.#options.onFault(`${this.clientId} was sent away with ${packet.reasonCode}`)
      default:
        return this.#options.onFault(`${this.clientId} got a ${packet.type}`)
    }
  }

  #receive(connection: Connection, publish: Publish): void {
    const { qos, packetId } = publish
    const isNew = qos !== 2 || packetId === undefined || !this.#received.has(packetId)
    if (isNew) this.#options.onMessage?.(publish)
    if (packetId === undefined) return
    if (qos === 2) this.#received.add(packetId)
    connection.send(acknowledgement(qos === 2 ? "pubrec" : "puback", packetId))
  }

  #accepted({ packetId, reasonCode }: Acknowledgement<"puback" | "pubrec">): void {
    const outgoing = this.#outgoing.get(packetId)
    if (outgoing === undefined) return this.#options.onFault(`${this.clientId} never sent ${packetId}`)
    if (isError(reasonCode)) this.#options.onFault(`a message of ${this.clientId} was refused`)
    if (outgoing.stage === "released") return
    outgoing.stage = "released"
    outgoing.accepted()
  }

  #done(packetId: PacketId): void {
    this.#outgoing.delete(packetId)
    this.#options.onDone?.()
    if (this.#outgoing.size > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}

function acknowledgement(
  type: "puback" | "pubrec" | "pubrel" | "pubcomp",
  packetId: PacketId | undefined,
): Packet {
  if (packetId === undefined) throw new Error("nothing to acknowledge")
  return { type, packetId, reasonCode: ReasonCode.success, properties: noProperties }
}
