import { unreachable } from "../../src/foundation/assert.ts"
import type { Connack, Packet, Qos } from "../../src/protocol/packet.ts"
import { describeReasonCode, isError, ReasonCode } from "../../src/protocol/reason-code.ts"
import type { TopicName } from "../../src/protocol/topic.ts"
import type { MemorySocket } from "../support/memory-socket.ts"
import { connect, disconnect } from "../support/packets.ts"
import { Bequests } from "./bequests.ts"
import type { Chronicle } from "./chronicle.ts"
import { Deliveries } from "./deliveries.ts"
import { KnownSession, type KnownSubscription } from "./known-session.ts"
import type { Ledger } from "./ledger.ts"
import { Line } from "./line.ts"
import type { Persona, WantedSubscription } from "./persona.ts"
import { Presence } from "./presence.ts"
import { Publications } from "./publications.ts"
import { clearing } from "./published.ts"
import type { Random } from "../support/random.ts"
import { Requests } from "./requests.ts"

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

/** Why the broker may end a connection of a client that keeps to the rules. */
const fairEnds: readonly ReasonCode[] = [
  ReasonCode.sessionTakenOver,
  ReasonCode.keepAliveTimeout,
  ReasonCode.quotaExceeded,
  ReasonCode.serverShuttingDown,
]

/** The broker looks who is silent once a second, and once more to be sure. */
const patrolMs = 3_000

/**
 * A client that keeps to the specification and remembers what it must, on a network that does not. It does nothing
 * by itself: the simulation says when it reads, answers, publishes and falls.
 */
export class SimulatedClient {
  readonly persona: Persona
  readonly #surroundings: ClientSurroundings
  readonly #publications: Publications
  readonly #deliveries: Deliveries
  readonly #requests: Requests
  readonly #bequests: Bequests
  readonly #presence: Presence
  /** Answers that are not sent yet, in order. */
  #answers: Packet[] = []
  #session: KnownSession | undefined
  #line: Line | undefined
  #lines = 0
  #lastOrder = 0
  #receiveMaximum = 0
  #unheardSinceMs = 0

  constructor(persona: Persona, surroundings: ClientSurroundings) {
    const { chronicle, ledger } = surroundings
    this.persona = persona
    this.#surroundings = surroundings
    this.#requests = new Requests(persona.name, chronicle, ledger)
    this.#publications = new Publications(persona.name, chronicle, ledger, (packetId) => {
      return this.#requests.has(packetId)
    })
    this.#deliveries = new Deliveries(persona.name, chronicle, ledger)
    this.#bequests = new Bequests(persona, ledger)
    this.#presence = new Presence(persona, {
      now: () => surroundings.now(),
      get crashes() {
        return ledger.crashes
      },
    })
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
    const cleanStart = this.#presence.connecting(asksForCleanStart)
    if (cleanStart) this.#startOver()
    this.#bequests.returns(!cleanStart)
    this.#lines += 1
    const { random, chronicle } = this.#surroundings
    chronicle.tell(`${this.name} connects${cleanStart ? " with a clean start" : ""}`)
    const line = new Line(this.#lines, cleanStart, this.#surroundings.socket(), persona.version, random)
    this.#line = line
    const will = this.#bequests.bequeath(line, this.#presence.lasts)
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
    const how = asCut(line)
    line.cut()
    if (this.#line === line) this.#offline("is cut off", how)
  }

  /** The network fails at the next bytes. */
  cutNext(): void {
    if (this.#line !== undefined) this.#line.cutsNext = true
  }

  /** The network loses what goes one way. */
  lose(way: "there" | "back"): void {
    if (this.#line === undefined) return
    this.#surroundings.chronicle.tell(
      `what goes ${way === "there" ? "from" : "to"} ${this.name} is on its way`,
    )
    this.#line.lose(way)
    this.#unheardSinceMs = this.#surroundings.now()
  }

  get isOneWay(): boolean {
    return this.#line?.isOneWay === true
  }

  heal(): void {
    if (this.isOneWay)
      this.#surroundings.chronicle.tell(`what was on its way from or to ${this.name} arrives`)
    this.#line?.heal()
  }

  /** The broker must have its session. */
  get hasSession(): boolean {
    return this.#presence.mustBeThere
  }

  /** It is in a conversation that a fault should hurt. */
  get isDelicate(): boolean {
    return this.#publications.isAmidQos2 || this.#deliveries.isAmidQos2 || this.#line?.wasAnswered === false
  }

  /** What is going to happen to its session and its wills, and when. */
  get dates(): readonly number[] {
    const endsAtMs = this.isOnline ? undefined : this.#presence.endsAtMs
    return endsAtMs === undefined ? this.#bequests.dates : [endsAtMs, ...this.#bequests.dates]
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
    if (isHeard) this.#bequests.farewell(this.#surroundings.chronicle.step)
    else this.#bequests.lost()
    if (!isHeard) line.cut()
    this.#offline("is gone", isHeard ? "farewell" : "unsure")
    if (!ends) return
    this.#startOver()
    this.#presence.ended(isHeard)
  }

  /** The broker crashed, and all connections with it. */
  crashed(atRestStep: number): void {
    if (this.#line !== undefined) {
      this.#take(this.#line, this.#surroundings.random.fraction())
      if (this.#line !== undefined) this.#offline("loses its connection", "unsure")
    }
    this.#presence.crashed()
    this.#deliveries.crashed(atRestStep)
    this.#bequests.uncertain(atRestStep)
  }

  /** The broker is back. */
  restarted(): void {
    this.#presence.restarted()
  }

  /** Nobody can say any more what becomes of its wills. */
  willsAreUnsure(): void {
    this.#bequests.lost()
  }

  /** Called after each step. */
  looksAround(): void {
    const line = this.#line
    if (line?.isSurelyOpen === true && line.isOnline) this.#presence.seen()
    if (line?.isOpen === false) {
      this.#take(line)
      if (this.#line === line) this.#offline("finds its connection closed", "closed")
    }
    this.#checkKeepAlive()
    this.#bequests.passed(this.#surroundings.now(), !this.#surroundings.storeIsFailing)
    if (this.isOnline || this.#session === undefined) return
    if (!this.#presence.expires(this.isConnected)) return
    this.#surroundings.ledger.end(this.#session)
    if (!this.isConnected) this.#startOver()
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
      expirySeconds: this.persona.version === 4 ? undefined : expirySeconds,
      will: undefined,
    })
    this.#surroundings.chronicle.tell(
      `${this.name} publishes ${published.text} to ${topic} at QoS ${qos}${retain ? ", RETAIN" : ""}`,
    )
    const isOld = this.persona.version === 4
    this.#send([this.#publications.first(published, isOld ? undefined : expirySeconds)])
  }

  subscribe(wanted: WantedSubscription): void {
    if (this.#session === undefined || !this.isOnline) return
    const packetId = this.#publications.freePacketId()
    this.#send([this.#requests.subscribe(this.#session, wanted, packetId)])
  }

  unsubscribe(text: string): void {
    if (this.#session === undefined || !this.isOnline) return
    const packetId = this.#publications.freePacketId()
    this.#send([this.#requests.unsubscribe(this.#session, text, packetId)])
  }

  /** Bytes that the broker has for it and the network does not take. */
  get unsentBytes(): number {
    return this.#line?.unsentBytes ?? 0
  }

  /** What it wants to be subscribed to, and is not, and has not asked for. */
  get wanted(): readonly WantedSubscription[] {
    return this.persona.subscriptions.filter(({ text }) => {
      return !this.#requests.asksFor(text) && this.#session?.subscriptions.get(text)?.state !== "held"
    })
  }

  /** Filters of its acknowledged subscriptions. */
  get subscribed(): readonly string[] {
    return this.#subscriptions(({ state }) => state === "held")
  }

  /** Those of which it does not know the end, or the beginning. */
  get perhapsSubscribed(): readonly string[] {
    return this.#subscriptions(({ state, goneAtStep }) => {
      return state === "asked" || (state === "gone" && goneAtStep === Number.POSITIVE_INFINITY)
    })
  }

  #subscriptions(which: (subscription: KnownSubscription) => boolean): readonly string[] {
    return [...(this.#session?.subscriptions ?? [])].filter(([, each]) => which(each)).map(([text]) => text)
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
        return this.#requests.suback(session, packet, this.#surroundings.storeHasFailed)
      case "unsuback":
        return this.#requests.unsuback(session, packet)
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
      line.wasAnswered = true
      return
    }
    const objection = this.#presence.objection(sessionPresent, line.cleanStart)
    chronicle.check(objection === undefined, `${this.name} ${objection}`)
    line.isOnline = true
    // Only who was let in can fall silent.
    this.#unheardSinceMs = this.#surroundings.now()
    line.wasAnswered = true
    this.#presence.letIn()
    this.#receiveMaximum = properties.receiveMaximum ?? this.#surroundings.receiveMaximum
    this.#bequests.returned(this.#surroundings.now(), sessionPresent, chronicle.step)
    if (!sessionPresent || this.#session === undefined) {
      if (!sessionPresent) this.#startOver()
      this.#session = new KnownSession(chronicle, this.name, this.#presence.lasts)
    }
    ledger.begin(this.#session)
    this.#answers.push(...this.#publications.again())
  }

  /** Who is not heard for one and a half keep alives is not there any more [MQTT-3.1.2-22]. */
  #checkKeepAlive(): void {
    const { keepAliveSeconds } = this.persona
    const line = this.#line
    if (keepAliveSeconds === 0 || line?.isOnline !== true) return
    // Of whom it does not read the broker cannot say that he is silent.
    if (!line.isUnheard) this.#unheardSinceMs = this.#surroundings.now()
    const silentMs = this.#surroundings.now() - this.#unheardSinceMs
    this.#surroundings.chronicle.check(
      silentMs < keepAliveSeconds * 1500 + patrolMs || !line.isSurelyOpen,
      `${this.name} has said nothing for ${silentMs} ms, and is connected`,
    )
  }

  // --- what becomes of its session ---

  /** The client forgets all that belonged to its session. */
  #startOver(): void {
    this.#surroundings.ledger.end(this.#session)
    this.#session = undefined
    this.#publications.forget()
    this.#deliveries.forget()
    this.#answers = []
  }

  #offline(what: string, how: "cut" | "closed" | "farewell" | "unsure"): void {
    const { chronicle, storeHasFailed, storeIsFailing } = this.#surroundings
    chronicle.tell(`${this.name} ${what}`)
    this.#presence.offline(this.#line?.wasAnswered === true)
    this.#line = undefined
    this.#answers = []
    this.#requests.offline()
    this.#deliveries.offline()
    this.#session?.offline()
    if (how === "cut") this.#bequests.fell(this.#surroundings.now(), !storeIsFailing)
    // Whoever was closed was closed earlier, perhaps by a store that failed then.
    if (how === "closed") this.#bequests.fell(undefined, !storeHasFailed)
    if (how === "unsure") this.#bequests.lost()
    if (!this.#presence.lasts) this.#startOver()
  }

  /** @returns whether the broker has surely read it */
  #send(packets: readonly Packet[]): boolean {
    const line = this.#line
    if (line === undefined) return false
    const how = asCut(line)
    const isSure = line.send(packets)
    if (line.cutsNext && packets.length > 0) this.#offline("is cut off", how)
    return isSure
  }
}

/** What is known of a connection that is about to be cut. To whoever does not read the end comes late: it may be there. */
function asCut(line: Line): "cut" | "closed" {
  return line.isSurelyOpen ? "cut" : "closed"
}
