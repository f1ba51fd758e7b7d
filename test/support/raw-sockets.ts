import { dlopen, type Pointer, ptr } from "bun:ffi"

/*
 * Sockets as a service manager has them, which the runtime does not offer: one that listens without accepting, and one
 * that takes datagrams at a path. Linux alone.
 */

const symbols = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const

function system() {
  for (const name of ["libc.so.6", `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`]) {
    try {
      return dlopen(name, symbols).symbols
    } catch {
      // Another system has another name for it.
    }
  }
  throw new Error("there is no C library to be called")
}

const afUnix = 1
const afInet = 2
const stream = 1
const datagram = 2
const closeOnExec = 0o2_000_000
const dontWait = 0x40

function addressOf(bytes: Uint8Array | Uint32Array): Pointer {
  return ptr(bytes)
}

function unixAddress(path: string): Uint8Array {
  const name = path.startsWith("@") ? Buffer.from(`\0${path.slice(1)}`) : Buffer.from(`${path}\0`)
  return Buffer.concat([Buffer.of(afUnix, 0), name])
}

export interface ListeningSocket extends Disposable {
  readonly descriptor: number
}

/** Listens at a free port of 127.0.0.1, and accepts nobody. */
export function listeningPort(): ListeningSocket & { readonly port: number } {
  const libc = system()
  const address = new Uint8Array(16)
  address.set([afInet, 0, 0, 0, 127, 0, 0, 1])
  const descriptor = listening(afInet, address)
  libc.getsockname(descriptor, addressOf(address), addressOf(Uint32Array.of(address.length)))
  const port = new DataView(address.buffer).getUint16(2)
  return { descriptor, port, [Symbol.dispose]: () => void libc.close(descriptor) }
}

export function listeningPath(path: string): ListeningSocket {
  const descriptor = listening(afUnix, unixAddress(path))
  return { descriptor, [Symbol.dispose]: () => void system().close(descriptor) }
}

function listening(family: number, address: Uint8Array): number {
  const libc = system()
  const descriptor = libc.socket(family, stream | closeOnExec, 0)
  if (libc.bind(descriptor, addressOf(address), address.length) !== 0) throw new Error("cannot bind")
  if (libc.listen(descriptor, 16) !== 0) throw new Error("cannot listen")
  return descriptor
}

/** Takes datagrams, and hands out what they say one after the other. */
export class DatagramListener implements Disposable {
  readonly #descriptor: number
  readonly #libc = system()
  readonly #bytes = new Uint8Array(4096)

  /** @param path of a file, or with an `@` in front for a name without one */
  constructor(path: string) {
    this.#descriptor = this.#libc.socket(afUnix, datagram | closeOnExec, 0)
    const address = unixAddress(path)
    if (this.#libc.bind(this.#descriptor, addressOf(address), address.length) !== 0) {
      throw new Error(`cannot listen at ${path}`)
    }
  }

  /** The first that contains the text; those before it are passed over. */
  async hears(text: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    // The runtime cannot wait for such a socket.
    const looking = setInterval(() => {
      for (let said; (said = this.#next()) !== undefined;) if (said.includes(text)) return resolve(said)
    }, 2)
    return promise.finally(() => clearInterval(looking))
  }

  /** All that has come and was not heard yet. */
  rest(): readonly string[] {
    const all: string[] = []
    for (let said; (said = this.#next()) !== undefined;) all.push(said)
    return all
  }

  #next(): string | undefined {
    const length = this.#libc.recv(
      this.#descriptor,
      addressOf(this.#bytes),
      BigInt(this.#bytes.length),
      dontWait,
    )
    return Number(length) < 0 ? undefined : Buffer.from(this.#bytes.subarray(0, Number(length))).toString()
  }

  [Symbol.dispose](): void {
    this.#libc.close(this.#descriptor)
  }
}
