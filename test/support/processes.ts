import { readFileSync } from "node:fs"

/** The children of a process, as the machine numbers them. Linux alone. */
export function childrenOf(pid: number): readonly number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
  return list === "" ? [] : list.split(" ").map(Number)
}

/** Kills what a process has started, as far as it and they are still there. */
export function killChildrenOf(pid: number): void {
  unlessGone(() => {
    for (const child of childrenOf(pid)) unlessGone(() => process.kill(child, "SIGKILL"))
  })
}

/** A process may end at any moment, between two lines of ours too. */
function unlessGone(act: () => void): void {
  try {
    act()
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code !== "ESRCH" && code !== "ENOENT") throw error
  }
}
