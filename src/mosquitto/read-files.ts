import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Configuration, type Option, parseOptions, problemOf, sortOptions } from "./configuration.ts"
import { MosquittoFileError, type Problem } from "./problem.ts"

/**
 * Reads a mosquitto.conf and the files of its `include_dir`, in the order in which Mosquitto takes them: they stand where
 * that line stands, so that what comes behind it in the main file is the last word.
 *
 * @throws MosquittoFileError one of them cannot be read
 */
export function readConfiguration(path: string): Configuration {
  const problems: Problem[] = []
  const options = parseOptions(readText(path), path).flatMap((option) => {
    return option.name === "include_dir" ? includedOptions(option, problems) : option
  })
  const configuration = sortOptions(options)
  return { ...configuration, problems: [...configuration.problems, ...problems] }
}

/** @throws MosquittoFileError it cannot be read */
export function readText(path: string): string {
  return readBytes(path).toString()
}

/** @throws MosquittoFileError it cannot be read */
export function readBytes(path: string): Buffer {
  return reading(path, () => readFileSync(path))
}

function includedOptions(includeDir: Option, problems: Problem[]): readonly Option[] {
  return includedFiles(includeDir)
    .flatMap((file) => parseOptions(readText(file), file))
    .filter((option) => {
      if (option.name !== "include_dir") return true
      problems.push(problemOf(option, "counts in the main file alone, and is left out"))
      return false
    })
}

/** As bytes compare, which is the order of the C locale. */
function includedFiles({ value, file, line }: Option): string[] {
  const names = reading(value, () => readdirSync(value), ` (include_dir in ${file}:${line})`)
  return names
    .filter((name) => name.endsWith(".conf"))
    .toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .map((name) => join(value, name))
}

function reading<Result>(path: string, read: () => Result, why = ""): Result {
  try {
    return read()
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error)
    throw new MosquittoFileError(
      `${path}: cannot be read (${code})${why}; check the path and who may read it, nothing was changed`,
    )
  }
}
