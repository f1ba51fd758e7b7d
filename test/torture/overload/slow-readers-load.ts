import type { Packet, PacketId, ProtocolVersion } from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { nextWord, say, taskOf } from "./load-side.ts"
import { Probe } from "./probe.ts"

/*
 * Two publishers, and readers that stop to read as soon as they have subscribed. Told to, they read what was kept for
 * them, acknowledge it, and say what they got.
 */

export interface SlowReadersTask {
  readonly port: number
  /** Of each publisher. */
  readonly messages: number
  readonly payloadBytes: number
}

export interface ReaderFigures {
  readonly name: string
  readonly clientId: string
  /** Of its subscription. */
  readonly qos: 0 | 1
  /** Messages of the first publisher, at QoS 0, and of the second, at QoS 1. */
  readonly received: readonly [number, number]
  /** Came twice, or after a later one. */
  readonly outOfOrder: number
}

export type SlowReadersSaid =
  | { readonly did: "published"; readonly seconds: number; readonly longestWaitMs: number }
  | { readonly did: "read"; readonly readers: readonly ReaderFigures[]; readonly seconds: number }

export const readerKinds = [
  { version: 4, qos: 0, isLasting: false },
  { version: 5, qos: 0, isLasting: false },
  { version: 4, qos: 1, isLasting: false },
  { version: 5, qos: 1, isLasting: false },
  { version: 4, qos: 1, isLasting: true },
  { version: 5, qos: 1, isLasting: true },
] as const

/** Messages of a publisher under way at a time. */
const window = 32
const endTopic = "slow/end"

class Reader {
  readonly name: string
  readonly #received: [number, number] = [0, 0]
  #outOfOrder = 0
  readonly #version: ProtocolVersion
  readonly #qos: 0 | 1
  readonly #isLasting: boolean
  /** By publisher. */
  readonly #last = new Map<number, number>()
  readonly #pinged = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #probe: Probe | undefined

  constructor({ version, qos, isLasting }: (typeof readerKinds)[number]) {
    this.name = `${version === 4 ? "3.1.1" : "5.0"} at QoS ${qos}${isLasting ? ", lasting" : ""}`
    this.#version = version
    this.#qos = qos
    this.#isLasting = isLasting
  }

  get figures(): ReaderFigures {
    const figures = { name: this.name, clientId: this.#clientId, qos: this.#qos }
    return { ...figures, received: this.#received, outOfOrder: this.#outOfOrder }
  }

  get #clientId(): string {
    return `slow ${this.name}`
  }

  async subscribe(port: number): Promise<void> {
    const owner = { took: (packet: Packet) => this.#took(packet), lost: () => this.#lost() }
    const options = { version: this.#version, isLasting: this.#isLasting }
    this.#probe = await Probe.connect(port, this.#clientId, owner, options)
    await this.#probe.subscribe("slow/#", this.#qos)
    this.#probe.pause()
  }

  /** Resolves when all that was on its way is here: what still waits at QoS 1 comes after that. */
  readOn(): Promise<void> {
    this.#probe?.resume()
    this.#probe?.ping()
    return this.#pinged.promise
  }

  get end(): Promise<void> {
    return this.#ended.promise
  }

  /** Nothing of it remains. */
  async leave(port: number): Promise<void> {
    await this.#probe?.leave()
    if (!this.#isLasting) return
    const nobody = { took: () => {}, lost: () => {} }
    const last = await Probe.connect(port, this.#clientId, nobody, { version: this.#version })
    await last.leave()
  }

  /** Hot. */
  #took(packet: Packet): void {
    if (packet.type === "pingresp") return this.#pinged.resolve()
    if (packet.type !== "publish") return
    if (packet.packetId !== undefined) this.#probe?.acknowledge(packet.packetId)
    if (packet.topic === endTopic) return this.#ended.resolve()
    const payload = Buffer.from(packet.payload.buffer, packet.payload.byteOffset)
    const publisher = payload.readUInt32LE(0) === 0 ? 0 : 1
    this.#received[publisher] += 1
    const number = payload.readUInt32LE(4)
    if (number <= (this.#last.get(publisher) ?? -1)) this.#outOfOrder += 1
    this.#last.set(publisher, number)
  }

  #lost(): void {
    const error = new Error(`${this.name} lost its connection`)
    this.#pinged.reject(error)
    this.#ended.reject(error)
  }
}

/** Publishes at QoS 0 or 1, with a bounded number under way: at QoS 0, PINGREQ asks whether they are through. */
class Publisher {
  longestWaitMs = 0
  readonly #number: number
  readonly #qos: 0 | 1
  readonly #payload: Buffer
  readonly #done = Promise.withResolvers<void>()
  readonly #sentAt = new Map<number, number>()
  #left: number
  #sent = 0
  #probe: Probe | undefined

  constructor(number: number, qos: 0 | 1, { messages, payloadBytes }: SlowReadersTask) {
    this.#number = number
    this.#qos = qos
    this.#left = messages
    this.#payload = Buffer.alloc(payloadBytes)
  }

  async connect(port: number): Promise<void> {
    const lost = () => this.#done.reject(new Error("a publisher lost its connection"))
    const owner = { took: (packet: Packet) => this.#took(packet), lost }
    this.#probe = await Probe.connect(port, `fast ${this.#number}`, owner)
  }

  publish(): Promise<void> {
    this.#fill()
    return this.#done.promise
  }

  async say(topic: string): Promise<void> {
    this.#probe?.publish(topic, Buffer.alloc(0), 60_000 as PacketId)
  }

  leave(): Promise<void> {
    return this.#probe?.leave() ?? Promise.resolve()
  }

  #took(packet: Packet): void {
    const identifier = packet.type === "puback" ? packet.packetId : 0
    if (packet.type !== "puback" && packet.type !== "pingresp") return
    const sentAt = this.#sentAt.get(identifier)
    if (sentAt === undefined) return
    this.#sentAt.delete(identifier)
    this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - sentAt)
    this.#fill()
  }

  #fill(): void {
    while (this.#left > 0 && this.#sentAt.size < (this.#qos === 0 ? 1 : window)) {
      if (this.#qos === 1) this.#publish()
      else {
        for (let count = 0; count < window && this.#left > 0; count++) this.#publish()
        this.#sentAt.set(0, performance.now())
        this.#probe?.ping()
      }
    }
    if (this.#left === 0 && this.#sentAt.size === 0) this.#done.resolve()
  }

  #publish(): void {
    this.#payload.writeUInt32LE(this.#number, 0)
    this.#payload.writeUInt32LE(this.#sent, 4)
    this.#left -= 1
    this.#sent += 1
    const topic = `slow/${this.#number}`
    if (this.#qos === 0) {
      const fields = { qos: 0, dup: false, packetId: undefined, retain: false } as const
      this.#probe?.send({
        type: "publish",
        ...fields,
        topic,
        payload: this.#payload,
        properties: noProperties,
      })
      return
    }
    const packetId = ((this.#sent % 50_000) + 1) as PacketId
    this.#sentAt.set(packetId, performance.now())
    this.#probe?.publish(topic, this.#payload, packetId)
  }
}

async function load(): Promise<void> {
  const task = taskOf<SlowReadersTask>()
  const readers = readerKinds.map((kind) => new Reader(kind))
  for (const reader of readers) await reader.subscribe(task.port)
  const publishers = [new Publisher(0, 0, task), new Publisher(1, 1, task)]
  for (const publisher of publishers) await publisher.connect(task.port)

  const beganAt = performance.now()
  await Promise.all(publishers.map((publisher) => publisher.publish()))
  const longestWaitMs = Math.max(...publishers.map((publisher) => publisher.longestWaitMs))
  say<SlowReadersSaid>({ did: "published", seconds: secondsSince(beganAt), longestWaitMs })

  await nextWord()
  const readAt = performance.now()
  await Promise.all(readers.map((reader) => reader.readOn()))
  await publishers[1]?.say(endTopic)
  await Promise.all(readers.map(({ end }) => end))
  const figures = readers.map((reader) => reader.figures)
  say<SlowReadersSaid>({ did: "read", readers: figures, seconds: secondsSince(readAt) })

  for (const reader of readers) await reader.leave(task.port)
  for (const publisher of publishers) await publisher.leave()
}

function secondsSince(at: number): number {
  return (performance.now() - at) / 1000
}

if (import.meta.main) {
  await load()
  process.exit()
}
