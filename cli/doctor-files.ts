import { accessSync, constants, existsSync, type StatsFs, statfsSync, statSync } from "node:fs"
import { dirname } from "node:path"
import type { Settings } from "../src/config/settings.ts"
import { storeFiles } from "../src/storage/health.ts"
import type { Finding } from "./doctor-findings.ts"
import { shellWord } from "./output.ts"

type Look = readonly Omit<Finding, "check">[]

const leastFreeBytes = 1024 ** 3
const leastFreeShare = 0.1

/** @throws the system's error when that cannot be told */
export function isThere(path: string): boolean {
  try {
    // Unlike existsSync, which takes what we may not see for what is not there.
    statSync(path)
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false
    throw error
  }
}

/** Whether what is in a folder can be looked at by us. */
export function mayEnter(directory: string): boolean {
  return may(directory, constants.R_OK | constants.W_OK | constants.X_OK)
}

/** The data directory and the store's files: readable by their owner alone, and by whoever asks. */
export function examineDirectory({ directory }: Settings["storage"]): Look {
  const owner = statSync(directory)
  if (!owner.isDirectory()) {
    return [{ verdict: "fail", what: `${directory} is no folder`, remedy: "name another one with --data" }]
  }
  if (!mayEnter(directory)) return notFor(directory, owner.uid)
  const strangers = [directory, ...storeFiles(directory)].filter((path) => statSync(path).uid !== owner.uid)
  if (strangers.length > 0) {
    const what = `${strangers.join(", ")}: of another owner than ${directory}`
    const remedy = `chown ${owner.uid}:${owner.gid} ${strangers.map(shellWord).join(" ")}`
    return [{ verdict: "fail", what, remedy }]
  }
  const unreachable = storeFiles(directory).filter((path) => !may(path, constants.R_OK | constants.W_OK))
  if (unreachable.length > 0) return notFor(unreachable.join(", "), owner.uid)
  const open = [
    ...examineMode(directory, 0o700),
    ...storeFiles(directory).flatMap((path) => examineMode(path, 0o600)),
  ]
  if (open.length > 0) return open
  return [{ verdict: "ok", what: `${directory} is for user ${owner.uid} alone` }]
}

/** Private keys: of TLS, each once. */
export function examineKeys(settings: Settings): Look {
  const files = new Set(settings.listeners.flatMap(({ tls }) => (tls === undefined ? [] : [tls.keyFile])))
  return [...files].flatMap((file): Look => {
    const open = examineMode(file, 0o600)
    if (open.length > 0) return open
    accessSync(file, constants.R_OK)
    return [{ verdict: "ok", what: `${file} is for its owner alone` }]
  })
}

/** Nothing where others may neither read nor write. */
export function examineMode(path: string, mode: number): Look {
  const found = statSync(path).mode & 0o777
  if ((found & 0o077) === 0) return []
  const what = `${path} has mode 0${found.toString(8)}, so others than its owner may reach it`
  return [{ verdict: "fail", what, remedy: `chmod ${mode.toString(8)} ${shellWord(path)}` }]
}

function notFor(what: string, ownerId: number): Look {
  return [
    {
      verdict: "fail",
      what: `${what} cannot be read and written by user ${process.getuid?.() ?? "?"}`,
      remedy: `run this, and the broker, as its owner (user ${ownerId})`,
    },
  ]
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

/** What a file system says of its room. */
export type DiskFigures = Pick<StatsFs, "bavail" | "blocks" | "bsize" | "ffree" | "files">

/**
 * Room for the store to grow, on the disk of its directory or of where that will be.
 *
 * @param figuresOf asks the file system of a path that is there
 */
export function examineDisk(
  { directory }: Pick<Settings["storage"], "directory">,
  figuresOf: (path: string) => DiskFigures = (path) => statfsSync(path),
): Look {
  let place = directory
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place)
  const { bavail, blocks, bsize, ffree, files } = figuresOf(place)
  const freeBytes = bavail * bsize
  const allBytes = blocks * bsize
  const what = `${sizeText(freeBytes)} of ${sizeText(allBytes)} are free for ${directory}`
  const remedy = "make room on that disk, or move the data to a larger one"
  if (files > 0 && ffree === 0) return [{ verdict: "fail", what: `${what}, but no file can be made`, remedy }]
  if (freeBytes === 0) return [{ verdict: "fail", what, remedy }]
  const isLittle = freeBytes < Math.max(leastFreeBytes, allBytes * leastFreeShare)
  return [isLittle ? { verdict: "warn", what, remedy } : { verdict: "ok", what }]
}

function sizeText(bytes: number): string {
  return bytes < leastFreeBytes
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / leastFreeBytes).toFixed(1)} GiB`
}
