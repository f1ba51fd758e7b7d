import type { AuthenticatorName } from "./schema.ts"
import type { ListenerSettings, Settings } from "./settings.ts"

/** A setting that does nothing as things stand. */
export interface IdleSetting {
  readonly setting: string
  /** The end of the sentence "it is of no use, for ...". */
  readonly why: string
}

/**
 * Settings that each are well formed, and together protect nothing or let nobody in. For a warning and no more: what the
 * command line adds to the file is not known to every command that reads it.
 */
export function idleSettings(settings: Settings): readonly IdleSetting[] {
  const { listeners, certificate, jwt, httpAuthentication } = settings
  const idle: IdleSetting[] = []
  const needsSome = (setting: string, why: string, serves: (listener: ListenerSettings) => boolean) => {
    if (!listeners.some(serves)) idle.push({ setting, why })
  }
  if (certificate.identity !== undefined) {
    const why = 'no tls:// or wss:// address has a ca_file and "certificate" among its authenticators'
    needsSome("certificate.identity", why, (each) => canShow(each, "certificate", settings))
  }
  if (jwt !== undefined) {
    needsSome("jwt", 'no address has "jwt" among its authenticators', (each) =>
      canShow(each, "jwt", settings),
    )
  }
  if (httpAuthentication !== undefined) {
    const why = 'no address has "http" among its authenticators'
    needsSome("http_authentication", why, (each) => canShow(each, "http", settings))
  }
  if (listeners.some(({ tls }) => tls?.crlFile !== undefined)) {
    const why = "no address asks for client certificates; set ca_file"
    needsSome("tls.crl_file", why, ({ tls }) => tls?.crlFile !== undefined && tls.caFile !== undefined)
  }
  for (const each of listeners) {
    if (each.allowsAnonymous || each.authenticators.some((way) => canShow(each, way, settings))) continue
    const why =
      "nobody can come in there: none of its authenticators is set up, and it takes no anonymous clients"
    idle.push({ setting: each.url, why })
  }
  return idle
}

/** Whether somebody can prove who he is there in this way. */
export function canShow(listener: ListenerSettings, way: AuthenticatorName, settings: Settings): boolean {
  if (!listener.authenticators.includes(way)) return false
  switch (way) {
    case "certificate":
      return settings.certificate.identity !== undefined && listener.tls?.caFile !== undefined
    case "jwt":
      return settings.jwt !== undefined
    case "http":
      return settings.httpAuthentication !== undefined
    case "password":
    case "scram":
      return true
  }
}

/** Somebody else than the store says who may come in there. */
export function isVouchedFor(listener: ListenerSettings, settings: Settings): boolean {
  const byCertificate = canShow(listener, "certificate", settings) && !settings.certificate.knownUsersOnly
  return byCertificate || canShow(listener, "jwt", settings) || canShow(listener, "http", settings)
}
