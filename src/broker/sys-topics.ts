import type { Clock, Timer } from "../foundation/clock.ts"
import { type Message, nextMessageCounter, noBytes, type Publisher, topicOf } from "../protocol/message.ts"
import { assert } from "../foundation/assert.ts"
import { parseTopicName } from "../protocol/topic.ts"
import type { Broker } from "./broker.ts"

/** Rates are averages over these minutes, each moment weighing less the longer it is past. */
const loadMinutes = { "1min": 1, "5min": 5, "15min": 15 } as const

const ourselves: Publisher = { origin: "broker", clientId: "", username: undefined }

/** By the name under `$SYS/broker/load/` and the minutes that are averaged over: how often a second. */
export type Rates = Readonly<Record<string, Readonly<Record<string, number>>>>

/**
 * The counters, published under `$SYS/broker/` by the names that tools for Mosquitto know. A value is published again
 * only when it has changed, and is retained in memory alone: it is news, not something to keep over a restart.
 */
export class SysTopics {
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #version: string
  /** By the clock's `now`. */
  readonly startedMs: number
  readonly #published = new Map<string, string>()
  readonly #loads = new Map<string, Load>()
  #timer: Timer | undefined

  /** @param intervalSeconds between two looks at the counters; 0: nothing is published */
  constructor(broker: Broker, clock: Clock, intervalSeconds: number, version: string) {
    this.#broker = broker
    this.#clock = clock
    this.#intervalMs = intervalSeconds * 1000
    this.#version = version
    this.startedMs = clock.now()
  }

  /** Empty where nothing is published. */
  get rates(): Rates {
    const perSecond = ({ perMinute }: Load) =>
      Object.fromEntries(Object.entries(perMinute).map(([span, average]) => [span, average / 60]))
    return Object.fromEntries([...this.#loads].map(([name, load]) => [name, perSecond(load)]))
  }

  start(): void {
    if (this.#intervalMs === 0) return
    this.#publish("version", `bantam version ${this.#version}`)
    this.#report()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #report(): void {
    const now = this.#clock.now()
    for (const [name, value] of Object.entries(this.#values(now))) this.#publish(name, String(value))
    for (const [name, total] of Object.entries(this.#rated())) this.#publishLoad(name, total)
    this.#timer = this.#clock.at(now + this.#intervalMs, () => this.#report())
  }

  #values(now: number): Record<string, string | number> {
    const { counters, sessions, subscriptions, retained } = this.#broker
    const disconnected = sessions.size - counters.clientsConnected
    return {
      uptime: `${Math.floor((now - this.startedMs) / 1000)} seconds`,
      "clients/total": sessions.size,
      "clients/maximum": counters.clientsMaximum,
      "clients/connected": counters.clientsConnected,
      "clients/active": counters.clientsConnected,
      "clients/disconnected": disconnected,
      "clients/inactive": disconnected,
      "clients/expired": counters.sessionsExpired,
      "clients/taken-over": counters.sessionsTakenOver,
      "connections/socket/count": counters.socketsOpened,
      "connections/turned-away": sum(counters.turnedAway),
      "connections/greetings-refused": counters.greetingsRefused,
      "clients/refused": counters.clientsRefused,
      "clients/held-back": counters.heldBack,
      "clients/yielded": counters.yielded,
      "clients/protocol-errors": counters.protocolErrors,
      "store/behind": counters.storeBehind,
      "clients/paused": counters.paused,
      "bytes/received": counters.bytesReceived,
      "bytes/sent": counters.bytesSent,
      "messages/received": counters.packetsReceived,
      "messages/sent": counters.packetsSent,
      "messages/stored": counters.messagesQueued,
      "store/messages/count": counters.messagesQueued,
      "store/messages/bytes": counters.bytesQueued,
      "publish/messages/received": counters.publishesReceived,
      "publish/messages/sent": counters.publishesSent,
      "publish/messages/dropped": this.#droppedInAll(),
      "publish/bytes/received": counters.publishBytesReceived,
      "publish/bytes/sent": counters.publishBytesSent,
      "retained messages/count": retained.size,
      "subscriptions/count": subscriptions.size,
      "shared_subscriptions/count": subscriptions.sharedSize,
      "subscriptions/refused/limit": counters.refusedSubscriptions.limit,
      "subscriptions/refused/filter": counters.refusedSubscriptions.filter,
      ...heapSize(),
      ...Object.fromEntries(
        Object.entries(counters.dropped).map(([why, count]) => [`publish/messages/dropped/${why}`, count]),
      ),
      ...Object.fromEntries(
        Object.entries(counters.turnedAway).map(([why, count]) => [`connections/turned-away/${why}`, count]),
      ),
    }
  }

  #rated(): Record<string, number> {
    const { counters } = this.#broker
    return {
      "messages/received": counters.packetsReceived,
      "messages/sent": counters.packetsSent,
      "publish/dropped": this.#droppedInAll(),
      "publish/received": counters.publishesReceived,
      "publish/sent": counters.publishesSent,
      "bytes/received": counters.bytesReceived,
      "bytes/sent": counters.bytesSent,
      sockets: counters.socketsOpened,
      connections: counters.connectionsAccepted,
    }
  }

  /** Mosquitto does not count what sleepers miss at QoS 0, and who watches this number is not to be woken by it. */
  #droppedInAll(): number {
    const { dropped } = this.#broker.counters
    return sum(dropped) - dropped.absent
  }

  #publishLoad(name: string, total: number): void {
    const load = this.#loads.get(name) ?? { total, perMinute: {} }
    const perMinute = ((total - load.total) * 60_000) / this.#intervalMs
    load.total = total
    for (const [span, minutes] of Object.entries(loadMinutes)) {
      const weight = Math.exp(-this.#intervalMs / (minutes * 60_000))
      const average = perMinute + weight * ((load.perMinute[span] ?? 0) - perMinute)
      load.perMinute[span] = average
      this.#publish(`load/${name}/${span}`, average.toFixed(2))
    }
    this.#loads.set(name, load)
  }

  #publish(name: string, value: string): void {
    if (this.#published.get(name) === value) return
    this.#published.set(name, value)
    const topic = parseTopicName(`$SYS/broker/${name}`)
    assert(topic !== undefined, "a $SYS topic is a topic")
    const message: Message = {
      topic: topicOf(topic),
      payload: Buffer.from(value),
      qos: 0,
      retain: true,
      properties: noBytes,
      expiresAtMs: Number.POSITIVE_INFINITY,
      publisher: ourselves,
      receivedAtMs: this.#clock.now(),
      counter: nextMessageCounter(),
      hops: 0,
    }
    this.#broker.publishFleeting(message)
  }
}

/** The runtime asks the system, which takes a file: at the limit for open files nobody knows, and the rest is told. */
function heapSize(): { readonly "heap/current"?: number } {
  try {
    return { "heap/current": process.memoryUsage().heapUsed }
  } catch {
    return {}
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

interface Load {
  total: number
  readonly perMinute: Record<string, number>
}
