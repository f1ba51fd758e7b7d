/*
 * The HTTP request that turns a connection into a WebSocket [RFC 6455, section 4], and our answers to it. Nothing else
 * of HTTP is spoken here.
 */

/** Request line and headers; browsers send their cookies along. */
const longestHeadBytes = 16 * 1024
const headEnd = "\r\n\r\n"

/** The one version of the WebSocket protocol there is. */
const webSocketVersion = "13"
/** A key is 16 bytes in Base64 [4.2.1]. */
const keyPattern = /^[A-Za-z0-9+/]{22}==$/
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
/** Without spaces and control characters. */
const visiblePattern = /^[!-~\u0080-\u00ff]+$/
/** What a proxy is asked for is a whole URL [RFC 9112, section 3.2.2]; without a path it means the root. */
const absolutePattern = /^https?:\/\/[^/?#]+(\/[^?]*)?(?:\?|$)/i
/** Of the control characters the tab alone may be in a value [RFC 9110, section 5.5]. */
const valuePattern = /^[\t -~\u0080-\u00ff]*$/
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** A request as it was written. */
export interface UpgradeRequest {
  /** Without the query. */
  readonly path: string
  readonly key: string
  /** The page it comes from; undefined: none, as of whatever is no browser. */
  readonly origin: string | undefined
  readonly subprotocols: readonly string[]
}

/** Why there is no upgrade, as HTTP says it. */
export interface UpgradeRefusal {
  readonly status: 400 | 403 | 404 | 405 | 426 | 431 | 505
  readonly why: string
}

export type UpgradeRead =
  | { readonly state: "unfinished" }
  | { readonly state: "refused"; readonly refusal: UpgradeRefusal }
  | { readonly state: "read"; readonly request: UpgradeRequest; readonly rest: Uint8Array }

/** Reads a request as it comes, however it is cut, and no more of it than is needed. */
export class UpgradeReader {
  #head: Buffer = Buffer.alloc(0)

  read(chunk: Uint8Array): UpgradeRead {
    const before = this.#head.length
    this.#head = Buffer.concat([this.#head, chunk.subarray(0, longestHeadBytes + headEnd.length - before)])
    const end = this.#head.indexOf(headEnd, Math.max(0, before - headEnd.length))
    if (end < 0) {
      return this.#head.length > longestHeadBytes
        ? refused(431, "The request is too long.")
        : { state: "unfinished" }
    }
    const request = parsed(this.#head.toString("latin1", 0, end))
    if ("status" in request) return { state: "refused", refusal: request }
    return { state: "read", request, rest: chunk.subarray(end + headEnd.length - before) }
  }
}

function refused(status: UpgradeRefusal["status"], why: string): UpgradeRead {
  return { state: "refused", refusal: { status, why } }
}

function parsed(head: string): UpgradeRequest | UpgradeRefusal {
  const [requestLine = "", ...lines] = head.split("\r\n")
  const [method, target = "", version, ...more] = requestLine.split(" ")
  const path = pathOf(target)
  const headers = headersOf(lines)
  if (version === undefined || more.length > 0 || path === undefined || headers === undefined) {
    return { status: 400, why: "This is no HTTP request." }
  }
  if (version !== "HTTP/1.1") return { status: 505, why: "HTTP/1.1 is spoken here." }
  const upgrade = wordsOf(headers.get("upgrade"))
  if (!upgrade.includes("websocket")) return { status: 426, why: "Only MQTT over WebSocket is spoken here." }
  if (method !== "GET") return { status: 405, why: "An upgrade is asked for with GET." }
  if (headers.get("sec-websocket-version") !== webSocketVersion) {
    return { status: 426, why: `Version ${webSocketVersion} of WebSocket is spoken here.` }
  }
  const key = headers.get("sec-websocket-key") ?? ""
  const connection = wordsOf(headers.get("connection"))
  if (!headers.has("host") || !connection.includes("upgrade") || !keyPattern.test(key)) {
    return { status: 400, why: "This is no WebSocket upgrade." }
  }
  // Whoever counts a body in front of us would take our frames for another's request.
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") {
    return { status: 400, why: "An upgrade has no body." }
  }
  return {
    path,
    key,
    origin: headers.get("origin"),
    subprotocols: listOf(headers.get("sec-websocket-protocol")),
  }
}

/** As it stands up to the query: what leads elsewhere to whoever looks at it before us is not to lead here. */
function pathOf(target: string): string | undefined {
  if (!visiblePattern.test(target)) return undefined
  if (target.startsWith("/")) return target.split("?", 1)[0]
  const absolute = absolutePattern.exec(target)
  return absolute === null ? undefined : (absolute[1] ?? "/")
}

/** @returns names in lower case; undefined when a line is no header, or a second host [RFC 9112, section 3.2] */
function headersOf(lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    const name = line.slice(0, Math.max(0, colon)).toLowerCase()
    if (!tokenPattern.test(name)) return undefined
    const value = line.slice(colon + 1).trim()
    const earlier = headers.get(name)
    if (!valuePattern.test(line.slice(colon + 1)) || (name === "host" && earlier !== undefined))
      return undefined
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return headers
}

function listOf(header: string | undefined): readonly string[] {
  return (header ?? "").split(",").map((word) => word.trim())
}

/** Those of a list whose case means nothing. */
function wordsOf(header: string | undefined): readonly string[] {
  return listOf(header).map((word) => word.toLowerCase())
}

/** The answer after which a WebSocket is spoken. */
export function upgradeAnswer(key: string, subprotocol: string): Uint8Array {
  const accept = new Bun.CryptoHasher("sha1").update(key + acceptSuffix).digest("base64")
  return lines(
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
  )
}

const statusWords = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  505: "HTTP Version Not Supported",
} as const satisfies Record<UpgradeRefusal["status"], string>

/** The answer after which the connection is closed. */
export function refusalAnswer({ status, why }: UpgradeRefusal): Uint8Array {
  const body = `${why}\n`
  const head = lines(
    `HTTP/1.1 ${status} ${statusWords[status]}`,
    ...(status === 426 ? ["Upgrade: websocket", `Sec-WebSocket-Version: ${webSocketVersion}`] : []),
    ...(status === 405 ? ["Allow: GET"] : []),
    "Content-Type: text/plain",
    `Content-Length: ${body.length}`,
    "Connection: close",
  )
  return Buffer.concat([head, Buffer.from(body)])
}

function lines(...each: string[]): Uint8Array {
  return Buffer.from(`${each.join("\r\n")}${headEnd}`)
}
