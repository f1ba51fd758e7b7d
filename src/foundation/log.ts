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
  const line = { time: new Date().toISOString(), level, message: sentence, ...fields }
  return `${escapeControls(JSON.stringify(line))}\n`
}

function textLine(level: LogLevel, sentence: string, fields: LogFields): string {
  let line = `${new Date().toISOString()} ${level.padEnd(5)} ${escapeControls(sentence)}`
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${name}=${factText(value)}`
  }
  return `${line}\n`
}

/** What stands behind the name of a fact: one word, or a text in quotes as JSON has it. */
export function factText(value: string | number | boolean): string {
  const text = String(value)
  return /^[\w./:@$#+%-]+$/.test(text) ? text : escapeControls(JSON.stringify(text))
}

/** What an error says of itself, whatever it was that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * A stranger's text where what is kept of it must be bounded: cut between two letters.
 *
 * @param longest in UTF-16 units
 */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest).replace(/[\ud800-\udbff]$/, "")}…`
}

/**
 * Client identifiers and topics come from strangers: none may start a line, paint a terminal, or turn around what
 * stands beside it. Escaped as in JSON, where the text that is read back is the same.
 */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (control) => {
    const units = Array.from({ length: control.length }, (_, index) => control.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")
  })
}
