import { mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { WatchedBroker } from "./watched-broker.ts"

/** A place for a data directory that can run out of room, and get it back. */
export interface Disk extends Disposable {
  readonly directory: string
  /** What bash must do before the broker starts there. */
  readonly shell: string
  /** From now on nothing on it can grow. */
  fill(broker: WatchedBroker): void
  free(broker: WatchedBroker): void
}

/** The system lets no file of the broker grow, which a write finds out as an I/O error. Needs no rights. */
export function growthLimit(): Disk {
  const parent = mkdtempSync(join(tmpdir(), "bantam-limit-"))
  const directory = join(parent, "store")
  return {
    directory,
    // The default answer to this signal is to die of it.
    shell: "trap '' XFSZ",
    fill: ({ pid }) => limitFiles(pid, String(statSync(join(directory, "bantam.db-wal")).size)),
    free: (broker) => {
      // The limit is the process's own, and dies with it.
      if (broker.isRunning) limitFiles(broker.pid, "unlimited")
    },
    [Symbol.dispose]: () => rmSync(parent, { recursive: true }),
  }
}

/** The soft limit alone, so that it can be lifted again. */
function limitFiles(pid: number, bytes: string): void {
  run(["prlimit", "--pid", String(pid), `--fsize=${bytes}:`])
}

/** @returns a disk of 4 MiB in memory; undefined where we may not mount one */
export function smallDisk(): Disk | undefined {
  const directory = mkdtempSync(join(tmpdir(), "bantam-disk-"))
  const mounting = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory])
  if (!mounting.success) {
    rmSync(directory, { recursive: true })
    return undefined
  }
  const filler = join(directory, "filler")
  return {
    directory,
    shell: "",
    fill: () => {
      const { bfree, bsize } = statfsSync(directory)
      writeFileSync(filler, new Uint8Array(bfree * bsize))
    },
    free: () => rmSync(filler),
    [Symbol.dispose]: () => {
      run(["umount", directory])
      rmSync(directory, { recursive: true })
    },
  }
}

function run(cmd: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...cmd])
  if (!success) throw new Error(`${cmd.join(" ")}: ${stderr.toString()}`)
}
