import { unreachable } from "../../src/foundation/assert.ts"
import type { Connack, Packet, PacketId, Qos, WillFields } from "../../src/protocol/packet.ts"
import { describeReasonCode, isError, ReasonCode } from "../../src/protocol/reason-code.ts"
import { parseTopicName, type TopicName } from "../../src/protocol/topic.ts"
import type { MemorySocket } from "../support/memory-socket.ts"
import { connect, disconnect, subscribe, unsubscribe } from "../support/packets.ts"
import type { Chronicle } from "./chronicle.ts"
import { Deliveries } from "./deliveries.ts"
import { KnownSession } from "./known-session.ts"
import { KnownWill } from "./known-will.ts"
import type { Ledger } from "./ledger.ts"
import { Line } from "./line.ts"
import { forever, type Persona, type WantedSubscription } from "./persona.ts"
import { Publications } from "./publications.ts"
import { clearing } from "./published.ts"
import type { Random } from "./random.ts"

/** What a client finds around it. */
export interface ClientSurroundings {
  readonly random: Random
  readonly chronicle: Chronicle
  readonly ledger: Ledger
  now(): number
  socket(): MemorySocket
  /** QoS 1 and 2 messages that the broker takes at once, which it can tell nobody before MQTT 5. */
  readonly receiveMaximum: number
  readonly storeIsFailing: boolean
  /** Anything may have been refused then. */
  readonly storeHasFailed: boolean
}

interface Request {
  readonly text: string
  /** Undefined: UNSUBSCRIBE. */
  readonly qos: Qos | undefined
}

/** Why the broker may end a connection of a client that keeps to the rules. */
const fairEnds: readonly ReasonCode[] = [
  ReasonCode.sessionTakenOver,
  ReasonCode.keepAliveTimeout,
  ReasonCode.quotaExceeded,
]

/**
 * A client that keeps to the specification and remembers what it must, on a network that does not. It does nothing
 * by itself: the simulation says when it reads, answers, publishes and falls.
 */
export class SimulatedClient {
  readonly persona: Persona
  readonly #surroundings: ClientSurroundings
  readonly #publications: Publications
  readonly #deliveries: Deliveries
  readonly #requests = new Map<PacketId, Request>()
  /** Answers that are not sent yet, in order. */
  #answers: Packet[] = []
  #wills: KnownWill[] = []
  #session: KnownSession | undefined
  /** Whether the broker has a session of ours. */
  #presence: "none" | "perhaps" | "there" = "none"
  /** What CONNACK may say to the present CONNECT. */
  #mayBePresent = false
  /** A clean start was asked for and not confirmed, so it is asked for again. */
  #wantsCleanStart = false
  /** We have thrown away our half of a session that the broker may still have. */
  #isForgotten = false
  #line: Line | undefined
  #lines = 0
  /** Its present session outlives its connection. */
  #lasts = false
  #lastOrder = 0
  #receiveMaximum = 0
  /** Its connection was surely there at the first time, and surely not any more at the second. */
  #openAtMs = 0
  #closedAtMs = 0
  #crashesAtClose = 0

  constructor(persona: Persona, surroundings: ClientSurroundings) {
    const { chronicle, ledger } = surroundings
    this.persona = persona
    this.#surroundings = surroundings
    this.#publications = new Publications(persona.name, chronicle, ledger, (packetId) => {
      return this.#requests.has(packetId)
    })
    this.#deliveries = new Deliveries(persona.name, chronicle, ledger)
  }

  get name(): string {
    return this.persona.name
  }

  get isConnected(): boolean {
    return this.#line !== undefined
  }

  get isOnline(): boolean {
    return this.#line?.isOnline ?? false
  }

  get hasAnswers(): boolean {
    return this.#answers.length > 0
  }

  /** It is online, waits for nothing, and owes nothing. */
  get isQuiet(): boolean {
    return (
      this.isOnline &&
      this.#publications.size + this.#deliveries.size + this.#requests.size + this.#answers.length === 0
    )
  }

  // --- connections ---

  /** Opens a connection. One that is there already is left for the broker to close. */
  connect(asksForCleanStart: boolean): void {
    const { persona } = this
    if (this.#line !== undefined) this.#offline("is done with its connection", "unsure")
    // MQTT 3.1.1 has no other way to say that a session is to end with its connection [3.1.1: 3.1.2.4].
    const isForOnce = persona.version === 4 && persona.expirySeconds === 0
    this.#judgePresence()
    const hasForgotten = this.#isForgotten && this.#presence !== "none"
    const cleanStart = asksForCleanStart || this.#wantsCleanStart || isForOnce || hasForgotten
    this.#wantsCleanStart = cleanStart
    if (cleanStart) this.#startOver()
    for (const will of this.#wills) will.returns(!cleanStart)
    this.#lines += 1
    const { random, chronicle } = this.#surroundings
    chronicle.tell(`${this.name} connects${cleanStart ? " with a clean start" : ""}`)
    const line = new Line(this.#lines, cleanStart, this.#surroundings.socket(), persona.version, random)
    this.#line = line
    this.#lasts = persona.version === 4 ? !cleanStart : persona.expirySeconds > 0
    this.#mayBePresent = this.#presence !== "none" && !cleanStart
    if (cleanStart || this.#presence === "none") this.#presence = this.#lasts ? "perhaps" : "none"
    const will = this.#bequeath(line)
    line.send([
      connect(persona.version, {
        clientId: persona.name,
        cleanStart,
        keepAliveSeconds: persona.keepAliveSeconds,
        ...(will !== undefined && { will }),
        properties:
          persona.version === 4
            ? {}
            : {
                sessionExpiryInterval: persona.expirySeconds,
                receiveMaximum: persona.receiveMaximum,
                topicAliasMaximum: persona.topicAliasMaximum,
              },
      }),
    ])
  }

  /** The network fails, with some of what the broker sent still on it. */
  cut(): void {
    const line = this.#line
    if (line === undefined) return
    this.#take(line, this.#surroundings.random.fraction())
    line.cut()
    if (this.#line === line) this.#offline("is cut off")
  }

  /** The network fails at the next bytes. */
  cutNext(): void {
    if (this.#line !== undefined) this.#line.cutsNext = true
  }

  stall(bytes: number): void {
    this.#line?.stall(bytes)
  }

  drain(): void {
    this.#line?.drain()
  }

  /** @param endsSession asks for the end of the session as well, which only MQTT 5 can */
  farewell(endsSession: boolean): void {
    const line = this.#line
    if (line === undefined || !line.isOnline) return
    const ends = endsSession && this.persona.version === 5
    this.#surroundings.chronicle.tell(`${this.name} says farewell${ends ? " for ever" : ""}`)
    const expiry = ends ? 0 : undefined
    const packet = disconnect(ReasonCode.normalDisconnection, expiry)
    const wasOpen = line.isOpen && !line.cutsNext
    line.send([packet])
    const isHeard = wasOpen && !line.isOpen
    if (isHeard && !this.#surroundings.storeIsFailing) {
      for (const will of this.#wills) will.farewell(this.#surroundings.chronicle.step)
    }
    if (!isHeard) line.cut()
    this.#offline("is gone", isHeard ? "farewell" : "unsure")
    if (!ends) return
    this.#startOver()
    this.#isForgotten = true
    this.#presence = isHeard ? "none" : "perhaps"
  }

  /** The broker crashed, and all connections with it. */
  crashed(atRestStep: number): void {
    if (this.#line !== undefined) {
      this.#take(this.#line, this.#surroundings.random.fraction())
      if (this.#line !== undefined) this.#offline("loses its connection", "unsure")
    }
    // What was not stored is undone: an end of the session for example.
    if (this.persona.expirySeconds > 0 && this.#presence === "none" && this.#lines > 0) {
      this.#presence = "perhaps"
      this.#isForgotten = true
    }
    for (const will of this.#wills) will.uncertain(atRestStep)
  }

  /** The broker is back, and all that runs out for those who were connected runs from now. */
  restarted(): void {
    this.#closedAtMs = this.#surroundings.now()
    this.#crashesAtClose = this.#surroundings.ledger.crashes
  }

  storeFailed(atRestStep: number): void {
    for (const will of this.#wills) will.uncertain(atRestStep)
  }

  /** Called after each step. */
  looksAround(): void {
    const nowMs = this.#surroundings.now()
    const line = this.#line
    if (line?.isSurelyOpen === true && line.isOnline) this.#openAtMs = nowMs
    if (line?.isOpen === false) {
      this.#take(line)
      if (this.#line === line) this.#offline("finds its connection closed", "closed")
    }
    for (const will of this.#wills) if (will.passed(nowMs)) this.#willIsDue(will)
    if (this.persona.expirySeconds === forever || this.isOnline || this.#session === undefined) return
    if (nowMs - this.#openAtMs < this.persona.expirySeconds * 1000) return
    // From here on the session may expire at any moment. A client that is just connecting is told whether it has.
    this.#presence = "perhaps"
    this.#surroundings.ledger.end(this.#session)
    if (line !== undefined) return
    this.#isForgotten = true
    this.#startOver()
  }

  // --- what it says ---

  /** Publishes something new, to a common topic or its own retained one. */
  publish(
    topic: TopicName,
    qos: Qos,
    retain: boolean,
    clears: boolean,
    expirySeconds: number | undefined,
  ): void {
    // What an earlier connection left comes first, in its order [MQTT-4.4.0-1].
    this.answer()
    if (!this.isOnline) return
    if (qos > 0 && this.#publications.size >= this.#receiveMaximum) return
    this.#lastOrder += 1
    const published = this.#surroundings.ledger.publish({
      text: `${this.name}-${this.#lastOrder}${clears ? clearing : ""}`,
      topic,
      qos,
      retain,
      publisher: this.name,
      order: this.#lastOrder,
      isOptional: expirySeconds !== undefined || clears,
      will: undefined,
    })
    this.#surroundings.chronicle.tell(
      `${this.name} publishes ${published.text} to ${topic} at QoS ${qos}${retain ? ", RETAIN" : ""}`,
    )
    const isOld = this.persona.version === 4
    this.#send([this.#publications.first(published, isOld ? undefined : expirySeconds)])
  }

  subscribe({ text, filter, shareName, qos }: WantedSubscription): void {
    const session = this.#session
    if (session === undefined || !this.isOnline) return
    this.#surroundings.chronicle.tell(`${this.name} subscribes to ${text} at QoS ${qos}`)
    session.asks(text, filter, shareName, qos)
    const packetId = this.#publications.freePacketId()
    this.#requests.set(packetId, { text, qos })
    this.#send([subscribe(packetId, [{ filter: text, qos }])])
  }

  unsubscribe(text: string): void {
    const session = this.#session
    if (session === undefined || !this.isOnline) return
    this.#surroundings.chronicle.tell(`${this.name} unsubscribes from ${text}`)
    session.leaves(text)
    this.#surroundings.ledger.left(session, text)
    const packetId = this.#publications.freePacketId()
    this.#requests.set(packetId, { text, qos: undefined })
    this.#send([unsubscribe(packetId, text)])
  }

  /** What it wants to be subscribed to, and is not, and has not asked for. */
  get wanted(): readonly WantedSubscription[] {
    const asked = new Set([...this.#requests.values()].map(({ text }) => text))
    return this.persona.subscriptions.filter(({ text }) => {
      return !asked.has(text) && this.#session?.subscriptions.get(text)?.state !== "held"
    })
  }

  get subscribed(): readonly string[] {
    return [...(this.#session?.subscriptions ?? [])]
      .filter(([, { state }]) => state === "held")
      .map(([text]) => text)
  }

  ping(): void {
    if (this.isOnline) this.#send([{ type: "pingreq" }])
  }

  /** Sends the answers that are due. */
  answer(): void {
    const answers = this.#answers
    this.#answers = []
    const session = this.#session
    const isSure = this.#send(answers)
    if (session === undefined) return
    for (const packet of answers) {
      if (packet.type === "puback" || packet.type === "pubcomp") {
        this.#deliveries.answered(packet, session, isSure)
      }
    }
  }

  /** Reads what has come. */
  read(): void {
    if (this.#line !== undefined) this.#take(this.#line)
  }

  // --- what it is told ---

  #take(line: Line, share = 1): void {
    for (const packet of line.receive(share)) {
      if (this.#line !== line) return
      this.#hear(line, packet)
    }
  }

  #hear(line: Line, packet: Packet): void {
    const chronicle: Chronicle = this.#surroundings.chronicle
    if (packet.type === "connack") return this.#connack(line, packet)
    const session = this.#session
    chronicle.check(
      line.isOnline && session !== undefined,
      `${this.name} was sent ${packet.type} before CONNACK`,
    )
    switch (packet.type) {
      case "publish": {
        const { receiveMaximum } = this.persona
        const answer = this.#deliveries.publish(packet, session, line.number, receiveMaximum)
        if (answer !== undefined) this.#answers.push(answer)
        return
      }
      case "pubrel":
        this.#answers.push(this.#deliveries.pubrel(packet))
        return
      case "puback":
        return this.#publications.puback(packet)
      case "pubrec": {
        const pubrel = this.#publications.pubrec(packet)
        if (pubrel !== undefined) this.#answers.push(pubrel)
        return
      }
      case "pubcomp":
        return this.#publications.pubcomp(packet)
      case "suback":
        return this.#suback(session, packet.packetId, packet.reasonCodes[0])
      case "unsuback":
        return this.#unsuback(session, packet.packetId)
      case "pingresp":
        return
      case "disconnect":
        chronicle.tell(`${this.name} is told ${describeReasonCode(packet.reasonCode)}`)
        chronicle.check(
          fairEnds.includes(packet.reasonCode),
          `${this.name} was disconnected: ${describeReasonCode(packet.reasonCode)}`,
        )
        return
      case "connect":
      case "subscribe":
      case "unsubscribe":
      case "pingreq":
      case "auth":
        return chronicle.blame(`a broker sent ${packet.type}`)
      default:
        return unreachable(packet)
    }
  }

  #connack(line: Line, { reasonCode, sessionPresent, properties }: Connack): void {
    const { ledger } = this.#surroundings
    const chronicle: Chronicle = this.#surroundings.chronicle
    const said = isError(reasonCode) ? `refused: ${describeReasonCode(reasonCode)}` : "let in"
    chronicle.tell(`${this.name} is ${said}${sessionPresent ? ", session present" : ""}`)
    if (isError(reasonCode)) {
      chronicle.check(this.#surroundings.storeHasFailed, `${this.name} was refused for no reason`)
      return
    }
    chronicle.check(!sessionPresent || this.#mayBePresent, `${this.name} cannot have a session`)
    chronicle.check(
      sessionPresent || line.cleanStart || this.#presence !== "there",
      `the session of ${this.name} is lost`,
    )
    line.isOnline = true
    this.#wantsCleanStart = false
    this.#isForgotten = false
    this.#presence = this.#lasts ? "there" : "none"
    this.#receiveMaximum = properties.receiveMaximum ?? this.#surroundings.receiveMaximum
    const nowMs = this.#surroundings.now()
    const present = this.#wills.pop()
    const backAtMs = sessionPresent ? nowMs : Number.POSITIVE_INFINITY
    for (const will of this.#wills) will.returned(backAtMs, chronicle.step)
    if (present !== undefined) this.#wills.push(present)
    present?.accepted()
    if (!sessionPresent || this.#session === undefined) {
      if (!sessionPresent) this.#startOver()
      this.#session = new KnownSession(chronicle, this.name, this.#lasts)
    }
    ledger.begin(this.#session)
    this.#answers.push(...this.#publications.again())
  }

  #suback(session: KnownSession, packetId: PacketId, reasonCode: ReasonCode | undefined): void {
    const { ledger, storeHasFailed } = this.#surroundings
    const chronicle: Chronicle = this.#surroundings.chronicle
    const request = this.#requests.get(packetId)
    this.#requests.delete(packetId)
    chronicle.check(
      request?.qos !== undefined && reasonCode !== undefined,
      `${this.name} got a SUBACK for nothing`,
    )
    chronicle.tell(`${this.name} is told ${describeReasonCode(reasonCode)} for ${request.text}`)
    if (isError(reasonCode)) {
      chronicle.check(storeHasFailed, `${this.name} may not subscribe to ${request.text}`)
      session.refused(request.text)
      return ledger.left(session, request.text)
    }
    chronicle.check(Number(reasonCode) === request.qos, `${request.text} was granted QoS ${reasonCode}`)
    session.granted(request.text, request.qos)
    const subscription = session.subscriptions.get(request.text)
    if (subscription?.shareName !== undefined) ledger.joined(session, request.text, subscription.filter)
  }

  #unsuback(session: KnownSession, packetId: PacketId): void {
    const request = this.#requests.get(packetId)
    this.#requests.delete(packetId)
    const chronicle: Chronicle = this.#surroundings.chronicle
    chronicle.check(
      request !== undefined && request.qos === undefined,
      `${this.name} got an UNSUBACK for nothing`,
    )
    session.hasLeft(request.text)
  }

  // --- what becomes of its session ---

  /** A session that expired must be gone by now, unless a crash gave it new time. */
  #judgePresence(): void {
    const { ledger } = this.#surroundings
    const { expirySeconds } = this.persona
    if (expirySeconds === forever || this.#crashesAtClose !== ledger.crashes) return
    if (this.#surroundings.now() - this.#closedAtMs >= expirySeconds * 1000) this.#presence = "none"
  }

  /** The client forgets all that belonged to its session. */
  #startOver(): void {
    this.#surroundings.ledger.end(this.#session)
    this.#session = undefined
    this.#publications.forget()
    this.#deliveries.forget()
    this.#answers = []
  }

  #offline(what: string, how: "cut" | "closed" | "farewell" | "unsure" = "cut"): void {
    const { chronicle, ledger } = this.#surroundings
    chronicle.tell(`${this.name} ${what}`)
    const wasOnline = this.isOnline
    this.#line = undefined
    this.#answers = []
    this.#requests.clear()
    this.#deliveries.offline()
    this.#session?.offline()
    const nowMs = this.#surroundings.now()
    this.#closedAtMs = nowMs
    // A connection that the broker has not let in yet may count as there for longer.
    this.#crashesAtClose = wasOnline ? ledger.crashes : Number.NaN
    if (how === "cut" || how === "closed") {
      for (const will of this.#wills) {
        const isDue = will.fell(how === "cut" ? nowMs : undefined)
        // Whoever was closed was closed earlier, perhaps by a store that failed then.
        if (isDue && (how === "cut" || !this.#surroundings.storeHasFailed)) this.#willIsDue(will)
      }
    }
    if (this.#lasts) return
    this.#startOver()
    this.#presence = "none"
  }

  #willIsDue(will: KnownWill): void {
    if (will.published === undefined || this.#surroundings.storeIsFailing) return
    this.#surroundings.ledger.willIsDue(will.published)
  }

  #bequeath(line: Line): WillFields | undefined {
    const { will: wanted, expirySeconds, version } = this.persona
    const topic = parseTopicName(`w/${this.name}`)
    if (wanted === undefined || topic === undefined) return undefined
    const delaySeconds = Math.min(wanted.delaySeconds, expirySeconds)
    const will = new KnownWill(delaySeconds, this.#lasts, () => line.isSurelyOpen)
    const text = `${this.name}-will-${line.number}`
    const { qos } = wanted
    will.isOf(
      this.#surroundings.ledger.publish({
        text,
        topic,
        qos,
        retain: false,
        publisher: this.name,
        order: 0,
        isOptional: false,
        will,
      }),
    )
    this.#wills = [...this.#wills.slice(-4), will]
    const properties = version === 5 ? { willDelayInterval: wanted.delaySeconds } : {}
    return { topic, payload: new TextEncoder().encode(text), qos, retain: false, properties }
  }

  /** @returns whether the broker has surely read it */
  #send(packets: readonly Packet[]): boolean {
    const line = this.#line
    if (line === undefined) return false
    const isSure = line.send(packets)
    if (line.cutsNext && packets.length > 0) this.#offline("is cut off")
    return isSure
  }
}
