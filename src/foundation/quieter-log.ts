import type { Clock, Timer } from "./clock.ts"
import type { Log, LogFields, LogLevel } from "./log.ts"

const linesPerWindow = 1_000
const windowMs = 10_000

/** What was said with one sentence since it was said for the first time, or for the first time in a while. */
interface Window {
  readonly endsMs: number
  lines: number
}

export interface QuieterLog extends Log {
  /** Tells at once how many more there were, and waits for nothing any more. */
  close(): void
}

/**
 * A log that strangers cannot flood. What happens too often to be told each time, such as a storm of refused
 * connections, is told a thousand times in ten seconds; then comes how many more there were.
 *
 * @param log takes sentences out of our own mouth only: each that was ever said is remembered
 */
export function quieterLog(log: Log, clock: Clock): QuieterLog {
  /** How many more there were is told when the timer fires. */
  const rests = new Map<Timer, () => void>()
  let isClosed = false
  const at = (level: LogLevel) => {
    const windows = new Map<string, Window>()
    return (sentence: string, fields?: LogFields) => {
      const now = clock.now()
      const last = windows.get(sentence)
      const window = last !== undefined && now < last.endsMs ? last : { endsMs: now + windowMs, lines: 0 }
      windows.set(sentence, window)
      window.lines += 1
      if (window.lines <= linesPerWindow) return log[level](sentence, fields)
      if (window.lines > linesPerWindow + 1 || isClosed) return
      const timer = clock.at(window.endsMs, tell)
      rests.set(timer, tell)
      function tell(): void {
        rests.delete(timer)
        log[level](sentence, { more: window.lines - linesPerWindow })
      }
    }
  }
  const close = () => {
    isClosed = true
    for (const [timer, tell] of rests) {
      timer.cancel()
      tell()
    }
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), close }
}
