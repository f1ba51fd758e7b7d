import { type Camel, camel } from "./camel.ts"
import type { Problem } from "./config-error.ts"
import type { WrittenSettings } from "./schema.ts"
import { parseServiceUrl } from "./service-url.ts"

type WrittenHttp = WrittenSettings["http_authentication"]

/** The section [http_authentication], where it names a service. */
export type HttpAuthenticationSettings = Omit<Camel<WrittenHttp>, "url" | "headers" | "allowPlainHttp"> & {
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** @returns undefined when it is not set up, or cannot be */
export function resolveHttpAuthentication(
  written: WrittenHttp,
  problems: Problem[],
): HttpAuthenticationSettings | undefined {
  const { url, headers, allow_plain_http, ...rest } = written
  const wrong = (key: string, what: string): undefined => {
    problems.push({ key: `http_authentication.${key}`, what })
  }
  const read = headers.flatMap((line) => {
    const header = parseHeader(line)
    // What stands there may be a secret, so it is not repeated.
    return header === undefined ? (wrong("headers", 'has one that is not "Name: value"'), []) : [header]
  })
  if (url === undefined) {
    return headers.length > 0 || allow_plain_http
      ? wrong("url", "is not set; without it the other settings of the section are of no use")
      : undefined
  }
  const parsed = parseServiceUrl(url)
  if ("problem" in parsed) return wrong("url", parsed.problem)
  if (parsed.isOpen && !allow_plain_http) {
    return wrong("url", "must begin with https://, unless it is on this machine or allow_plain_http is true")
  }
  return { ...camel(rest), url: parsed.href, headers: read }
}

function parseHeader(line: string): readonly [string, string] | undefined {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t\x20-\x7e]+)$/.exec(line) ?? []
  return name === undefined || value === undefined ? undefined : [name, value.trimEnd()]
}
