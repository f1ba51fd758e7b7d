import { InvalidArgumentError } from "commander"
import type { ConnectTarget } from "../src/transport/connect.ts"
import { brokerUrlForm, parseBrokerUrl } from "./broker-url.ts"

/** Where a broker is, and who we are there. */
export interface ConnectionUrl {
  /** The same without the password. */
  readonly url: string
  readonly target: ConnectTarget
  readonly username: string | undefined
  readonly password: string | undefined
}

/** Reads an option or argument that says where a broker is, and as whom. */
export function connectionUrl(text: string): ConnectionUrl {
  const url = parseConnectionUrl(text)
  if (typeof url === "string") throw new InvalidArgumentError(`It ${url}.`)
  return url
}

/**
 * `mqtts://user@host:8883`, as a broker's address, with a user and perhaps a password in front of the host; in both `%40`
 * stands for `@` and so on.
 *
 * @returns the end of a sentence that begins with "it" when the text is no such URL
 */
export function parseConnectionUrl(text: string): ConnectionUrl | string {
  const [, scheme = "", login, place = ""] = /^([a-z0-9]+:\/\/)(?:([^@/]*)@)?(.*)$/s.exec(text) ?? []
  const target = parseBrokerUrl(scheme + place)
  if (target === undefined) return `${brokerUrlForm}, with USER@ before the host if need be`
  if (login === undefined) return { url: text, target, username: undefined, password: undefined }
  const colon = login.indexOf(":")
  const user = colon < 0 ? login : login.slice(0, colon)
  const username = decoded(user)
  const password = colon < 0 ? undefined : decoded(login.slice(colon + 1))
  if (username === undefined || username === "" || (colon >= 0 && password === undefined)) {
    return "must name USER or USER:PASSWORD before the @, where %25 stands for a percent sign"
  }
  return { url: `${scheme}${user}@${place}`, target, username, password }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
