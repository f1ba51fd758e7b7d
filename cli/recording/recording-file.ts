import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, write } from "node:fs"
import { ByteOutput, standardOutput } from "../byte-output.ts"
import { CommandError } from "../output.ts"
import { recordingFormat } from "./format.ts"

export type WhenThere = "refuse" | "overwrite" | "append"

const newline = 0x0a

/** Where a recording is written to. What is printed is in the file by the end of the turn, whatever ends us then. */
export class RecordingFile {
  /** To be used between `open` and `close`. */
  readonly output: ByteOutput

  readonly #file: string
  readonly #whenThere: WhenThere
  #descriptor: number | undefined

  /**
   * @param file `-` for standard output
   * @param whenThere what becomes of a file of that name
   * @throws CommandError when it may not stay as it is
   */
  constructor(file: string, whenThere: WhenThere) {
    this.#file = file
    this.#whenThere = whenThere
    this.output =
      file === "-"
        ? standardOutput()
        : new ByteOutput((bytes, done) => write(this.#descriptor ?? -1, bytes, 0, bytes.length, null, done))
    if (file !== "-" && whenThere === "refuse" && existsSync(file)) throw isThere(file)
  }

  /** @throws CommandError when it may not be written to, or what is there is no recording to append to */
  open(): void {
    if (this.#file === "-") return
    try {
      this.#descriptor = openSync(this.#file, flags[this.#whenThere])
      if (this.#whenThere === "append") makeReadyToAppend(this.#descriptor, this.#file)
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error)) throw error
      if (error.code === "EEXIST") throw isThere(this.#file)
      const why = `cannot be written (${String(error.code)}); check the path and who may write there`
      throw new CommandError(`${this.#file}: ${why}`)
    }
  }

  async close(): Promise<void> {
    await this.output.drained()
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
  }

  /** Nothing came of it: no file is left that was not there before. */
  abandon(): void {
    if (this.#file !== "-" && this.#whenThere === "refuse") rmSync(this.#file)
  }
}

const flags = { refuse: "wx", overwrite: "w", append: "a+" } as const satisfies Record<WhenThere, string>

function isThere(file: string): CommandError {
  return new CommandError(`${file}: is there already; add --append or --force, or choose another file`)
}

/** A last line that was not written to its end goes, for nobody could read what stands behind it. */
function makeReadyToAppend(descriptor: number, file: string): void {
  const { size } = fstatSync(descriptor)
  if (size === 0) return
  const beginning = Buffer.alloc(64)
  const length = readSync(descriptor, beginning, 0, beginning.length, 0)
  if (!beginning.toString("utf8", 0, length).startsWith(`{"format":"${recordingFormat}"`)) {
    throw new CommandError(`${file}: is no recording, so nothing is appended to it; choose another file`)
  }
  ftruncateSync(descriptor, endOfLastLine(descriptor, size))
}

function endOfLastLine(descriptor: number, size: number): number {
  const chunk = Buffer.alloc(64 * 1024)
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk.length)
    const length = readSync(descriptor, chunk, 0, end - start, start)
    const found = chunk.subarray(0, length).lastIndexOf(newline)
    if (found >= 0) return start + found + 1
    end = start
  }
  return 0
}
