import type { Accept, PeerCertificate } from "./socket.ts"
import { StreamSocket, plainAddress } from "./stream-socket.ts"
import type { StreamSettings } from "./stream-socket.ts"

/** A socket of Bun's, before it has met its owner and after. */
export type TcpSocket = Bun.Socket<StreamSocket | undefined>
export type TcpHandlers = Bun.SocketHandler<StreamSocket | undefined>

/**
 * What every socket does once it has met its owner. Synchronous all: a rejection would reach no one. When the peer
 * closes its half, Bun closes ours: it reads that a turn after the last bytes, so the answers to them have left.
 */
export const streamHandlers = {
  binaryType: "uint8array",
  data: (socket, chunk) => socket.data?.received(chunk),
  drain: (socket) => socket.data?.drained(),
  close: (socket) => socket.data?.closed(),
  error: (socket, error) => (socket.data === undefined ? socket.terminate() : socket.data.erred(error)),
} as const satisfies TcpHandlers

/** What is known of a peer besides where its bytes come from. */
export interface Introduction {
  /** In place of the address the bytes come from. */
  readonly remoteAddress?: string | undefined
  readonly peerCertificate?: PeerCertificate | undefined
}

/** Gives a socket that is ready for use its owner. */
export function meet(
  socket: TcpSocket,
  accept: Accept,
  settings: StreamSettings,
  { remoteAddress = addressOf(socket), peerCertificate }: Introduction = {},
): StreamSocket {
  const stream = new StreamSocket(socket, remoteAddress, settings, peerCertificate)
  socket.data = stream
  stream.meet(accept)
  return stream
}

/** A unix socket's peer has no address. */
export function addressOf(socket: TcpSocket): string {
  const address: string | undefined = socket.remoteAddress
  return address === undefined ? "unix" : plainAddress(address)
}
