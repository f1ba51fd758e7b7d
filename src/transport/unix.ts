import { chmodSync, lstatSync, unlinkSync } from "node:fs"
import { ListenError, listenErrorFrom, urlOf } from "./listen-error.ts"
import { streamSettings } from "./listen-options.ts"
import type { UnixListenOptions } from "./listen-options.ts"
import { plainHandlers } from "./plain-handlers.ts"
import type { Accept, ListenAddress, Listener } from "./socket.ts"
import { codeOf } from "./system-error.ts"

type UnixAddress = ListenAddress & { readonly scheme: "unix" }

/** The owner of the file may read and write, which is to connect. */
export const ownerAlone = 0o600

/**
 * Listens at a path. A socket file that a killed process left behind is removed; one that somebody answers is not.
 *
 * @throws ListenError
 */
export async function listenUnix(
  address: UnixAddress,
  accept: Accept,
  options: UnixListenOptions,
): Promise<Listener> {
  const socket = plainHandlers(accept, streamSettings(options), options)
  const inherited = options.inherited?.takePath(address.path)
  try {
    if (inherited !== undefined) {
      // Bun's types do not know fd, so the object has a name to be taken as it is. Its file is of who opened it.
      const place = { hostname: "localhost", port: 0, fd: inherited.descriptor, socket }
      const server = Bun.listen(place)
      return { url: urlOf(address), stop: () => server.stop() }
    }
    await clearSocketPath(address.path)
    const server = Bun.listen({ unix: address.path, socket })
    chmodSync(address.path, options.mode ?? ownerAlone)
    return { url: urlOf(address), stop: () => server.stop() }
  } catch (cause) {
    throw listenErrorFrom(cause, address)
  }
}

/**
 * Makes room for a socket: a file that a killed process left behind is removed; one that somebody answers is not.
 *
 * @throws ListenError what stands there is no socket
 */
export async function clearSocketPath(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) {
    const why = "what stands there is no socket; remove it, or choose another path"
    throw new ListenError(`Cannot listen at ${urlOf({ scheme: "unix", path })}: ${why}.`)
  }
  if (await isAbandoned(path)) unlinkSync(path)
}

/** Only a refusal proves that nobody listens; what else goes wrong shows when we listen ourselves. */
async function isAbandoned(path: string): Promise<boolean> {
  try {
    const probe = await Bun.connect({ unix: path, socket: { data() {} } })
    probe.terminate()
    return false
  } catch (cause) {
    return codeOf(cause) === "ECONNREFUSED"
  }
}
