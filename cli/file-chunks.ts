import { CommandError } from "./output.ts"

/** What a file is called in a message. */
export function fileName(file: string): string {
  return file === "-" ? "standard input" : file
}

/**
 * The bytes of a file as they come.
 *
 * @param file `-` for standard input
 * @throws CommandError it cannot be read
 */
export async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file === "-" ? Bun.stdin.stream() : Bun.file(file).stream()
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error)
    throw new CommandError(`${fileName(file)}: cannot be read (${why}); check the path and who may read it`)
  }
}
