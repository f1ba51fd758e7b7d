import type { SoakReport } from "./soak.ts"
import { type Trend, trendOf } from "./trend.ts"
import type { VitalSigns } from "./vital-signs.ts"

/** What is looked at for a trend. */
export interface Vital {
  readonly name: string
  /** What the numbers are divided by to be told. */
  readonly unit: "MB" | ""
  readonly of: (signs: VitalSigns) => number
  /**
   * By how much it may rise while it is measured: this share of its level, and at least so much; less is told from
   * what memory does by itself in no time that anybody would wait.
   */
  readonly tolerance: { readonly share: number; readonly least: number }
}

const megabyte = 1_000_000

/** Descriptors and threads are few, so one that stays is a trend. */
export const vitals: readonly Vital[] = [
  {
    name: "resident memory",
    unit: "MB",
    of: ({ residentBytes }) => residentBytes,
    tolerance: { share: 0.06, least: 4 * megabyte },
  },
  {
    name: "heap",
    unit: "MB",
    of: ({ heapBytes }) => heapBytes,
    tolerance: { share: 0.06, least: 2 * megabyte },
  },
  {
    name: "descriptors",
    unit: "",
    of: ({ descriptors }) => descriptors,
    tolerance: { share: 0, least: 0.5 },
  },
  { name: "threads", unit: "", of: ({ threads }) => threads, tolerance: { share: 0, least: 0.5 } },
  {
    name: "database",
    unit: "MB",
    of: ({ databaseBytes }) => databaseBytes,
    tolerance: { share: 0.06, least: megabyte / 2 },
  },
  {
    name: "log of the database",
    unit: "MB",
    of: ({ logBytes }) => logBytes,
    tolerance: { share: 0, least: megabyte },
  },
]

export interface Finding {
  readonly vital: Vital
  readonly trend: Trend
  readonly tolerated: number
  /** It rises by more than it may, and that is hardly chance. */
  readonly rises: boolean
}

/** @throws Error too little was measured */
export function findings(signs: readonly VitalSigns[]): Finding[] {
  return vitals.map((vital) => {
    const trend = trendOf(signs.map((each) => ({ atMs: each.atMs, value: vital.of(each) })))
    const { share, least } = vital.tolerance
    const tolerated = Math.max(share * trend.level, least)
    return { vital, trend, tolerated, rises: trend.growth > tolerated && trend.surelyAtLeast > 0 }
  })
}

/** The log is written back at 4 MiB, and what a backup or a burst has added is cut off beyond 16 MiB. */
export const mostLogBytes = 18 * 1_048_576

/** What was left behind when everybody was gone; empty if nothing. */
export function leftBehind({ remains, descriptors, logBytesAtRest }: SoakReport): string[] {
  const left = Object.entries(remains)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${count} ${what} are left when everybody is gone`)
  const more = descriptors.after - descriptors.before
  if (more > 0) left.push(`${more} descriptors are left when everybody is gone`)
  if (logBytesAtRest > mostLogBytes) left.push(`the log of the database has ${logBytesAtRest} bytes at rest`)
  return left
}
