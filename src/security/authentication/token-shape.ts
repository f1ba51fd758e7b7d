import { decodeProtectedHeader } from "jose"

/** Whether it has the shape of a JWS in compact form: then it is a token, good or bad [RFC 7515, section 7.1]. */
export function isToken(text: string): boolean {
  if (!/^[\w-]+\.[\w-]*\.[\w-]*$/.test(text)) return false
  try {
    return typeof decodeProtectedHeader(text).alg === "string"
  } catch {
    // The first part is no JSON object: somebody has a password with two dots in it.
    return false
  }
}

/** A user name as a log or an audit may keep it. A token may stand in its place, and whoever reads that could use it. */
export function tellableName(username: string | undefined): string | undefined {
  return username !== undefined && isToken(username) ? "(a token)" : username
}
