import { createSecureContext } from "node:tls"
import {
  type Configuration,
  lastOf,
  type ListenerSection,
  type Option,
  isYes,
  problemOf,
} from "./configuration.ts"
import { parseListenUrl } from "../config/listen-url.ts"
import type { Problem } from "./problem.ts"
import type { SettingTable } from "./toml.ts"

/** An entry of `listen`. */
export type ListenEntry = string | SettingTable

/** What becomes of one listener. */
export interface PlannedListener {
  /** Undefined where Bantam cannot open it. */
  readonly entry: ListenEntry | undefined
  readonly problems: readonly Problem[]
  readonly notes: readonly string[]
}

/** Where a value is the same as without the option. */
const defaults: Readonly<Record<string, readonly string[]>> = {
  disable_client_cert_date_checks: ["false", "0"],
  proxy_protocol_v2_require_tls: ["false", "0"],
  tls_keyform: ["pem"],
  tls_version: ["tlsv1.2", "tlsv1.3"],
  use_subject_as_username: ["false", "0"],
  use_username_as_clientid: ["false", "0"],
}

const losses: Readonly<Record<string, string>> = {
  accept_protocol_versions: "is left out: every version is accepted",
  bind_interface: "is left out: name the address of the interface in listen",
  capath: "is left out: put the certificates of the directory into one file, and name it in ca_file",
  "ciphers_tls1.3": "is left out: the ciphers are those of the TLS library",
  disable_client_cert_date_checks: "is left out: a certificate that is over is refused",
  http_dir: "is left out: no files are served",
  listener_auto_id_prefix: "is left out: the identifiers that are given are Bantam's own",
  proxy_protocol_v2_require_tls: "is left out: whether the client spoke TLS with its proxy is not asked",
  psk_hint: "is left out: there is no TLS with shared keys",
  tls_engine: "is left out: keys are read from files",
  tls_engine_kpass_sha1: "is left out: keys are read from files",
  tls_keyform: "is left out: keys are read from PEM files",
  tls_version: "is left out: the lowest version is TLS 1.2",
  use_subject_as_username:
    "is left out: of a certificate the common name can be that of a user, and not the subject",
  use_username_as_clientid: "is left out: a session belongs to its user, whatever its client identifier",
}

const moot: Readonly<Record<string, string>> = {
  dhparamfile: "no such parameters are used",
  websockets_headers_size: "it has a bound of its own",
  websockets_log_level: "there is one log",
}

/** Read with the address, or for all listeners at once. */
const readElsewhere: ReadonlySet<string> = new Set(
  (
    "acl_file allow_anonymous allow_zero_length_clientid auto_id_prefix bind_address cafile certfile ciphers crlfile " +
    "enable_proxy_protocol keyfile listener_allow_anonymous max_connections max_qos max_topic_alias " +
    "max_topic_alias_broker mount_point password_file port protocol psk_file " +
    "require_certificate socket_domain use_identity_as_username websockets_origin"
  ).split(" "),
)

export function planListener(section: ListenerSection): PlannedListener {
  const problems: Problem[] = []
  const notes: string[] = []
  for (const option of section.options) {
    const { name, value, file, line } = option
    if (readElsewhere.has(name) || defaults[name]?.includes(value.toLowerCase()) === true) continue
    const loss = losses[name]
    if (loss !== undefined) problems.push(problemOf(option, loss))
    else notes.push(`${file}:${line}: ${name} has no counterpart: ${moot[name] ?? "it is not needed"}`)
  }
  return { entry: entryOf(section, problems), problems, notes }
}

/** Mosquitto opens port 1883 as soon as anything is said about the listener that no line opens. */
function opensDefault({ name }: Option): boolean {
  return !/^(allow_|acl_|auto_id|http_|listener_|password_|psk_file|websockets_(log|headers))/.test(name)
}

/** All there are; the default one only where something opens it. */
export function openedListeners({ defaultListener, listeners }: Configuration): readonly ListenerSection[] {
  return defaultListener.options.some(opensDefault) ? [defaultListener, ...listeners] : listeners
}

function entryOf({ at, options }: ListenerSection, problems: Problem[]): ListenEntry | undefined {
  const opened = at ?? lastOf(options, "port") ?? options.find(opensDefault)
  if (opened === undefined) return undefined
  const hasPort = opened === at || opened.name === "port"
  const [portText = "", ...rest] = hasPort ? opened.value.split(/\s+/) : ["1883"]
  const place = at === undefined ? lastOf(options, "bind_address")?.value : rest.join(" ") || undefined
  const port = Number(portText)
  const cannot = (why: string): undefined => {
    problems.push(problemOf(opened, `${opened.value} ${why}`))
  }
  const protocol = lastOf(options, "protocol")
  const isWeb = protocol?.value === "websockets"
  if (protocol !== undefined && !isWeb && protocol.value !== "mqtt")
    return cannot(`speaks ${protocol.value}, and is left out`)
  // Without it its clients would see, and reach, what is no business of theirs.
  const mount = lastOf(options, "mount_point")
  if (mount !== undefined) return cannot(`is left out: topics cannot be put under ${mount.value}`)
  const proxied = /^[12]$/.test(lastOf(options, "enable_proxy_protocol")?.value ?? "")
  if (port === 0 && place?.startsWith("/") === true) {
    if (isWeb) return cannot("is a WebSocket on a file, and is left out")
    return proxied ? { url: `unix://${place}`, proxy_protocol: true } : `unix://${place}`
  }
  if (!/^\d+$/.test(portText) || port < 1 || port > 65_535) return cannot("has no port, and is left out")
  const tls = tlsOf(options, opened, problems)
  if (tls === "unusable") return undefined
  if (namesUsers(options) && (tls?.["ca_file"] === undefined || isWeb))
    return cannot("is left out: a certificate is a user where it is required, and at tls:// alone")
  const scheme = isWeb ? (tls === undefined ? "ws" : "wss") : tls === undefined ? "tcp" : "tls"
  const domain = lastOf(options, "socket_domain")
  if (place === undefined && domain?.value === "ipv6")
    problems.push(problemOf(domain, "ipv6 becomes [::], which takes IPv4 as well: name an address in listen"))
  const host = place ?? (domain?.value === "ipv4" ? "0.0.0.0" : "::")
  const url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`
  const parsed = parseListenUrl(url)
  if ("problem" in parsed)
    return cannot(`cannot be listened on as ${url}, which ${parsed.problem}; it is left out`)
  if (proxied && scheme !== "tcp")
    return cannot("is left out: PROXY headers are taken where the proxy ends the encryption or WebSocket")
  if (proxied) return { url, proxy_protocol: true }
  return tls === undefined ? url : { url, ...tls }
}

function tlsOf(
  options: readonly Option[],
  opened: Option,
  problems: Problem[],
): SettingTable | "unusable" | undefined {
  const file = (name: string) => lastOf(options, name)?.value
  const [certificate, key, authority, revoked] = ["certfile", "keyfile", "cafile", "crlfile"].map(file)
  if (certificate === undefined || key === undefined) {
    const encrypted = options.some(({ name }) => /^(certfile|keyfile|psk_hint)$/.test(name))
    if (!encrypted) return undefined
    problems.push(
      problemOf(
        opened,
        `${opened.value} is left out: without certfile and keyfile it would not be encrypted`,
      ),
    )
    return "unusable"
  }
  const requires = isYes(file("require_certificate") ?? "")
  if (requires && authority === undefined) {
    problems.push(
      problemOf(
        opened,
        `${opened.value} is left out: without cafile no client's certificate would be asked for`,
      ),
    )
    return "unusable"
  }
  // Without it Mosquitto asks no client for a certificate, and Bantam would.
  const clients = requires && authority !== undefined
  const ciphers = lastOf(options, "ciphers")
  const hasCiphers = ciphers !== undefined && areCiphers(ciphers.value)
  if (ciphers !== undefined && !hasCiphers)
    problems.push(problemOf(ciphers, "is left out: the TLS library has none of that name"))
  return {
    cert_file: certificate,
    key_file: key,
    ...(clients ? { ca_file: authority } : {}),
    ...(clients && revoked !== undefined ? { crl_file: revoked } : {}),
    ...(clients ? { require_client_certificate: true } : {}),
    ...(file("tls_version") === "tlsv1.3" ? { minimum_version: "1.3" } : {}),
    ...(hasCiphers ? { ciphers: ciphers.value } : {}),
    // The password file counts for nothing there.
    ...(namesUsers(options) ? { authenticators: ["certificate"] } : {}),
  }
}

/** The common name of a client's certificate is that of its user. */
export function namesUsers(options: readonly Option[]): boolean {
  return isYes(lastOf(options, "use_identity_as_username")?.value ?? "")
}

/** Names differ between libraries. */
function areCiphers(names: string): boolean {
  try {
    createSecureContext({ ciphers: names })
    return true
  } catch {
    // It fails for nothing else than a list without any that it knows.
    return false
  }
}
