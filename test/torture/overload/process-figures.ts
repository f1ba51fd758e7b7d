import { readdirSync, readFileSync } from "node:fs"

/*
 * What a process holds, as Linux counts it.
 */

/** Resident memory in bytes, now and at its most since the process began. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? Number.NaN) * 1024
  return { now: bytesOf("VmRSS"), peak: bytesOf("VmHWM") }
}

/** How many files it has open, sockets among them. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
