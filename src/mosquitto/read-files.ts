import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Configuration, type Option, parseOptions, problemOf, sortOptions } from "./configuration.ts"
import { MosquittoFileError, type Problem } from "./problem.ts"

/**
 * Reads a mosquitto.conf and the files of its `include_dir`, in the order in which Mosquitto takes them.
 *
 * @throws MosquittoFileError one of them cannot be read
 */
export function readConfiguration(path: string): Configuration {
  const main = parseOptions(readText(path), path)
  const problems: Problem[] = []
  const included = main
    .filter(({ name }) => name === "include_dir")
    .flatMap((option) => includedFiles(option))
    .map((file) => {
      const options = parseOptions(readText(file), file)
      for (const option of options) {
        if (option.name === "include_dir")
          problems.push(problemOf(option, "counts in the main file alone, and is left out"))
      }
      return withoutIncludes(options)
    })
  const configuration = sortOptions([withoutIncludes(main), ...included])
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

/** As bytes compare, which is the order of the C locale. */
function includedFiles({ value, file, line }: Option): string[] {
  const names = reading(value, () => readdirSync(value), ` (include_dir in ${file}:${line})`)
  return names
    .filter((name) => name.endsWith(".conf"))
    .toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .map((name) => join(value, name))
}

function withoutIncludes(options: readonly Option[]): readonly Option[] {
  return options.filter(({ name }) => name !== "include_dir")
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
