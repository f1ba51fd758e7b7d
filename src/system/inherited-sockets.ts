import { keepFromChildren } from "./descriptors.ts"
import { addressOf, type Libc, libc } from "./libc.ts"
import { canonicalHost, nameOfSocket, type SocketName } from "./socket-name.ts"

type Environment = Record<string, string | undefined>

/** Behind the standard streams, by the protocol of sd_listen_fds(3). */
const firstDescriptor = 3

const solSocket = 1
const soAcceptConn = 30

/** A listening socket that somebody opened for us. */
export interface InheritedSocket {
  readonly name: SocketName
  /** For the taker to close. */
  readonly descriptor: number
}

/**
 * The sockets that a service manager listens at for us (socket activation), so that we need no right to. Whoever looks
 * for an address among them takes the socket, and those that are left can be told of.
 */
export class InheritedSockets {
  readonly #sockets: InheritedSocket[]

  private constructor(sockets: InheritedSocket[]) {
    this.#sockets = sockets
  }

  static readonly none = new InheritedSockets([])

  /**
   * Takes them over from whoever started us, and the variables that tell of them out of the environment, for they are
   * meant for this process and none that it starts.
   */
  static take(environment: Environment): InheritedSockets {
    const { LISTEN_PID, LISTEN_FDS } = environment
    for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete environment[name]
    const count = Number(LISTEN_FDS ?? 0)
    if (LISTEN_PID !== String(process.pid) || !Number.isInteger(count) || count < 1) return this.none
    const library = libc()
    if (library === undefined) return this.none
    const descriptors = Array.from({ length: count }, (_, index) => firstDescriptor + index)
    for (const descriptor of descriptors) keepFromChildren(library, descriptor)
    return new InheritedSockets(
      descriptors.flatMap((descriptor) => {
        const name = isListening(library, descriptor) ? nameOfSocket(library, descriptor) : undefined
        return name === undefined ? [] : [{ name, descriptor }]
      }),
    )
  }

  /** Those that nobody took. */
  get left(): readonly SocketName[] {
    return this.#sockets.map(({ name }) => name)
  }

  /** The socket bound at exactly this address. */
  takePort(host: string, port: number): InheritedSocket | undefined {
    const wanted = canonicalHost(host === "localhost" ? "127.0.0.1" : host)
    return this.#take((name) => name.family !== "unix" && name.port === port && name.host === wanted)
  }

  takePath(path: string): InheritedSocket | undefined {
    return this.#take((name) => name.family === "unix" && name.path === path)
  }

  #take(isIt: (name: SocketName) => boolean): InheritedSocket | undefined {
    const index = this.#sockets.findIndex(({ name }) => isIt(name))
    return index === -1 ? undefined : this.#sockets.splice(index, 1)[0]
  }
}

function isListening(library: Libc, descriptor: number): boolean {
  const listens = Int32Array.of(0)
  const length = Uint32Array.of(4)
  const asked = library.getsockopt(descriptor, solSocket, soAcceptConn, addressOf(listens), addressOf(length))
  return asked === 0 && listens[0] === 1
}

/** As people write it. */
export function socketNameText(name: SocketName): string {
  if (name.family === "unix") return name.path
  return name.family === "inet6" ? `[${name.host}]:${name.port}` : `${name.host}:${name.port}`
}
