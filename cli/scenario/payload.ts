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
