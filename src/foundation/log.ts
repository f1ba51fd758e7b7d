export const logLevels = ["debug", "info", "warn", "error"] as const
export type LogLevel = (typeof logLevels)[number]
export const logFormats = ["text", "json"] as const
export type LogFormat = (typeof logFormats)[number]

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** One line for each thing that happened: a sentence, and the facts beside it. */
export interface Log {
  debug(sentence: string, fields?: LogFields): void
  info(sentence: string, fields?: LogFields): void
  warn(sentence: string, fields?: LogFields): void
  error(sentence: string, fields?: LogFields): void
}

/**
 * A log that writes lines.
 *
 * @param write takes one line, newline included
 */
export function lineLog(level: LogLevel, format: LogFormat, write: (line: string) => void): Log {
  const threshold = logLevels.indexOf(level)
  const at = (lineLevel: LogLevel) => {
    if (logLevels.indexOf(lineLevel) < threshold) return () => {}
    const line = format === "json" ? jsonLine : textLine
    return (sentence: string, fields: LogFields = {}) => write(line(lineLevel, sentence, fields))
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
}

function jsonLine(level: LogLevel, sentence: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, message: sentence, ...fields })}\n`
}

function textLine(level: LogLevel, sentence: string, fields: LogFields): string {
  let line = `${new Date().toISOString()} ${level.padEnd(5)} ${escapeControls(sentence)}`
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${name}=${quoteIfNeeded(String(value))}`
  }
  return `${line}\n`
}

function quoteIfNeeded(value: string): string {
  return /^[\w./:@$#+%-]+$/.test(value) ? value : escapeControls(JSON.stringify(value))
}

/** Client identifiers and topics come from strangers: none may start a line or paint a terminal. */
export function escapeControls(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (control) => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`
  })
}
