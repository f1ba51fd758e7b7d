import { readdirSync, readFileSync } from "node:fs"

/** CPU time that all threads of a process have used, in microseconds, kernel work on their behalf included. */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readIfThere(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0] ?? 0)
  }
  return nanoseconds / 1000
}

/** The same in steps of 10 ms, threads that have ended included: for a long look at a process that does little. */
export function coarseCpuMicroseconds(pid: number): number {
  // The name of the program stands in brackets and may hold anything; what follows is counted from there.
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")
  const [, , , , , , , , , , , user, system] = fields.split(" ")
  return (Number(user) + Number(system)) * 10_000
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kilobytes ?? Number.NaN) * 1024
}

/** A thread may end between being listed and being read. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ""
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return ""
    throw error
  }
}
