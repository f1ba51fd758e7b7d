import { readdirSync, readFileSync } from "node:fs"

/** Between two looks. Not how long something may take: whoever is at work is waited for, however slow the machine is. */
const pauseMs = 20

/**
 * Waits until a process and all that it has started have nothing left to do: every thread waits for something, and none
 * has run between two looks. What was said to a broker has been answered then, and what it had to send has been printed.
 *
 * @param isOver ends the wait
 */
export async function comeToRest(pid: number, isOver: () => boolean): Promise<void> {
  let before: string | undefined
  while (!isOver()) {
    const now = lookAt(pid)
    if (now !== undefined && now === before) return
    before = now
    await Bun.sleep(pauseMs)
  }
}

/** @returns how often each thread has run so far, or undefined when one of them runs, or waits for a disk */
function lookAt(pid: number): string | undefined {
  const threads: string[] = []
  for (const status of statusesBelow(pid)) {
    const [, state] = /^State:\s+(\w)/m.exec(status) ?? []
    if (state !== "S" && state !== "Z") return undefined
    const switches = status.matchAll(/^(?:Pid|.*ctxt_switches):\s+(\d+)$/gm)
    threads.push([...switches].map(([, number]) => number).join(":"))
  }
  return threads.join(" ")
}

/** What the kernel says of each thread of a process, and of those that it started. */
function statusesBelow(pid: number): readonly string[] {
  return threadsOf(pid).flatMap((thread) => [
    read(`${thread}/status`),
    ...read(`${thread}/children`)
      .split(" ")
      .filter((child) => child !== "")
      .flatMap((child) => statusesBelow(Number(child))),
  ])
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`)
  } catch {
    return []
  }
}

/** Empty for a thread that has ended meanwhile, which is then at work as far as we are concerned. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
