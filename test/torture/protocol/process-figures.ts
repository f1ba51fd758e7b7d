import { readdirSync, readFileSync } from "node:fs"

/** What the system keeps for a process. */
export interface ProcessFigures {
  readonly residentMiB: number
  readonly files: number
}

export function figuresOf(pid: number): ProcessFigures {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return { residentMiB: Number(kibibytes) / 1024, files: readdirSync(`/proc/${pid}/fd`).length }
}
