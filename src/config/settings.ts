import { homedir } from "node:os"
import { join, resolve } from "node:path"
import type { ListenAddress, TlsSettings } from "../transport/socket.ts"
import { type Camel, camel } from "./camel.ts"
import type { Problem } from "./config-error.ts"
import { type HttpAuthenticationSettings, resolveHttpAuthentication } from "./http-authentication.ts"
import { type JwtSettings, resolveJwt } from "./jwt.ts"
import { isLoopback, listenUrl, parseListenUrl } from "./listen-url.ts"
import type { AuthenticatorName, WrittenSettings } from "./schema.ts"

/** One address to listen on, with all that belongs to it. */
export interface ListenerSettings {
  /** Normalised: scheme, host and port. */
  readonly url: string
  readonly address: ListenAddress
  /** Only programs on this machine can reach it, and none of them is a proxy. */
  readonly loopback: boolean
  /** Whoever connects is a proxy, and says first whom it speaks for. */
  readonly proxyProtocol: boolean
  /** Present exactly for tls and wss. */
  readonly tls: TlsSettings | undefined
  /** Asked in this order. */
  readonly authenticators: readonly AuthenticatorName[]
  /** Who shows no user name is let in. */
  readonly allowsAnonymous: boolean
  /** At a time; undefined: as many as all listeners together. */
  readonly maxConnections: number | undefined
  /** New ones a second; undefined: as many as all listeners together. */
  readonly maxConnectionRate: number | undefined
  /** Of one client; undefined: what holds for all listeners. */
  readonly messagesPerSecond: number | undefined
}

/**
 * What the broker is told before it starts. Each setting is named as in the file, in camelCase, and described in
 * `schema.ts`; what is derived from several of them is worked out once, here.
 */
export type Settings = Omit<
  Camel<WrittenSettings>,
  "listen" | "tls" | "jwt" | "httpAuthentication" | "storage" | "management"
> & {
  readonly listeners: readonly ListenerSettings[]
  /** Undefined: tokens prove nothing. */
  readonly jwt: JwtSettings | undefined
  /** Undefined: no service is asked. */
  readonly httpAuthentication: HttpAuthenticationSettings | undefined
  /** The directory is an absolute path. */
  readonly storage: Camel<WrittenSettings["storage"]> & { readonly directory: string }
  readonly management: {
    /** Absolute; undefined: the broker is administered by nobody while it serves. */
    readonly socket: string | undefined
    /** Where it would be unasked, were that no longer than a socket's path may be. */
    readonly tooLong: string | undefined
  }
}

/** What a setting may depend on besides the file. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Completes checked settings.
 *
 * @param problems takes what is wrong between settings that are each well formed
 */
export function resolveSettings(
  written: WrittenSettings,
  environment: Environment,
  problems: Problem[],
): Settings {
  const { listen, tls, storage, security, jwt: token, http_authentication, management, ...rest } = written
  const jwt = resolveJwt(token, problems)
  const httpAuthentication = resolveHttpAuthentication(http_authentication, problems)
  if (rest.certificate.known_users_only && rest.certificate.identity === undefined) {
    const what = "is of no use without certificate.identity; set both"
    problems.push({ key: "certificate.known_users_only", what })
  }
  // Where users come from elsewhere, there are some although the store has none.
  const comeFromElsewhere =
    jwt !== undefined || httpAuthentication !== undefined || rest.certificate.identity !== undefined
  const defaultAccess =
    security.default_access === "auto" && comeFromElsewhere ? "deny" : security.default_access
  // Whoever reads them, before and after it became that user, means the same place.
  const ownDirectory = () => defaultDirectory(environment, rest.process.user === undefined ? undefined : 0)
  const directory = resolve(storage.directory ?? ownDirectory())
  return {
    ...camel(rest),
    security: { ...camel(security), defaultAccess },
    listeners: listen.flatMap((entry) => resolveListener(entry, tls, security, problems) ?? []),
    jwt,
    httpAuthentication,
    storage: { ...camel(storage), directory },
    management: managementSocket(management.socket, storage.ephemeral ? undefined : directory, problems),
  }
}

/** A path beyond that is cut off by the system, without a word. */
const longestSocketPath = 107

/** @param directory undefined: everything is kept in memory */
function managementSocket(
  written: string,
  directory: string | undefined,
  problems: Problem[],
): Settings["management"] {
  const none = { socket: undefined, tooLong: undefined }
  if (written === "off" || (written === "auto" && directory === undefined)) return none
  const path = written === "auto" ? join(directory ?? "", "admin.sock") : resolve(written)
  if (Buffer.byteLength(path) <= longestSocketPath) return { ...none, socket: path }
  // Nobody asked for it, and the broker serves as well without.
  if (written === "auto") return { ...none, tooLong: path }
  const what = `would be ${path}, and a socket's path has less than 108 bytes; name a shorter one, or "off"`
  problems.push({ key: "management.socket", what })
  return none
}

/** Where the data of whoever runs the program belongs, by the custom of the system. */
export function defaultDirectory(environment: Environment, userId = process.getuid?.()): string {
  if (userId === 0) return "/var/lib/bantam"
  const dataHome = environment["XDG_DATA_HOME"]
  // A relative one is to be ignored, says the XDG specification.
  if (dataHome?.startsWith("/") === true) return join(dataHome, "bantam")
  return join(environment["HOME"] ?? homedir(), ".local/share/bantam")
}

function resolveListener(
  entry: WrittenSettings["listen"][number],
  shared: WrittenSettings["tls"],
  security: WrittenSettings["security"],
  problems: Problem[],
): ListenerSettings | undefined {
  const {
    url,
    authenticators,
    allow_anonymous,
    proxy_protocol: proxyProtocol = false,
    max_connections: maxConnections,
    max_connection_rate: maxConnectionRate,
    messages_per_second: messagesPerSecond,
    ...own
  } = typeof entry === "string" ? { url: entry } : entry
  const wrong = (what: string): undefined => {
    problems.push({ key: "listen", what })
  }
  const address = parseListenUrl(url)
  if ("problem" in address) return wrong(`has ${JSON.stringify(url)}, which ${address.problem}`)
  // The proxy is on this machine, and whom it speaks for is anywhere.
  const loopback = isLoopback(address) && !proxyProtocol
  const anonymous = allow_anonymous ?? security.allow_anonymous
  const listener = {
    url: listenUrl(address),
    address,
    loopback,
    proxyProtocol,
    authenticators: authenticators ?? security.authenticators,
    allowsAnonymous: anonymous === "loopback" ? loopback : anonymous,
    maxConnections,
    maxConnectionRate,
    messagesPerSecond,
  }
  if (proxyProtocol && address.scheme !== "tcp" && address.scheme !== "unix") {
    return wrong(
      `asks for PROXY headers at ${url}; end the encryption or WebSocket at the proxy, and make it tcp://`,
    )
  }
  if (address.scheme !== "tls" && address.scheme !== "wss") {
    if (Object.keys(own).length === 0) return { ...listener, tls: undefined }
    return wrong(`gives keys of [tls] to ${url}, which is not encrypted; make it tls:// or wss://`)
  }
  const tls = { ...shared, ...own }
  const { key_file, cert_file, ca_file, crl_file, require_client_certificate, ciphers, alpn } = tls
  if (cert_file === undefined || key_file === undefined) {
    return wrong(`has ${url}, which needs a certificate; set tls.cert_file and tls.key_file`)
  }
  if (require_client_certificate === true && ca_file === undefined) {
    return wrong(`has ${url}, which cannot check client certificates; set tls.ca_file to who signs them`)
  }
  if (address.scheme === "wss" && own.alpn !== undefined) {
    return wrong(`gives alpn to ${url}, which speaks HTTP first; leave it out`)
  }
  if (alpn?.some((name) => Buffer.byteLength(name) > 255) === true) {
    return wrong(`has ${url}, whose alpn has a name of more than 255 bytes; choose a shorter one`)
  }
  return {
    ...listener,
    tls: {
      certFile: cert_file,
      keyFile: key_file,
      ...(ca_file === undefined ? {} : { caFile: ca_file }),
      ...(crl_file === undefined ? {} : { crlFile: crl_file }),
      requireClientCertificate: require_client_certificate,
      minimumVersion: tls.minimum_version,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(alpn === undefined || address.scheme === "wss" ? {} : { alpn }),
    },
  }
}
