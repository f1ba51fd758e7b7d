import { readdirSync, readFileSync } from "node:fs"

/** CPU time that all threads of a process have used, in microseconds, kernel work on their behalf included. */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readIfThere(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0] ?? 0)
  }
  return nanoseconds / 1000
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
