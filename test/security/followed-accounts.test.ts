import { beforeEach, describe, expect, test } from "bun:test"
import { followAccounts, UnreadableAccounts } from "../../src/security/followed-accounts.ts"
import { AccessRuleError } from "../../src/security/access/stored-access-rules.ts"
import { BanError } from "../../src/security/guard/bans.ts"
import { silentLog } from "../support/silent-log.ts"
import { TurnedClock } from "../support/turned-clock.ts"

describe("What is read from the accounts, and cannot be read after a change", () => {
  let clock: TurnedClock
  let told: string[]
  let reads: number
  /** What reading fails with. */
  let failure: Error | undefined
  let change: () => void
  let stop: () => void

  beforeEach(async () => {
    clock = new TurnedClock()
    told = []
    reads = 0
    failure = undefined
    const tell = (sentence: string) => void told.push(sentence)
    const store = { onAccountsChanged: (listener: () => void) => void (change = listener) }
    const log = { ...silentLog, error: tell, info: tell }
    const following = await followAccounts(store, "the rules", clock, log, async () => {
      reads += 1
      await Promise.resolve()
      if (failure !== undefined) throw failure
    })
    stop = () => following.cancel()
  })

  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  const changed = async () => {
    change()
    await settled()
  }
  const passes = async (ms: number) => {
    clock.advance(ms)
    await settled()
  }

  test("is read again every second until it works; the failure is told once, and its end", async () => {
    failure = new Error("the disk is away")
    await changed()
    await passes(999)
    expect(reads).toBe(2)
    await passes(1)
    await passes(1_000)
    expect([reads, told]).toEqual([4, ["the rules cannot be read; the old ones stay"]])
    failure = undefined
    await passes(1_000)
    expect([reads, told.slice(1)]).toEqual([5, ["the rules can be read again"]])
    await passes(10_000)
    expect([reads, clock.waiting]).toEqual([5, 0])
  })

  test("is read once a second, however often it changes meanwhile", async () => {
    failure = new Error("the disk is away")
    for (let count = 0; count < 5; count++) await changed()
    expect([reads, clock.waiting]).toEqual([6, 1])
    await passes(1_000)
    expect([reads, clock.waiting]).toEqual([7, 1])
  })

  test("is not read again when it could be read and not understood, until it changes", async () => {
    failure = new UnreadableAccounts("rule 2 must begin with allow or deny")
    await changed()
    await passes(10_000)
    expect([reads, told]).toEqual([2, ["the rules cannot be read; the old ones stay"]])
    await changed()
    expect(told).toHaveLength(2)
  })

  test("cannot be understood where a rule or a ban is meant that nobody can read", () => {
    const ban = { id: 1, kind: "address", value: "x", why: "", untilMs: undefined, createdAtMs: 0 } as const
    expect(new AccessRuleError(1, "is long")).toBeInstanceOf(UnreadableAccounts)
    expect(new BanError(ban)).toBeInstanceOf(UnreadableAccounts)
  })

  test("is not read any more once the broker stops", async () => {
    failure = new Error("the disk is away")
    await changed()
    stop()
    await passes(10_000)
    await changed()
    expect([reads, clock.waiting]).toEqual([2, 0])
  })
})
