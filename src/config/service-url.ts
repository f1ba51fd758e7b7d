/** A service that is asked by HTTP. */
export interface ServiceUrl {
  readonly href: string
  /** What is said leaves this machine, for all to read and to change that stand in between. */
  readonly isOpen: boolean
}

/** The address of a service, or the end of the sentence "it ..." that says what is wrong. */
export function parseServiceUrl(text: string): ServiceUrl | { readonly problem: string } {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return { problem: "must begin with https://" }
  if (url.username !== "" || url.password !== "") return { problem: "must not hold a name and a password" }
  const isHere = /^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(url.hostname)
  return { href: url.href, isOpen: url.protocol === "http:" && !isHere }
}
