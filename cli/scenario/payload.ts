import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { CommandError } from "../output.ts"

/** The ways in which a step may write bytes. */
export interface WrittenPayload {
  readonly payload?: string | number | boolean | undefined
  readonly json?: unknown
  readonly hex?: string | undefined
  readonly file?: string | undefined
}

/**
 * @param scenarioFile what a file is named beside
 * @returns undefined when nothing is said of the payload
 * @throws CommandError there is no such file
 */
export function bytesOf(written: WrittenPayload, scenarioFile: string): Uint8Array | undefined {
  const { payload, json, hex, file } = written
  if (payload !== undefined) return Buffer.from(String(payload))
  if (json !== undefined) return Buffer.from(JSON.stringify(json))
  if (hex !== undefined) return Buffer.from(hex.replace(/\s/g, ""), "hex")
  if (file === undefined) return undefined
  const path = resolve(dirname(scenarioFile), file)
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new CommandError(`${scenarioFile}: cannot read ${path}: ${String(cause)}`)
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true })
const longestShown = 200

/** As a person reads it: text in quotes, or hexadecimal; the beginning of it when it is long. */
export function shown(bytes: Uint8Array): string {
  const beginning = bytes.subarray(0, longestShown)
  const more = bytes.length > longestShown ? ` and ${bytes.length - longestShown} bytes more` : ""
  try {
    const text = strictUtf8.decode(beginning, { stream: true })
    if (!/[\p{Cc}--[\n\t]]/v.test(text)) return `${JSON.stringify(text)}${more}`
  } catch {
    // No text; that is an answer.
  }
  return `hex ${Buffer.from(beginning).toString("hex")}${more}`
}

/** @returns undefined when it is no JSON */
export function jsonOf(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(strictUtf8.decode(bytes)) }
  } catch {
    return undefined
  }
}
