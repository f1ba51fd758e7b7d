import type { Clock, Timer } from "./foundation/clock.ts"
import type { Log } from "./foundation/log.ts"
import type { Listener } from "./transport/socket.ts"

/** How often the files are looked at; what tells of a change by itself misses those behind links and on network disks. */
const lookEveryMs = 5_000

const dayMs = 24 * 60 * 60 * 1000
const expiryWarningMs = 14 * dayMs

/**
 * Keeps the certificates of listeners as new as their files, and tells in good time, once a day, which are about to
 * expire. Files that are no good, such as half a pair, are complained about once for each change, and the old ones
 * stay.
 *
 * @param reloaded is told of each listener that has read its files again
 * @returns what ends it
 */
export function watchCertificates(
  listeners: readonly Listener[],
  clock: Clock,
  log: Log,
  reloaded: (listener: Listener) => void,
): Timer {
  const secure = listeners.filter(({ certificate }) => certificate !== undefined)
  if (secure.length === 0) return { cancel: () => {} }
  const looking = every(lookEveryMs, clock, () => {
    for (const listener of secure) refresh(listener, log, reloaded)
  })
  const warn = () => {
    for (const listener of secure) warnOfExpiry(listener, clock.wall(), log)
  }
  warn()
  const warning = every(dayMs, clock, warn)
  return {
    cancel: () => {
      looking.cancel()
      warning.cancel()
    },
  }
}

function refresh(listener: Listener, log: Log, reloaded: (listener: Listener) => void): void {
  const { url } = listener
  try {
    if (listener.reloadIfChanged?.() !== true) return
    log.info("certificates read again", { url })
    reloaded(listener)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    log.warn("new certificates not taken; the old ones stay", { url, why: error.message })
  }
}

function warnOfExpiry({ url, certificate }: Listener, now: number, log: Log): void {
  if (certificate === undefined || certificate.validToMs - now > expiryWarningMs) return
  const { file, validToMs } = certificate
  const sentence =
    validToMs > now ? "the server's certificate expires soon" : "the server's certificate has expired"
  log.warn(sentence, { url, file, expires: new Date(validToMs).toISOString() })
}

function every(ms: number, clock: Clock, run: () => void): Timer {
  let timer = clock.at(clock.now() + ms, again)
  function again(): void {
    timer = clock.at(clock.now() + ms, again)
    run()
  }
  return { cancel: () => timer.cancel() }
}
