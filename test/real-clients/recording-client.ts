import { connect, type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt"

/** One message as the application and the wire saw it. */
export interface Received {
  readonly topic: string
  readonly payload: Buffer
  readonly packet: IPublishPacket
}

/** An MQTT.js client that connects once, and whose messages are awaited one by one. */
export class RecordingClient {
  readonly client: MqttClient
  readonly connack: Promise<IConnackPacket>
  readonly #received: Received[] = []
  readonly #waiting: PromiseWithResolvers<Received>[] = []

  constructor(url: string, options: IClientOptions = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<IConnackPacket>()
    this.client = connect(url, { reconnectPeriod: 0, keepalive: 0, ...options })
    this.connack = promise
    this.client.on("connect", resolve)
    this.client.on("error", reject)
    this.client.on("close", () => reject(new Error("the connection is gone")))
    this.client.on("message", (topic, payload, packet) => {
      const received = { topic, payload, packet }
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#received.push(received)
      else waiting.resolve(received)
    })
  }

  /** @throws Error when the broker refuses */
  static async connected(url: string, options: IClientOptions = {}): Promise<RecordingClient> {
    const recording = new RecordingClient(url, options)
    await recording.connack
    return recording
  }

  /** Resolves with the next message, past or to come. */
  next(): Promise<Received> {
    const received = this.#received.shift()
    if (received !== undefined) return Promise.resolve(received)
    const waiting = Promise.withResolvers<Received>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** The next messages, each as QoS and payload. */
  async nextTexts(count: number): Promise<string[]> {
    const texts: string[] = []
    while (texts.length < count) {
      const { payload, packet } = await this.next()
      texts.push(`${packet.qos} ${payload.toString()}`)
    }
    return texts
  }

  /** Cuts the connection without a farewell. */
  async cut(): Promise<void> {
    const closed = Promise.withResolvers<void>()
    this.client.on("close", () => closed.resolve())
    this.client.stream.destroy()
    await closed.promise
  }
}
