import { addressOf, type Libc } from "./libc.ts"

/** Where a socket is bound, as the kernel says it. */
export type SocketName =
  | { readonly family: "inet" | "inet6"; readonly host: string; readonly port: number }
  | { readonly family: "unix"; readonly path: string }

/** Of `struct sockaddr`, the same on every Linux. */
const families = { unix: 1, inet: 2, inet6: 10 } as const
const longestName = 128

/** @returns undefined when the descriptor is no socket of these families */
export function nameOfSocket(library: Libc, descriptor: number): SocketName | undefined {
  const bytes = new Uint8Array(longestName)
  const length = Uint32Array.of(longestName)
  if (library.getsockname(descriptor, addressOf(bytes), addressOf(length)) !== 0) return undefined
  const view = new DataView(bytes.buffer)
  const port = view.getUint16(2)
  switch (view.getUint16(0, true)) {
    case families.inet:
      return { family: "inet", host: bytes.subarray(4, 8).join("."), port }
    case families.inet6:
      return { family: "inet6", host: ipv6(view), port }
    case families.unix:
      return { family: "unix", path: textUntilZero(bytes.subarray(2, length[0])) }
    default:
      return undefined
  }
}

/** In one fixed spelling of the many; compare it with another of `canonicalHost`. */
function ipv6(view: DataView): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(8 + 2 * index).toString(16))
  return canonicalHost(groups.join(":"))
}

/** The one spelling of an address that a URL would give it. */
export function canonicalHost(host: string): string {
  return host.includes(":") ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host
}

function textUntilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString()
}
