import { readdirSync, readFileSync, writeFileSync } from "node:fs"

/*
 * What a process holds and a machine sees, as Linux counts it.
 */

/** Resident memory in bytes, now and at its most since the process began, or since its peak was forgotten. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? Number.NaN) * 1024
  return { now: bytesOf("VmRSS"), peak: bytesOf("VmHWM") }
}

/** From here on its peak is what it has now, as proc(5) says of `clear_refs`. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5")
}

/** How many files it has open, sockets among them. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** How often a listener of this machine, whoever's it is, had no room in its backlog for a connection. */
export function backlogOverflows(): number {
  const lines = readFileSync("/proc/net/netstat", "utf8").split("\n")
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "))
  return Number(values[names.indexOf("ListenOverflows")] ?? Number.NaN)
}
