import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { WatchedBroker } from "./watched-broker.ts"

/** A place for a data directory that can run out of room, and get it back. */
export interface Disk extends Disposable {
  readonly directory: string
  /** What bash must do before the broker starts there. */
  readonly shell: string
  /** From now on nothing on it can grow. */
  fill(broker: WatchedBroker): Promise<void>
  free(broker: WatchedBroker): Promise<void>
}

/** The system lets the broker write no file beyond its first page: each try is an I/O error. Needs no rights. */
export function growthLimit(): Disk {
  const parent = mkdtempSync(join(tmpdir(), "bantam-limit-"))
  const directory = join(parent, "store")
  return {
    directory,
    // The default answer to this signal is to die of it.
    shell: "trap '' XFSZ",
    fill: ({ pid }) => limitFiles(pid, "4096"),
    free: async (broker) => {
      // The limit is the process's own, and dies with it.
      if (broker.isRunning) await limitFiles(broker.pid, "unlimited")
    },
    [Symbol.dispose]: () => rmSync(parent, { recursive: true }),
  }
}

/** The log of the database is as long as it may be; everything else may grow up to there. */
export function stopLog({ pid }: WatchedBroker, { directory }: Disk): Promise<void> {
  return limitFiles(pid, String(statSync(join(directory, "bantam.db-wal")).size))
}

/**
 * The soft limit alone, so that it can be lifted again. Nothing is spawned synchronously while a broker runs: the test
 * would miss what comes from its pipes meanwhile.
 */
async function limitFiles(pid: number, bytes: string): Promise<void> {
  const limiting = Bun.spawn(["prlimit", "--pid", String(pid), `--fsize=${bytes}:`], { stderr: "inherit" })
  if ((await limiting.exited) !== 0) throw new Error("prlimit failed")
}

/** Block by block up to the last, for a broker may be writing as well. */
export function fillUp(file: string): void {
  const block = new Uint8Array(4096)
  const descriptor = openSync(file, "w")
  try {
    for (;;) writeSync(descriptor, block)
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error
  } finally {
    closeSync(descriptor)
  }
}

/** @returns a disk in memory; undefined where we may not mount one */
export function smallDisk(mebibytes = 4): Disk | undefined {
  const directory = mkdtempSync(join(tmpdir(), "bantam-disk-"))
  const mounting = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", directory])
  if (!mounting.success) {
    rmSync(directory, { recursive: true })
    return undefined
  }
  const filler = join(directory, "filler")
  return {
    directory,
    shell: "",
    fill: async () => fillUp(filler),
    free: async () => rmSync(filler),
    [Symbol.dispose]: () => {
      const { success, stderr } = Bun.spawnSync(["umount", "--lazy", directory])
      if (!success) throw new Error(stderr.toString())
      rmSync(directory, { recursive: true })
    },
  }
}
