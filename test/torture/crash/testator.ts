import type { ProtocolVersion } from "../../../src/protocol/packet.ts"
import { noProperties } from "../../../src/protocol/properties.ts"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { Connection, type ConnectionWishes } from "./connection.ts"

/** What becomes of a client that has left its will with the broker. */
export type Destiny =
  /** Its connection is lost before the broker dies. */
  | "cut"
  /** The same, and it is back before the broker dies. */
  | "back before"
  /** It is connected when the broker dies. */
  | "connected"
  /** The same, and it is back as soon as there is a broker again. */
  | "back after"
  /** It says goodbye, which takes its will back [MQTT-3.1.2-10]. */
  | "gone"

export interface TestatorWords {
  readonly clientId: string
  readonly topic: string
  readonly destiny: Destiny
  readonly version: ProtocolVersion
  readonly qos: 1 | 2
  readonly retain: boolean
  /** 0 before MQTT 5.0. */
  readonly delaySeconds: number
  readonly expirySeconds: number
}

/** A client with a will. */
export class Testator {
  readonly words: TestatorWords
  #connection: Connection | undefined
  #dueMs: number | undefined
  #isUnsure = false

  constructor(words: TestatorWords) {
    this.words = words
  }

  /** When its will is due, at the earliest; undefined when it must not come. */
  get dueMs(): number | undefined {
    return this.#dueMs
  }

  /** It was back too late to know whether the broker had published its will. */
  get isUnsure(): boolean {
    return this.#isUnsure
  }

  async connect(port: number): Promise<void> {
    const { topic, qos, retain, version, delaySeconds, expirySeconds } = this.words
    const properties = version === 5 ? { willDelayInterval: delaySeconds } : noProperties
    const will = { topic, payload: Buffer.from("the will"), qos, retain, properties }
    await this.#open(port, { will, expirySeconds })
  }

  /** Without a will, and so that its session ends with it. @returns whether the session was there */
  async comeBack(port: number): Promise<boolean> {
    const isPresent = await this.#open(port, { expirySeconds: 0 })
    this.#isUnsure = this.#dueMs !== undefined && Date.now() >= this.#dueMs
    this.#dueMs = undefined
    return isPresent
  }

  /** Its connection is lost now: its will comes once the delay is over, or the session [3.1.3.2.2]. */
  isLost(): void {
    const { delaySeconds, expirySeconds } = this.words
    this.#dueMs = Date.now() + Math.min(delaySeconds, expirySeconds) * 1000
  }

  /** Without a farewell. */
  async cut(): Promise<void> {
    this.isLost()
    this.#connection?.end()
    await this.#connection?.closed
  }

  /** Resolves when the broker has closed. */
  async sayGoodbye(): Promise<void> {
    this.#connection?.send({
      type: "disconnect",
      reasonCode: ReasonCode.normalDisconnection,
      properties: noProperties,
    })
    await this.#connection?.closed
  }

  async #open(port: number, wishes: ConnectionWishes): Promise<boolean> {
    const connection = new Connection(this.words.version, () => {})
    this.#connection = connection
    return (await connection.open(port, this.words.clientId, wishes)).sessionPresent
  }
}
