import { escapeControls } from "../../src/foundation/log.ts"
import { paint } from "../output.ts"

/** Facts by name, one a line, or as one JSON object. */
export function factSheet(facts: object, asJson: boolean): string {
  if (asJson) return `${escapeControls(JSON.stringify(facts))}\n`
  const entries = Object.entries(facts).map(([name, fact]) => [
    words(name),
    fact === null ? "-" : String(fact),
  ])
  const width = Math.max(...entries.map(([name = ""]) => name.length))
  return entries
    .map(([name = "", fact = ""]) => `${paint.dim(name.padEnd(width))}  ${escapeControls(fact)}\n`)
    .join("")
}

/** `connectedAt` is `connected at`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
