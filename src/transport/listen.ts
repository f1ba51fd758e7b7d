import type { WebSocketListenOptions, UnixListenOptions } from "./listen-options.ts"
import type { Accept, ListenAddress, Listener, TlsSettings } from "./socket.ts"
import { listenTcp } from "./tcp.ts"
import { listenUnix } from "./unix.ts"
import { listenWebSocket } from "./websocket.ts"

/**
 * Listens at any kind of address.
 *
 * @param tls belongs to `tls` and `wss`, and to no other
 * @throws ListenError
 */
export async function listen(
  address: ListenAddress,
  tls: TlsSettings | undefined,
  accept: Accept,
  options: WebSocketListenOptions & UnixListenOptions,
): Promise<Listener> {
  switch (address.scheme) {
    case "unix":
      return listenUnix(address, accept, options)
    case "tcp":
    case "tls":
      return listenTcp({ ...address, scheme: address.scheme }, tls, accept, options)
    case "ws":
    case "wss":
      return listenWebSocket({ ...address, scheme: address.scheme }, tls, accept, options)
  }
}
