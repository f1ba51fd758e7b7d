import { readFileSync } from "node:fs"

/** The children of a process, as the machine numbers them. Linux alone. */
export function childrenOf(pid: number): readonly number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
  return list === "" ? [] : list.split(" ").map(Number)
}
