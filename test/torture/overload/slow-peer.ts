import { encodePacket } from "../../../src/protocol/encoder.ts"
import { noProperties } from "../../../src/protocol/properties.ts"

/** The first bytes of a ClientHello that says it is much longer. */
const halfHello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
const upgrade =
  "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n"
/** Longer than anybody has time to say it byte by byte. */
const connect = encodePacket(
  {
    type: "connect",
    version: 4,
    bridge: false,
    cleanStart: true,
    keepAliveSeconds: 0,
    clientId: "slow".repeat(200),
    username: undefined,
    password: undefined,
    will: undefined,
    properties: noProperties,
  },
  4,
)

/** Ways to hold a connection and never become a client. What is said byte by byte is `slowly`. */
export const manners = [
  { scheme: "tcp", what: "says nothing", atOnce: "", slowly: "" },
  { scheme: "tcp", what: "says half a CONNECT", atOnce: connect.subarray(0, 20), slowly: "" },
  { scheme: "tcp", what: "says CONNECT byte by byte", atOnce: "", slowly: connect },
  { scheme: "tls", what: "says nothing", atOnce: "", slowly: "" },
  { scheme: "tls", what: "says half a ClientHello", atOnce: halfHello, slowly: "" },
  { scheme: "tls", what: "says nothing after its handshake", handshakes: true, atOnce: "", slowly: "" },
  { scheme: "ws", what: "says nothing", atOnce: "", slowly: "" },
  { scheme: "ws", what: "says half a request", atOnce: upgrade.slice(0, 40), slowly: "" },
  { scheme: "ws", what: "asks byte by byte", atOnce: "", slowly: `${upgrade}Cookie: ${"a".repeat(1_000)}` },
  { scheme: "ws", what: "says nothing after its upgrade", atOnce: `${upgrade}\r\n`, slowly: "" },
  { scheme: "wss", what: "says half a ClientHello", atOnce: halfHello, slowly: "" },
  { scheme: "wss", what: "says half a request", handshakes: true, atOnce: upgrade.slice(0, 40), slowly: "" },
] as const satisfies readonly Manner[]

export type Scheme = "tcp" | "tls" | "ws" | "wss"

export interface Manner {
  readonly scheme: Scheme
  readonly what: string
  /** Speaks TLS before anything else. */
  readonly handshakes?: boolean
  readonly atOnce: string | Uint8Array
  readonly slowly: string | Uint8Array
}

/** Between two bytes of whoever speaks slowly. */
const betweenBytesMs = 50

/** Somebody who holds a connection, and does not leave before it is closed on him. */
export class SlowPeer {
  /** How long it was there, in milliseconds. */
  readonly closed: Promise<number>

  constructor(port: number, manner: Manner) {
    const closed = Promise.withResolvers<number>()
    this.closed = closed.promise
    const { atOnce, slowly } = manner
    const bytes = Buffer.from(slowly)
    const beganAt = performance.now()
    let said = 0
    let timer: ReturnType<typeof setInterval> | undefined
    const over = () => {
      clearInterval(timer)
      closed.resolve(performance.now() - beganAt)
    }
    const socket = {
      open: (opened: Bun.Socket) => {
        opened.write(atOnce)
        if (bytes.length === 0) return
        timer = setInterval(() => opened.write(bytes.subarray(said, ++said)), betweenBytesMs)
      },
      data: () => {},
      close: over,
      connectError: over,
    }
    const tls = manner.handshakes === true ? { tls: { rejectUnauthorized: false } } : {}
    // What the rejection says has been told to connectError.
    Bun.connect({ hostname: "127.0.0.1", port, socket, ...tls }).catch(() => {})
  }
}
