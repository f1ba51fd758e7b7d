import { fileName } from "../file-chunks.ts"
import { type ObjectLine, objectLinesOf } from "../object-lines.ts"
import { CommandError } from "../output.ts"
import { recordingLineIn, type RecordingLine } from "./format.ts"

/**
 * The messages of a recording, and its ends, in the order of the file. What was appended follows what was there before
 * without a pause: times go on counting from where that ended.
 *
 * @param file `-` for standard input
 * @param onTorn called when the last line was not written to its end, which is left out
 * @throws CommandError it cannot be read, or is no recording
 */
export async function* readRecording(
  file: string,
  onTorn: (place: string) => void,
): AsyncGenerator<RecordingLine & { readonly line: "message" | "end" }> {
  let torn: ObjectLine | undefined
  let hasBegun = false
  let sectionMs = 0
  let lastMs = 0
  for await (const line of objectLinesOf(file)) {
    // Only the last line may be in pieces: what else is damaged was damaged later.
    if (torn !== undefined) throw new CommandError(`${torn.place}: ${String(torn.object)}`)
    const { place, object } = line
    if (!hasBegun && (typeof object === "string" || !("format" in object))) break
    if (typeof object === "string") {
      torn = line
      continue
    }
    const read = recordingLineIn(object, place)
    if (read.line === "header") {
      hasBegun = true
      sectionMs = lastMs
      continue
    }
    lastMs = sectionMs + read.atMs
    yield { ...read, atMs: lastMs }
  }
  if (!hasBegun) throw new CommandError(`${fileName(file)}: is no recording; bantam record makes one`)
  if (torn !== undefined) onTorn(torn.place)
}
