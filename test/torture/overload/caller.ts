import { encodePacket } from "../../../src/protocol/encoder.ts"
import { noProperties } from "../../../src/protocol/properties.ts"

/** What became of a connection: a CONNACK that lets in, one that does not, or an end without a word. */
export type Outcome = "served" | "refused" | "closed"

const connack = 0x20
/** Of a CONNACK: type, length, flags, reason. */
const reasonAt = 3

/** A client that asks to be let in and does nothing else; light enough that thousands come at once. */
export class Caller {
  /** From the wish to connect. */
  readonly answered: Promise<{ readonly outcome: Outcome; readonly ms: number }>
  readonly closed: Promise<void>
  #socket: Bun.Socket | undefined

  constructor(port: number, clientId: string) {
    const beganAt = performance.now()
    const answer = Promise.withResolvers<Outcome>()
    const closed = Promise.withResolvers<void>()
    this.closed = closed.promise
    this.answered = answer.promise.then((outcome) => ({ outcome, ms: performance.now() - beganAt }))
    const over = () => {
      answer.resolve("closed")
      closed.resolve()
    }
    const socket = {
      open: (opened: Bun.Socket) => {
        this.#socket = opened
        opened.write(connectBytes(clientId))
      },
      data: (_: Bun.Socket, bytes: Uint8Array) => {
        if (bytes[0] === connack) answer.resolve(bytes[reasonAt] === 0 ? "served" : "refused")
      },
      close: over,
      connectError: over,
    }
    // What the rejection says has been told to connectError.
    Bun.connect({ hostname: "127.0.0.1", port, socket }).catch(() => {})
  }

  /** Says DISCONNECT, and resolves when the broker has closed: then it has room again. */
  leave(): Promise<void> {
    this.#socket?.write(new Uint8Array([0xe0, 0]))
    return this.closed
  }
}

function connectBytes(clientId: string): Uint8Array {
  return encodePacket(
    {
      type: "connect",
      version: 4,
      bridge: false,
      cleanStart: true,
      keepAliveSeconds: 0,
      clientId,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: noProperties,
    },
    4,
  )
}
