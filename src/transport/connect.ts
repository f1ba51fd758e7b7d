import { errorText } from "../foundation/log.ts"
import { streamSettings } from "./listen-options.ts"
import type { ListenOptions } from "./listen-options.ts"
import type { Socket, SocketOwner } from "./socket.ts"
import { SocksGreeting, type SocksProxy } from "./socks5.ts"
import type { StreamSettings } from "./stream-socket.ts"
import { codeOf } from "./system-error.ts"
import { meet, streamHandlers } from "./tcp-socket.ts"
import type { TcpHandlers, TcpSocket } from "./tcp-socket.ts"
import { readClientTls } from "./tls-options.ts"
import type { ClientTls, ClientTlsFiles } from "./tls-options.ts"
import { connectWebSocket } from "./websocket-client.ts"

export type { SocksProxy } from "./socks5.ts"
export { type ClientTlsFiles, TlsFileError } from "./tls-options.ts"

/** Which way the bytes of a stream go. */
export interface Route {
  /** The address of this machine that they leave from. */
  readonly localAddress?: string
  readonly proxy?: SocksProxy
}

/** Where to connect, and how to know that it is the right one. */
export type ConnectTarget =
  | ({ readonly scheme: "tcp"; readonly host: string; readonly port: number } & Route)
  | ({
      readonly scheme: "tls"
      readonly host: string
      readonly port: number
      readonly tls?: ClientTlsFiles
    } & Route)
  | { readonly scheme: "unix"; readonly path: string }
  | { readonly scheme: "ws"; readonly host: string; readonly port: number; readonly path?: string }
  | {
      readonly scheme: "wss"
      readonly host: string
      readonly port: number
      readonly path?: string
      readonly tls?: ClientTlsFiles
    }

export interface ConnectOptions extends Partial<Omit<ListenOptions, "handshakeTimeoutMs">> {
  /** How long until the connection must stand, TLS and upgrade included. 10,000 ms unless told. */
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 10_000

/**
 * Connects to a listener. The owner hears nothing unless the connection comes to stand.
 *
 * Without `onBug`, what the owner throws becomes an uncaught exception.
 *
 * @throws Error whose message is one sentence that names the address and what is wrong
 */
export async function connect(
  target: ConnectTarget,
  owner: SocketOwner,
  options: ConnectOptions = {},
): Promise<Socket> {
  const settings = streamSettings({ onBug: throwLater, ...options })
  const deadline = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs)
  try {
    if (target.scheme === "ws" || target.scheme === "wss") {
      const tls = target.scheme === "wss" ? readClientTls(target.tls ?? {}) : undefined
      return await connectWebSocket(targetUrl(target), target, tls, owner, settings, deadline)
    }
    return await connectStream(target, owner, settings, deadline)
  } catch (cause) {
    throw new Error(`Cannot connect to ${targetUrl(target)}: ${whyNot(cause, deadline)}.`, { cause })
  }
}

function connectStream(
  target: ConnectTarget & { readonly scheme: "tcp" | "tls" | "unix" },
  owner: SocketOwner,
  settings: StreamSettings,
  deadline: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const tls = target.scheme === "tls" ? readClientTls(target.tls ?? {}) : undefined
  const proxy = target.scheme === "unix" ? undefined : target.proxy
  let stands = false
  const ready = (socket: TcpSocket) => {
    if (deadline.aborted) return socket.terminate()
    stands = true
    resolve(meet(socket, () => owner, settings))
  }
  const fail = (socket: TcpSocket, error: unknown) => {
    reject(error)
    socket.terminate()
  }
  const socket = {
    ...streamHandlers,
    open: (opened: TcpSocket) => {
      // With Nagle's algorithm, the first bytes after a handshake would wait 40 ms for an acknowledgement.
      if (target.scheme !== "unix") opened.setNoDelay(true)
      if (tls === undefined) ready(opened)
    },
    handshake: (shaken: TcpSocket, succeeded: boolean, error: Error | null) => {
      if (shaken.data !== undefined) return
      if (succeeded && shaken.authorized) return ready(shaken)
      // Bun calls a handshake failed for a certificate that signed itself, although it stands; EPROTO means it.
      if (tls?.rejectUnauthorized === false && codeOf(error) !== "EPROTO") return ready(shaken)
      fail(shaken, error ?? new Error("the TLS handshake failed"))
    },
    close: (closed: TcpSocket, error?: Error) => {
      reject(error ?? new Error("the server closed the connection at once"))
      closed.data?.closed()
    },
    connectError: (_: TcpSocket, error: Error) => reject(error),
  } satisfies TcpHandlers
  const connecting =
    target.scheme === "unix"
      ? Bun.connect({ unix: target.path, socket })
      : Bun.connect(
          proxy === undefined
            ? { ...address(target, target), socket, ...(tls === undefined ? {} : { tls: { ...tls } }) }
            : { ...address(proxy, target), socket: throughProxy(target, proxy, tls, socket, ready, fail) },
        )
  connecting.then((begun) => {
    // A handshake that takes too long stands on a connection that has to go.
    deadline.addEventListener("abort", () => !stands && begun.terminate())
  }, reject)
  deadline.addEventListener("abort", () => reject(deadline.reason))
  return promise
}

/** The types of Bun do not know `localAddress`, Bun does. */
function address(to: { readonly host: string; readonly port: number }, { localAddress }: Route) {
  const { host: hostname, port } = to
  return localAddress === undefined ? { hostname, port } : { hostname, port, localAddress }
}

/** The handlers of a socket that first talks to a proxy, and afterwards is as any other, or what TLS stands on. */
function throughProxy(
  { host, port }: { readonly host: string; readonly port: number },
  proxy: SocksProxy,
  tls: ClientTls | undefined,
  socket: TcpHandlers,
  ready: (socket: TcpSocket) => void,
  fail: (socket: TcpSocket, error: unknown) => void,
): TcpHandlers {
  const greeting = new SocksGreeting(proxy, host, port)
  let encrypted = false
  return {
    ...socket,
    open: (opened) => {
      opened.setNoDelay(true)
      opened.write(greeting.hello)
    },
    data: (talking, chunk) => {
      if (talking.data !== undefined) return talking.data.received(chunk)
      // What TLS stands on hears the encrypted bytes as well.
      if (encrypted) return
      try {
        const next = greeting.take(chunk)
        if (next === undefined) return
        if (next !== "through") return void talking.write(next)
        if (tls === undefined) return ready(talking)
        encrypted = true
        talking.upgradeTLS({ data: undefined, tls: { serverName: host, ...tls }, socket })
      } catch (error) {
        fail(talking, error)
      }
    },
  }
}

/** As a person writes it, without a password. */
export function targetUrl(target: ConnectTarget): string {
  if (target.scheme === "unix") return `unix://${target.path}`
  const host = target.host.includes(":") ? `[${target.host}]` : target.host
  const path = target.scheme === "ws" || target.scheme === "wss" ? (target.path ?? "/mqtt") : ""
  return `${target.scheme}://${host}:${target.port}${path}`
}

function whyNot(cause: unknown, deadline: AbortSignal): string {
  switch (codeOf(cause)) {
    case "ECONNREFUSED":
      return "nobody listens there"
    case "ENOENT":
      return "there is no such socket"
    case "EACCES":
      return "its mode does not let us"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is not known"
    case "ECONNRESET":
      return "the server closed the connection at once"
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no way leads there"
    case "ETIMEDOUT":
      return "nobody answers"
    default:
      return deadline.aborted ? "nobody answered in time" : errorText(cause).replace(/\.$/, "")
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
