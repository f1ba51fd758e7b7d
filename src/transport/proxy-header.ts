import { isIPv4, isIPv6 } from "node:net"

/** How far a header has come. */
export type ProxyReading =
  | { readonly state: "unfinished" }
  /** Whom the proxy speaks for, undefined for itself alone; and the bytes behind the header. */
  | { readonly state: "finished"; readonly source: string | undefined; readonly rest: Uint8Array }
  | { readonly state: "refused"; readonly why: string }

const signature1 = Buffer.from("PROXY ")
const signature2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n")

/** The longest line of version 1, its end included. */
const longestLine = 107
const head2Bytes = 16
/** The addresses of version 2 and room for what a proxy may add to them. */
const longestRest2 = 2_048

/**
 * Reads the header by which a proxy says whom it speaks for (PROXY protocol, versions 1 and 2). The bytes may come in
 * any pieces, and no more are kept than the longest header has.
 */
export class ProxyHeader {
  #bytes: Uint8Array = new Uint8Array(0)

  /** @param chunk belongs to the caller, and none comes once it is finished or refused */
  read(chunk: Uint8Array): ProxyReading {
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const reading = readHeader(bytes)
    if (reading.state === "unfinished") this.#bytes = Uint8Array.from(bytes)
    return reading
  }
}

function readHeader(bytes: Uint8Array): ProxyReading {
  if (beginsLike(bytes, signature2)) return bytes.length < head2Bytes ? unfinished : readVersion2(bytes)
  if (beginsLike(bytes, signature1)) return readVersion1(bytes)
  return refused("there is none; name the address without proxy_protocol, or make the proxy send one")
}

/** As far as the bytes go. */
function beginsLike(bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length)
  return Buffer.compare(bytes.subarray(0, length), signature.subarray(0, length)) === 0
}

/** `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n` */
function readVersion1(bytes: Uint8Array): ProxyReading {
  const end = bytes.subarray(0, longestLine).indexOf(10)
  if (end < 0) return bytes.length < longestLine ? unfinished : refused("its line has no end")
  const line = Buffer.from(bytes.subarray(0, end + 1)).toString("latin1")
  const rest = bytes.subarray(end + 1)
  if (!line.endsWith("\r\n")) return refused("its line ends without a carriage return")
  // Whatever else an UNKNOWN line holds is to be passed over.
  if (/^PROXY UNKNOWN[ \r]/.test(line)) return finished(undefined, rest)
  const [, family, source = "", destination = "", ...ports] =
    /^PROXY (TCP4|TCP6) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (\d{1,5}) (\d{1,5})\r\n$/.exec(line) ?? []
  const isAddress = family === "TCP4" ? isIPv4 : isIPv6
  if (family === undefined || !isAddress(source) || !isAddress(destination) || !ports.every(isPort)) {
    return refused("its line is not as version 1 has it")
  }
  return finished(family === "TCP4" ? source : canonical(source), rest)
}

function isPort(text: string): boolean {
  return Number(text) <= 65_535 && String(Number(text)) === text
}

/** Signature, version and command, family and protocol, length; then addresses, ports, and what may follow them. */
function readVersion2(bytes: Uint8Array): ProxyReading {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const versionAndCommand = view.getUint8(12)
  const familyAndProtocol = view.getUint8(13)
  const length = view.getUint16(14)
  if (versionAndCommand >> 4 !== 2) return refused("it is of an unknown version")
  if (length > longestRest2) return refused(`it claims ${length} bytes, and may have ${longestRest2}`)
  if (bytes.length < head2Bytes + length) return unfinished
  const body = bytes.subarray(head2Bytes, head2Bytes + length)
  const rest = bytes.subarray(head2Bytes + length)
  switch (versionAndCommand & 0x0f) {
    // The proxy asks for itself, as it does to see whether we live.
    case 0:
      return finished(undefined, rest)
    case 1:
      return readAddresses(familyAndProtocol, body, rest)
    default:
      return refused("its command is unknown")
  }
}

function readAddresses(familyAndProtocol: number, body: Uint8Array, rest: Uint8Array): ProxyReading {
  switch (familyAndProtocol) {
    // Unspecified, and a unix socket: neither has an address to tell.
    case 0x00:
    case 0x31:
      return finished(undefined, rest)
    case 0x11:
      if (body.length < 12) return refused("it is too short for its addresses")
      return finished(body.subarray(0, 4).join("."), rest)
    case 0x21:
      if (body.length < 36) return refused("it is too short for its addresses")
      return finished(ipv6Text(body.subarray(0, 16)), rest)
    default:
      return refused("it speaks of no TCP connection")
  }
}

function ipv6Text(bytes: Uint8Array): string {
  return canonical((Buffer.from(bytes).toString("hex").match(/.{4}/g) ?? []).join(":"))
}

/** A URL's host is the one way to write an address; an IPv4 one that was mapped comes out as itself. */
function canonical(address: string): string {
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  return Buffer.from(high.padStart(4, "0") + low.padStart(4, "0"), "hex").join(".")
}

const unfinished: ProxyReading = { state: "unfinished" }

function finished(source: string | undefined, rest: Uint8Array): ProxyReading {
  return { state: "finished", source, rest }
}

function refused(why: string): ProxyReading {
  return { state: "refused", why }
}
