import { addressOf, cText, type Libc, libc } from "./libc.ts"

const afUnix = 1
const sockDgram = 2
const sockCloexec = 0o2_000_000
const msgNoSignal = 0x4000
const msgDontWait = 0x40
const clockMonotonic = 1
/** Of `sockaddr_un`: what is left of 108 bytes beside the zero at the end. */
const longestPath = 107

/** A socket of the kind of sd_notify(3), to which a service says how it is. */
export class NotifySocket {
  readonly #library: Libc
  readonly #descriptor: number
  readonly #address: Uint8Array

  private constructor(library: Libc, descriptor: number, address: Uint8Array) {
    this.#library = library
    this.#descriptor = descriptor
    this.#address = address
  }

  /**
   * @param path absolute, or with an `@` in front for a name that no file has
   * @returns undefined when nothing can be said there
   */
  static open(path: string): NotifySocket | undefined {
    const library = libc()
    if (!/^[/@]./.test(path) || Buffer.byteLength(path) > longestPath || library === undefined)
      return undefined
    const descriptor = library.socket(afUnix, sockDgram | sockCloexec, 0)
    if (descriptor < 0) return undefined
    return new NotifySocket(library, descriptor, addressBytes(path))
  }

  /**
   * @param mayWait whether it is worth waiting for, if the listener is behind
   * @returns whether it was taken
   */
  send(text: string, mayWait: boolean): boolean {
    const bytes = Buffer.from(text)
    const flags = mayWait ? msgNoSignal : msgNoSignal | msgDontWait
    const sent = this.#library.sendto(
      this.#descriptor,
      addressOf(bytes),
      BigInt(bytes.length),
      flags,
      addressOf(this.#address),
      this.#address.length,
    )
    return Number(sent) === bytes.length
  }

  /** By the clock that all processes share, in microseconds. */
  nowMicroseconds(): bigint {
    const time = new BigInt64Array(2)
    this.#library.clock_gettime(clockMonotonic, addressOf(time))
    const [seconds = 0n, nanoseconds = 0n] = time
    return seconds * 1_000_000n + nanoseconds / 1000n
  }

  close(): void {
    this.#library.close(this.#descriptor)
  }
}

/** A name without a file begins with a zero, and ends where its bytes end; a path ends with one. */
function addressBytes(path: string): Uint8Array {
  const name = path.startsWith("@") ? Buffer.from(`\0${path.slice(1)}`) : cText(path)
  return Buffer.concat(
    [Uint16Array.of(afUnix), name].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  )
}
