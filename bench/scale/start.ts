import { cpuMicroseconds, residentBytes } from "../process-usage.ts"
import type { Filling } from "./filling.ts"
import type { Figures, Progress } from "./figures.ts"
import { start, withFilled } from "./running.ts"

const rounds = 3

const fillings = {
  "nothing stored": {},
  "1,000,000 retained": { retained: 1_000_000 },
  "100,000 sessions of 10 subscriptions": { sessions: 100_000, subscriptions: 10 },
  both: { retained: 1_000_000, sessions: 100_000, subscriptions: 10 },
} as const satisfies Record<string, Partial<Filling>>

/** How long it takes from the start of the process until it serves. The file cache is warm. */
export async function measureStart(progress: Progress): Promise<Figures> {
  const figures = [await measure("in memory alone", undefined)]
  for (const [what, filling] of Object.entries(fillings)) {
    progress(`start: ${what}`)
    figures.push(await withFilled(filling, (directory) => measure(what, directory)))
  }
  return figures
}

async function measure(what: string, directory: string | undefined) {
  const runs: { startMs: number; cpuMs: number; resident: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const { pid, startMs, stop } = await start(directory)
    runs.push({ startMs, cpuMs: cpuMicroseconds(pid) / 1000, resident: residentBytes(pid) })
    await stop()
  }
  const [, median] = runs.toSorted((left, right) => left.startMs - right.startMs)
  if (median === undefined) throw new Error("assertion failed: there are three rounds")
  return {
    "what is stored": what,
    "until it serves, ms": Math.round(median.startMs),
    "CPU, ms": Math.round(median.cpuMs),
    "resident, MB": Math.round(median.resident / 1e6),
  }
}
