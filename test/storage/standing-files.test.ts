import { expect, test } from "bun:test"
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { StandingFiles } from "../../src/storage/sqlite/standing-files.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

function watched(): { readonly path: string; readonly files: StandingFiles } {
  const directory = newDirectory()
  mkdirSync(directory)
  const path = join(directory, "bantam.db")
  writeFileSync(path, "content")
  return { path, files: new StandingFiles([path]) }
}

test("a file that stands is not missing, and one that is removed or replaced is", () => {
  const { path, files } = watched()
  expect(files.missing()).toBeUndefined()
  renameSync(path, `${path}.old`)
  expect(files.missing()).toBe(path)
  writeFileSync(path, "content")
  expect(files.missing()).toBe(path)
  renameSync(`${path}.old`, path)
  expect(files.missing()).toBeUndefined()
})

test("a file whose directory is a file by now is missing", () => {
  const { path, files } = watched()
  rmSync(dirname(path), { recursive: true })
  writeFileSync(dirname(path), "a file")
  expect(files.missing()).toBe(path)
})

test("a file that cannot be looked at is not taken for missing", () => {
  const { path, files } = watched()
  renameSync(dirname(path), `${dirname(path)}-moved`)
  // To itself: the system gives up, whoever asks, as it does where a folder is closed to us.
  symlinkSync(dirname(path), dirname(path))
  expect(files.missing()).toBeUndefined()
  expect(files.standing()).toEqual([path])
})
