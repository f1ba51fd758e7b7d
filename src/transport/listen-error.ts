import { errorText } from "../foundation/log.ts"
import type { ListenAddress } from "./socket.ts"
import { codeOf } from "./system-error.ts"
import { TlsFileError } from "./tls-options.ts"

/** A listener could not be opened. The message is one sentence: what, where, and what to do about it. */
export class ListenError extends Error {
  override readonly name = "ListenError"
}

/** An address as people write it, IPv6 in brackets: `tcp://[::1]:1883`, `unix:///run/bantam.sock`. */
export function urlOf(address: ListenAddress): string {
  if (address.scheme === "unix") return `unix://${address.path}`
  const host = address.host.includes(":") ? `[${address.host}]` : address.host
  return `${address.scheme}://${host}:${address.port}`
}

/** @param cause what Bun threw when it was told to listen at `address` */
export function listenErrorFrom(cause: unknown, address: ListenAddress): ListenError {
  if (cause instanceof ListenError) return cause
  const why = whyNot(cause, address)
  return new ListenError(`Cannot listen at ${urlOf(address)}: ${why}.`, { cause })
}

function whyNot(cause: unknown, address: ListenAddress): string {
  if (cause instanceof TlsFileError) return cause.message
  return address.scheme === "unix" ? whyNotUnix(cause, address.path) : whyNotPort(cause, address.port)
}

const noSuchCipher =
  "its list of ciphers names none that there is; write names of TLS 1.2 such as " +
  "ECDHE-ECDSA-AES256-GCM-SHA384, colons between them"

function whyNotPort(cause: unknown, port: number): string {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "the port is in use; stop the program that holds it, or choose another port"
    case "EACCES":
    case "EPERM":
      return `port ${port} is not for everyone; grant CAP_NET_BIND_SERVICE, or choose a port above 1023`
    case "EADDRNOTAVAIL":
      return "this machine has no such address; choose one of its own, or 0.0.0.0 for all of them"
    case "EAFNOSUPPORT":
      return "this machine does not speak that family of addresses; choose an IPv4 address"
    case "ERR_OUT_OF_RANGE":
      return "there is no such port; choose one from 0 to 65535"
    case "":
    case "EAGAIN":
    case "ENOTFOUND":
      return "the host name is not known; write it as /etc/hosts has it, or write the address"
    case "ERR_SSL_NO_CIPHER_MATCH":
      return noSuchCipher
    default:
      // Only the words of these two tell them from what is wrong with an address.
      if (errorText(cause) === "Invalid ciphers") return noSuchCipher
      if (errorText(cause) === "Failed to parse CRL")
        return "its list of revoked certificates is damaged; check the file"
      return `${errorText(cause)}; choose another address`
  }
}

function whyNotUnix(cause: unknown, path: string): string {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "another program listens there; stop it, or choose another path"
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "its folder may not be written to; change the folder's owner or mode, or choose another path"
    case "ENOENT":
    case "ENOTDIR":
      return "its folder does not exist; make it, or choose another path"
    case "ENAMETOOLONG":
    case "EINVAL":
      return `the path has ${Buffer.byteLength(path)} bytes, and a socket's may have about 100; choose a shorter one`
    default:
      return `${errorText(cause)}; choose another path`
  }
}
