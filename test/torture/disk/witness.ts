import type { ClientOptions } from "../../../src/client/client-options.ts"
import type { Packet, PacketId, Publish, WillFields } from "../../../src/protocol/packet.ts"
import { isError, ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { Ledger } from "./ledger.ts"
import { nameOf, numberedMessage } from "./numbered-message.ts"

const forEver = { sessionExpiryInterval: 0xffff_ffff }
/** So long after its connection is lost the will of a client comes: nobody here waits for it. */
const willDelaySeconds = 0xf000_0000

/**
 * Sees every packet between the broker and its clients, and writes into the ledger what is asked and what is promised
 * [4.3]. Messages to `load/…` are for all listeners; those to `retained/…` are retained, each topic by one client.
 */
export class Witness {
  readonly #ledger: Ledger
  readonly #listeners: readonly string[]
  /** By client and packet identifier. */
  readonly #published = new Map<string, Publish>()
  readonly #received = new Map<string, string>()
  /** The will that came with each client's last CONNECT; "" for none. */
  readonly #entrusted = new Map<string, string>()
  readonly #requested = new Map<string, readonly { readonly key: string; readonly granted: string }[]>()
  /** What a listener has acknowledged may leave its queue at any time. */
  readonly #taken = new Set<string>()
  /** Of each topic, in the order in which they were sent. */
  readonly #retaining = new Map<string, string[]>()
  readonly #accepted = new Milestones()
  readonly #refused = new Milestones()
  /** Published when nothing was to be accepted any more; undefined while something is. */
  #forbidden: WeakSet<Publish> | undefined
  #wronglyAccepted = 0
  #wills = 0

  /** @param listeners sessions that are subscribed to `load/#` */
  constructor(ledger: Ledger, listeners: readonly string[]) {
    this.#ledger = ledger
    this.#listeners = listeners
  }

  /** Messages that the broker has taken over. */
  get accepted(): number {
    return this.#accepted.passed
  }

  /** And that it did not take. */
  get refused(): number {
    return this.#refused.passed
  }

  /**
   * Whatever is published from here on, and has to be kept, must not be accepted. Of what was published before the
   * acknowledgement may be on its way.
   */
  forbid(): void {
    this.#forbidden ??= new WeakSet()
  }

  /** Messages that were, all the same. */
  get wronglyAccepted(): number {
    return this.#wronglyAccepted
  }

  /** Resolves when so many messages are taken over, all in all. */
  whenAccepted(count: number): Promise<void> {
    return this.#accepted.reaches(count)
  }

  whenRefused(count: number): Promise<void> {
    return this.#refused.reaches(count)
  }

  /** Of a client whose session lasts for ever. @param hasWill whether it leaves a will, which is another each time */
  lasting(clientId: string, hasWill = true): ClientOptions & { readonly clientId: string } {
    return {
      version: 5,
      will: hasWill ? this.#will(clientId) : undefined,
      clientId,
      cleanStart: false,
      keepAliveSeconds: 0,
      maximumInFlight: 10,
      properties: forEver,
      onPacket: (direction, packet) => {
        if (direction === "sending") this.#sending(clientId, packet)
        else this.#receiving(clientId, packet)
      },
    }
  }

  #will(clientId: string): WillFields {
    const topic = `wills/${clientId}`
    const payload = numberedMessage(topic, this.#wills++, 20)
    return { topic, payload, qos: 1, retain: false, properties: { willDelayInterval: willDelaySeconds } }
  }

  #sending(client: string, packet: Packet): void {
    const ledger = this.#ledger
    switch (packet.type) {
      case "connect": {
        const [session, will] = [`session/${client}`, `will/${client}`]
        const name = packet.will === undefined ? "" : nameOf(packet.will.payload)
        this.#entrusted.set(client, name)
        ledger.asked(session, ...ledger.allowedNow(session), "there")
        return ledger.asked(will, ...ledger.allowedNow(will), name)
      }
      case "disconnect": {
        // Nothing acknowledges that it has taken its will back.
        const will = `will/${client}`
        return ledger.asked(will, ...ledger.allowedNow(will), "")
      }
      case "subscribe":
        return this.#request(
          client,
          packet.packetId,
          packet.requests.map(({ filter, qos }) => ({
            key: `subscription/${client}/${filter}`,
            granted: String(qos),
          })),
        )
      case "unsubscribe":
        return this.#request(
          client,
          packet.packetId,
          packet.filters.map((filter) => ({ key: `subscription/${client}/${filter}`, granted: "" })),
        )
      case "publish":
        return this.#publish(client, packet)
      case "pubrel":
        return ledger.asked(`identifier/${client}/${packet.packetId}`, "", "kept")
      case "puback":
      case "pubrec": {
        const queued = `queued/${client}/${this.#received.get(`${client}/${packet.packetId}`)}`
        this.#taken.add(queued)
        return ledger.asked(queued, "", "queued", "released")
      }
      default:
        return
    }
  }

  #receiving(client: string, packet: Packet): void {
    const ledger = this.#ledger
    switch (packet.type) {
      case "connack":
        if (isError(packet.reasonCode)) return
        ledger.promised(`session/${client}`, "there")
        return ledger.promised(`will/${client}`, this.#entrusted.get(client) ?? "")
      case "suback":
      case "unsuback":
        for (const [index, { key, granted }] of this.#requested
          .get(`${client}/${packet.packetId}`)
          ?.entries() ?? []) {
          // What was refused may be there as it may before.
          if (!isError(packet.reasonCodes[index] ?? ReasonCode.success)) ledger.promised(key, granted)
        }
        return
      case "puback":
        return this.#answered(client, packet.packetId, packet.reasonCode)
      case "pubrec":
        if (!isError(packet.reasonCode)) ledger.promised(`identifier/${client}/${packet.packetId}`, "kept")
        return this.#answered(client, packet.packetId, packet.reasonCode)
      case "pubcomp":
        return ledger.promised(`identifier/${client}/${packet.packetId}`, "")
      case "publish":
        this.#received.set(`${client}/${packet.packetId}`, nameOf(packet.payload))
        return
      case "pubrel": {
        // One from before this connection may have got another number then.
        const name = this.#received.get(`${client}/${packet.packetId}`)
        if (name !== undefined) ledger.promised(`queued/${client}/${name}`, "", "released")
        return
      }
      default:
        return
    }
  }

  #request(
    client: string,
    packetId: PacketId,
    requests: readonly { readonly key: string; readonly granted: string }[],
  ): void {
    this.#requested.set(`${client}/${packetId}`, requests)
    for (const { key, granted } of requests) this.#ledger.asked(key, ...this.#ledger.allowedNow(key), granted)
  }

  #publish(client: string, publish: Publish): void {
    const { topic, payload, qos, packetId } = publish
    this.#published.set(`${client}/${packetId}`, publish)
    // To clear a topic where nothing is retained takes no disk.
    if (publish.payload.length > 0) this.#forbidden?.add(publish)
    if (qos === 2) this.#ledger.asked(`identifier/${client}/${packetId}`, "", "kept")
    if (!topic.startsWith("retained/")) {
      for (const key of this.#queued(payload)) this.#ledger.asked(key, "", "queued", "released")
      return
    }
    const value = payload.length === 0 ? "" : nameOf(payload)
    const retaining = this.#retaining.get(topic)
    if (retaining === undefined) this.#retaining.set(topic, [value])
    else retaining.push(value)
    const key = `retained/${topic}`
    this.#ledger.asked(key, ...this.#ledger.allowedNow(key), value)
  }

  #answered(client: string, packetId: PacketId, reasonCode: ReasonCode): void {
    const publish = this.#published.get(`${client}/${packetId}`)
    if (publish === undefined) return
    const { topic, payload } = publish
    if (isError(reasonCode)) {
      if (reasonCode !== ReasonCode.quotaExceeded) {
        this.#ledger.broken(`${client} is refused with 0x${reasonCode.toString(16)}, and not with 0x97`)
      }
      this.#refused.pass()
      return this.#given(publish, client)
    }
    this.#accepted.pass()
    if (this.#forbidden?.has(publish) === true) this.#wronglyAccepted += 1
    if (!topic.startsWith("retained/")) {
      for (const key of this.#queued(payload)) if (!this.#taken.has(key)) this.#ledger.promised(key, "queued")
      return
    }
    const retaining = this.#retaining.get(topic) ?? []
    const value = retaining.shift() ?? ""
    this.#ledger.promised(`retained/${topic}`, value, ...retaining)
  }

  /**
   * What was refused is not there, but for one case: the disk failed at the very end of a commit, and the broker was
   * killed before it wrote again. Then the next one finds it whole.
   */
  #given({ topic, payload, packetId, qos }: Publish, client: string): void {
    if (qos === 2) this.#ledger.asked(`identifier/${client}/${packetId}`, "", "kept")
    if (!topic.startsWith("retained/")) {
      for (const key of this.#queued(payload)) this.#ledger.asked(key, "", "queued", "released")
      return
    }
    this.#retaining.get(topic)?.shift()
  }

  #queued(payload: Uint8Array): string[] {
    const name = nameOf(payload)
    return this.#listeners.map((listener) => `queued/${listener}/${name}`)
  }
}

/** A count that can be waited for. */
class Milestones {
  readonly #waiting = new Set<{ readonly count: number; reached(): void }>()
  passed = 0

  pass(): void {
    this.passed += 1
    for (const waiter of this.#waiting) {
      if (this.passed < waiter.count) continue
      this.#waiting.delete(waiter)
      waiter.reached()
    }
  }

  reaches(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (this.passed >= count) resolve()
    else this.#waiting.add({ count, reached: resolve })
    return promise
  }
}
