import type { Clock } from "./clock.ts"
import type { Log, LogFields, LogLevel } from "./log.ts"

const linesPerWindow = 1_000
const windowMs = 10_000

/** What was said with one sentence since it was said for the first time, or for the first time in a while. */
interface Window {
  readonly endsMs: number
  lines: number
}

/**
 * A log that strangers cannot flood. What happens too often to be told each time, such as a storm of refused
 * connections, is told a thousand times in ten seconds; then comes how many more there were.
 *
 * @param log takes sentences out of our own mouth only: each that was ever said is remembered
 */
export function quieterLog(log: Log, clock: Clock): Log {
  const at = (level: LogLevel) => {
    const windows = new Map<string, Window>()
    return (sentence: string, fields?: LogFields) => {
      const now = clock.now()
      const last = windows.get(sentence)
      const window = last !== undefined && now < last.endsMs ? last : { endsMs: now + windowMs, lines: 0 }
      windows.set(sentence, window)
      window.lines += 1
      if (window.lines <= linesPerWindow) return log[level](sentence, fields)
      if (window.lines > linesPerWindow + 1) return
      clock.at(window.endsMs, () => log[level](sentence, { more: window.lines - linesPerWindow }))
    }
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
}
