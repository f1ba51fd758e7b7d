import { dlopen } from "bun:ffi"
import { readFileSync } from "node:fs"

/*
 * What a process has used so far, as Linux counts it.
 */

const { symbols } = dlopen("libc.so.6", {
  clock_gettime: { args: ["int", "buffer"], returns: "int" },
})

const timespec = new BigInt64Array(2)

/**
 * CPU time of a process in microseconds: all of its threads, those that have ended too, and the kernel's work on their
 * behalf. Its child processes are not in it.
 *
 * @throws Error when there is no such process
 */
export function cpuMicroseconds(pid: number): number {
  // The kernel has a CPU clock for each process, and its number is made like this [clock_getcpuclockid(3)].
  const clock = (~pid << 3) | 2
  if (symbols.clock_gettime(clock, timespec) !== 0) throw new Error(`there is no process ${pid}`)
  const [seconds = 0n, nanoseconds = 0n] = timespec
  return Number(seconds) * 1e6 + Number(nanoseconds) / 1e3
}

/** For how long the main thread was ready to run and had no core, in milliseconds since it started. */
export function runDelayMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[1] ?? 0) / 1e6
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kilobytes ?? Number.NaN) * 1024
}
