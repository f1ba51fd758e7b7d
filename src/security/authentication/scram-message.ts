import { isUtf8 } from "node:buffer"

/** Longest message taken; a name, a nonce and a proof need a tenth of it. */
export const longestMessageBytes = 4_096
/** Longest nonce of a client; most have 24 to 44 characters. */
export const longestNonceLength = 256

/** What a client begins with: who it wants to be, and a nonce. */
export interface ClientFirst {
  /** As it stood there, with the comma at its end: the client has to repeat it. */
  readonly gs2Header: string
  /** Whose rights it wants; undefined: those of the user. */
  readonly authorizationIdentity: string | undefined
  readonly username: string
  readonly nonce: string
  /** All but the header. */
  readonly bare: string
}

/** What a client proves that it knows the password with. */
export interface ClientFinal {
  /** In base64, as it stood there. */
  readonly channelBinding: string
  readonly nonce: string
  readonly proof: Uint8Array
  readonly withoutProof: string
}

/** Why a message is none; for the log. */
export interface Unreadable {
  readonly problem: string
}

/** Reads a client-first-message [RFC 5802, section 7]. */
export function parseClientFirst(bytes: Uint8Array): ClientFirst | Unreadable {
  const text = textOf(bytes)
  if (text === undefined) return notText
  const header = /^(n|y|p=[^,]*),(?:a=([^,]*))?,/.exec(text)
  if (header === null) return { problem: "no GS2 header" }
  const [gs2Header, binding, authorizationName] = header
  if (binding?.startsWith("p") === true) return { problem: "channel binding, which is not offered" }
  const bare = text.slice(gs2Header.length)
  const [name = "", nonceAttribute = "", ...extensions] = bare.split(",")
  if (name.startsWith("m=")) return mandatoryExtension
  const username = name.startsWith("n=") ? decodeSaslName(name.slice(2)) : undefined
  if (username === undefined) return { problem: "no user name" }
  const nonce = nonceOf(nonceAttribute)
  if (nonce === undefined || nonce.length > longestNonceLength) return { problem: "no nonce" }
  const authorizationIdentity =
    authorizationName === undefined ? undefined : decodeSaslName(authorizationName)
  if (authorizationName !== undefined && authorizationIdentity === undefined) {
    return { problem: "an authorization identity that is no name" }
  }
  return problemOf(extensions) ?? { gs2Header, authorizationIdentity, username, nonce, bare }
}

/** Reads a client-final-message [RFC 5802, section 7]. */
export function parseClientFinal(bytes: Uint8Array): ClientFinal | Unreadable {
  const text = textOf(bytes)
  if (text === undefined) return notText
  const [binding = "", nonceAttribute = "", ...rest] = text.split(",")
  if (!binding.startsWith("c=")) return { problem: "no channel binding" }
  const nonce = nonceOf(nonceAttribute)
  if (nonce === undefined) return { problem: "no nonce" }
  const proofAttribute = rest.pop() ?? ""
  const proof = proofAttribute.startsWith("p=") ? bytesOfBase64(proofAttribute.slice(2)) : undefined
  if (proof === undefined) return { problem: "no proof" }
  const withoutProof = text.slice(0, -proofAttribute.length - 1)
  return problemOf(rest) ?? { channelBinding: binding.slice(2), nonce, proof, withoutProof }
}

const notText: Unreadable = { problem: `not a text of 1 to ${longestMessageBytes} bytes` }
const mandatoryExtension: Unreadable = { problem: "an extension that must be understood, and is not" }

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > longestMessageBytes || !isUtf8(bytes)) return undefined
  return Buffer.from(bytes).toString()
}

/** Comma and equals sign are written as =2C and =3D, and NUL cannot be. */
function decodeSaslName(name: string): string | undefined {
  // eslint-disable-next-line no-control-regex
  if (!/^(?:[^=,\0]|=2C|=3D)+$/.test(name)) return undefined
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=")
}

/** Printable ASCII without the comma. */
function nonceOf(attribute: string): string | undefined {
  return /^r=[\x21-\x2b\x2d-\x7e]+$/.test(attribute) ? attribute.slice(2) : undefined
}

function bytesOfBase64(text: string): Uint8Array | undefined {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
  return isBase64 ? Buffer.from(text, "base64") : undefined
}

/** Extensions may stand there, and mean nothing to us unless they must. */
function problemOf(extensions: readonly string[]): Unreadable | undefined {
  for (const extension of extensions) {
    if (extension.startsWith("m=")) return mandatoryExtension
    if (!/^[A-Za-z]=[^]/.test(extension)) return { problem: "an attribute that is none" }
  }
  return undefined
}
