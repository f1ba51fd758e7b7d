import type { Qos } from "../../src/protocol/packet.ts"
import { nearest } from "../../src/config/nearest.ts"
import { FormatError, parseFormat } from "../message-format.ts"
import { CommandError } from "../output.ts"

/** What `set` changes. */
export interface ShellSettings {
  /** human, plain, json, or a format as `sub -F` takes it. */
  readonly format: string
  /** Whether messages are shown as they come; they are counted all the same. */
  readonly messages: "shown" | "hidden"
  /** Of `sub` and `pub` where they do not say. */
  readonly qos: Qos
}

export type SettingName = keyof ShellSettings
export type Change = Partial<ShellSettings>

/** The values that a setting may have, as far as they are words. */
export const settingValues = {
  format: ["human", "plain", "json"],
  messages: ["shown", "hidden"],
  qos: ["0", "1", "2"],
} as const satisfies Record<SettingName, readonly string[]>

/** @throws CommandError when there is no such setting, or it cannot be that */
export function parseChange(name: string, text: string): Change {
  switch (name) {
    case "format":
      return { format: formatOf(text) }
    case "messages":
      return { messages: oneOf(name, settingValues.messages, text) }
    case "qos":
      return { qos: ([0, 1, 2] as const)[Number(oneOf(name, settingValues.qos, text))] ?? 0 }
    default: {
      const names = Object.keys(settingValues)
      const meant = nearest(name, names)
      throw new CommandError(
        `there is no setting ${name}; ${meant === undefined ? `choose ${names.join(", ")}` : `did you mean ${meant}?`}`,
      )
    }
  }
}

function oneOf<Value extends string>(name: string, values: readonly Value[], text: string): Value {
  const value = values.find((each) => each === text)
  if (value === undefined) throw new CommandError(`${name} must be ${values.join(" or ")}`)
  return value
}

function formatOf(text: string): string {
  if (settingValues.format.some((each) => each === text)) return text
  if (!/[%@]/.test(text)) {
    throw new CommandError(
      `format must be ${settingValues.format.join(", ")}, or as sub -F has it, such as '%t %p'`,
    )
  }
  try {
    parseFormat(text, { newline: false })
    return text
  } catch (error) {
    if (error instanceof FormatError) throw new CommandError(`format ${text}: ${error.message}`)
    throw error
  }
}
