import { dirname } from "node:path"
import { type Client, connectClient } from "../../../src/client/client.ts"
import type { ClientOptions } from "../../../src/client/client-options.ts"
import { isError, ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { ConnectTarget } from "../../../src/transport/connect.ts"
import { run as runProgram } from "../../cli/program.ts"
import type { Random } from "../../support/random.ts"

/** What of a broker its guests see. */
export interface StageOptions {
  readonly random: Random
  /** The addresses of the broker: TCP, TLS, WebSocket and WebSocket over TLS. */
  readonly doors: readonly [ConnectTarget, ...ConnectTarget[]]
  /** The compiled program, and where its store is. */
  readonly executable: string
  readonly directory: string
  count(what: string, more?: number): void
  wrong(what: string): void
}

type GuestOptions = Partial<ClientOptions> & { readonly clientId: string }

/** A client and the messages that have come to it. */
export class Guest {
  readonly client: Client
  readonly #inbox: Inbox

  constructor(client: Client, inbox: Inbox) {
    this.client = client
    this.#inbox = inbox
  }

  get heard(): number {
    return this.#inbox.count
  }

  /** Resolves when so many messages have come in all; rejects when the connection ends before. */
  async hears(count: number): Promise<void> {
    const ended = this.client.ended.then(({ why }) => {
      throw new Error(`the connection ended (${why}) with ${this.heard} of ${count} messages`)
    })
    await Promise.race([this.#inbox.reaches(count), ended])
  }
}

class Inbox {
  count = 0
  #waiter: { readonly count: number; resolve(): void } | undefined

  readonly take = (): void => {
    this.count += 1
    if (this.#waiter !== undefined && this.count >= this.#waiter.count) this.#waiter.resolve()
  }

  reaches(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiter = { count, resolve }
    return promise
  }
}

/** Where the plays of a soak are played: clients by every door, and the command line. */
export class Stage {
  readonly random: Random
  readonly #options: StageOptions
  #names = 0
  readonly #turns = new Map<number, number>()

  constructor(options: StageOptions) {
    this.#options = options
    this.random = options.random
  }

  /** One that nobody had before. */
  name(kind: string): string {
    this.#names += 1
    return `${kind}-${this.#names}`
  }

  /** 1 to `count`, one after the other. */
  turn(count: number): number {
    const turn = (this.#turns.get(count) ?? 0) % count
    this.#turns.set(count, turn + 1)
    return turn + 1
  }

  /** A folder for what a command writes. */
  get folder(): string {
    return dirname(this.#options.directory)
  }

  /** Some client by some door. @throws ConnectionEnded it is not let in */
  async guest(options: GuestOptions): Promise<Guest> {
    const inbox = new Inbox()
    const version = options.version ?? this.random.pick([4, 5, 5] as const)
    const door = this.random.pick(this.#options.doors)
    const client = await connectClient(door, {
      keepAliveSeconds: 30,
      onMessage: inbox.take,
      ...options,
      version,
    })
    this.#options.count("connections")
    this.#options.count(`connections by ${door.scheme}`)
    return new Guest(client, inbox)
  }

  async subscribe({ client }: Guest, filter: string, qos: 0 | 1 | 2): Promise<void> {
    const request = { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const { reasonCodes } = await client.subscribe([request])
    this.must(!reasonCodes.some(isError), `a subscription to ${filter} was refused`)
    this.#options.count("subscriptions")
  }

  /** So many of the same, all of which must be taken. */
  async publish(
    { client }: Guest,
    topic: string,
    qos: 0 | 1 | 2,
    count = 1,
    more: { readonly bytes?: number; readonly retain?: boolean; readonly expirySeconds?: number } = {},
  ): Promise<void> {
    const { bytes = 100, retain = false, expirySeconds } = more
    const properties = expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }
    const request = { topic, payload: new Uint8Array(bytes).fill(0x61), qos, retain, properties }
    const answers = await Promise.all(Array.from({ length: count }, () => client.publish(request)))
    const refused = answers.filter(({ reasonCode }) => isError(reasonCode)).length
    this.must(refused === 0, `${refused} of ${count} messages to ${topic} were refused`)
    this.#options.count("messages published", count)
  }

  /** Goes with a farewell or without one. */
  async leave({ client }: Guest, abruptly = this.random.chance(0.4)): Promise<void> {
    this.#options.count(abruptly ? "connections cut" : "farewells")
    if (abruptly) client.terminate()
    else await client.disconnect()
    await client.ended
  }

  /** Leaves and takes its session along, which before MQTT 5 needs another connection. */
  async leaveForGood(guest: Guest, options: GuestOptions): Promise<void> {
    if (options.version === 5) {
      await guest.client.disconnect(ReasonCode.normalDisconnection, { sessionExpiryInterval: 0 })
      await guest.client.ended
      return
    }
    await this.leave(guest)
    const { client } = await this.guest({ ...options, cleanStart: true })
    await client.disconnect()
    await client.ended
  }

  /** Runs the program on the store that is being served. @returns what it prints */
  async program(words: readonly string[], stdin = ""): Promise<string> {
    const { executable, directory } = this.#options
    const { exitCode, out, error } = await runProgram([...words, "--data", directory], {
      program: [executable],
      stdin,
    })
    this.#options.count("commands run")
    this.must(exitCode === 0, `bantam ${words.join(" ")}: ${error}`)
    return out
  }

  count(what: string, more?: number): void {
    this.#options.count(what, more)
  }

  must(holds: boolean, otherwise: string): void {
    if (!holds) this.#options.wrong(otherwise)
  }
}
