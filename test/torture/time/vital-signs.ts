import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { cpuMicroseconds, residentBytes } from "../../../bench/process-usage.ts"

/** What a broker holds of its machine at one moment. */
export interface VitalSigns {
  /** Since the soak began. */
  readonly atMs: number
  readonly residentBytes: number
  /** What JavaScript holds, as $SYS has it. */
  readonly heapBytes: number
  readonly descriptors: number
  readonly threads: number
  readonly databaseBytes: number
  readonly logBytes: number
  /** CPU time since the process began. */
  readonly cpuMs: number
}

/** @param directory of the store. @throws Error the process is gone */
export function vitalSigns(pid: number, directory: string, atMs: number, heapBytes: number): VitalSigns {
  return {
    atMs,
    residentBytes: residentBytes(pid),
    heapBytes,
    descriptors: descriptorsOf(pid),
    threads: readdirSync(`/proc/${pid}/task`).length,
    databaseBytes: sizeOf(join(directory, "bantam.db")),
    logBytes: sizeOf(join(directory, "bantam.db-wal")),
    cpuMs: cpuMicroseconds(pid) / 1000,
  }
}

export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
