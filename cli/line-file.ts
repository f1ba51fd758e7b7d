import { CommandError } from "./output.ts"

/** A line of a file, and where it stands: FILE:3. */
export interface PlacedLine {
  readonly text: string
  readonly place: string
}

/**
 * The lines of a text file that say something: neither empty nor a comment, which begins with `#`.
 *
 * @param file `-` for standard input
 * @throws CommandError it cannot be read, or is no text
 */
export async function meaningfulLines(file: string): Promise<readonly PlacedLine[]> {
  const bytes = file === "-" ? await Bun.stdin.bytes() : await bytesOf(file)
  const name = file === "-" ? "standard input" : file
  return decoded(bytes, name)
    .split("\n")
    .map((text, index) => ({ text: text.trim(), place: `${name}:${index + 1}` }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"))
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await Bun.file(file).bytes()
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error)
    throw new CommandError(`${file}: cannot be read (${why}); check the path and who may read it`)
  }
}

function decoded(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError(`${name} is no UTF-8 text`)
  }
}
