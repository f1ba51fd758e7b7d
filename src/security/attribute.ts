import type { AttributeValue } from "../storage/account-store.ts"

/**
 * Reads an attribute as people write it: `floor=3` is a number, `on-call=true` a boolean, all else is text; and text in
 * double quotes is text whatever it says.
 *
 * @returns its key and its value; undefined when it is no attribute
 */
export function parseAttribute(text: string): readonly [string, AttributeValue] | undefined {
  const [, key, value = ""] = /^([\w-]{1,64})=(.*)$/s.exec(text) ?? []
  if (key === undefined) return undefined
  if (value === "true" || value === "false") return [key, value === "true"]
  if (/^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/.test(value)) return [key, Number(value)]
  const [, quoted] = /^"(.*)"$/s.exec(value) ?? []
  return [key, quoted ?? value]
}
