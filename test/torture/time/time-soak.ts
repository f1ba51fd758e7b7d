import type { Torture } from "../torture.ts"
import { findings, leftBehind } from "./judgement.ts"
import { soak } from "./soak.ts"

const megabyte = 1_000_000

export const timeSoak: Torture = {
  name: "time soak",
  promise: "however many clients have come and gone, nothing is left of them, and nothing grows",
  async run(trial) {
    const { executable, seed, effort } = trial
    const times =
      effort === "long"
        ? { warmUpMs: 75_000, measuredMs: 405_000, playsPerSecond: 40 }
        : { warmUpMs: 0, measuredMs: 2_000, playsPerSecond: 30 }
    const due = ((times.warmUpMs + times.measuredMs) / 1000) * times.playsPerSecond
    let seconds = 0
    const report = await soak({
      executable,
      seed,
      ...times,
      onSigns({ atMs, residentBytes, heapBytes, descriptors }, { played }) {
        if (atMs < (seconds + 30) * 1000) return
        seconds += 30
        const memory = `${toMegabytes(residentBytes)} MB, heap ${toMegabytes(heapBytes)} MB`
        trial.tell(`${seconds} s: ${memory}, ${descriptors} descriptors, ${played} plays`)
      },
    })
    const { plays = 0, connections = 0, "plays skipped": skipped = 0, ...counts } = report.counts
    for (const [what, count] of Object.entries(counts)) trial.figure(what, count)
    // A slow machine does less of them in its time; without most of them it is another soak.
    const least = Math.floor(effort === "long" ? due / 4 : due / 8)
    trial.atLeast("plays", plays, least)
    trial.atLeast("connections", connections, least)
    trial.timed("plays skipped", skipped, (due * 3) / 4)
    const { before, after } = report.descriptors
    trial.bounded("descriptors left", Math.max(0, after - before), 0)
    trial.bounded("kinds of things left", leftBehind(report).length, 0)
    trial.figure("log of the database at rest (MB)", toMegabytes(report.logBytesAtRest))
    for (const what of [...leftBehind(report), ...report.wrong]) trial.wrong(what)
    if (effort === "short") return
    for (const { vital, trend, tolerated, rises } of findings(report.signs)) {
      const told = (value: number) => (vital.unit === "MB" ? toMegabytes(value) : value)
      const unit = vital.unit === "MB" ? " (MB)" : ""
      trial.figure(`${vital.name}${unit}`, told(trend.level))
      trial.figure(`rise of ${vital.name}${unit}`, told(trend.growth))
      if (rises) {
        const sentence = `${vital.name} rises by ${told(trend.growth)}${unit} from ${told(trend.level)}`
        trial.wrong(`${sentence}, where ${told(tolerated)} is tolerated`)
      }
    }
  },
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / (megabyte / 10)) / 10
}
