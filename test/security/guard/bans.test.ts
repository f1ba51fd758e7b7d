import { beforeEach, describe, expect, test } from "bun:test"
import { Bans } from "../../../src/security/guard/bans.ts"
import { followStoredBans } from "../../../src/security/guard/stored-bans.ts"
import type { StoredBan } from "../../../src/storage/account-store.ts"
import { MemoryStore } from "../../../src/storage/memory-store.ts"
import { ban, liftBan } from "../../support/accounts.ts"
import { silentLog } from "../../support/silent-log.ts"
import { TurnedClock } from "../../support/turned-clock.ts"

const nowMs = Date.UTC(2026, 0, 1)
let lastId = 0

/** What is left to do in promises is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function of(kind: StoredBan["kind"], value: string, untilMs?: number): StoredBan {
  return { id: ++lastId, kind, value, untilMs, why: "", createdAtMs: nowMs }
}

describe("Bans", () => {
  let bans: Bans
  beforeEach(() => {
    bans = new Bans()
  })

  test("hold against a client, a user or an address, and against nobody else", () => {
    bans.replace([of("client", "c"), of("user", "u"), of("address", "192.0.2.7")])
    expect(bans.ofClient("c", nowMs)).toMatchObject({ value: "c" })
    expect(bans.ofUser("u", nowMs)).toMatchObject({ value: "u" })
    expect(bans.ofAddress("192.0.2.7", nowMs)).toMatchObject({ value: "192.0.2.7" })
    expect(bans.ofClient("u", nowMs)).toBeUndefined()
    expect(bans.ofUser("c", nowMs)).toBeUndefined()
    expect(bans.ofAddress("192.0.2.8", nowMs)).toBeUndefined()
    expect(bans.ofAddress("unix", nowMs)).toBeUndefined()
  })

  test.each([
    ["10.0.0.0/8", "10.255.0.1", "11.0.0.1"],
    ["2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"],
    ["2001:DB8::7", "2001:db8:0:0::7", "2001:db8::8"],
  ])("of %s holds against %s and not against %s", (range, inside, outside) => {
    bans.replace([of("address", "203.0.113.0/24"), of("address", range)])
    expect(bans.ofAddress(inside, nowMs)).toMatchObject({ value: range })
    expect(bans.ofAddress(outside, nowMs)).toBeUndefined()
  })

  test("that are over do nothing, and another that fits still does", () => {
    bans.replace([of("user", "u", nowMs + 1000), of("address", "10.1.0.0/16", nowMs + 1000)])
    expect(bans.ofUser("u", nowMs + 999)).toBeDefined()
    expect(bans.ofUser("u", nowMs + 1000)).toBeUndefined()
    expect(bans.ofAddress("10.1.2.3", nowMs + 999)).toBeDefined()
    expect(bans.ofAddress("10.1.2.3", nowMs + 1000)).toBeUndefined()
    bans.replace([of("address", "10.1.2.3", nowMs), of("address", "10.0.0.0/8")])
    expect(bans.ofAddress("10.1.2.3", nowMs)).toMatchObject({ value: "10.0.0.0/8" })
  })

  test("tell of those that are new, and of no others", () => {
    const told: boolean[] = []
    bans.onAdded((added) =>
      told.push(added.ofUser("u", nowMs) !== undefined, added.ofUser("v", nowMs) !== undefined),
    )
    const first = of("user", "u")
    bans.replace([first])
    bans.replace([first, of("user", "v")])
    bans.replace([first])
    expect(told).toEqual([true, false, false, true])
  })

  test("change nothing when one of them cannot be read", () => {
    bans.replace([of("user", "u")])
    lastId = 41
    expect(() => bans.replace([of("address", "nowhere")])).toThrow(
      'ban 42 is of "nowhere", which is no address; take it away with `bantam ban remove 42`',
    )
    expect(bans.ofUser("u", nowMs)).toBeDefined()
  })

  test("by the ten thousand are each found", () => {
    const many = Array.from({ length: 10_000 }, (_, number) =>
      of("address", `10.${number >> 8}.${number & 255}.0/24`),
    )
    bans.replace(many)
    expect(bans.ofAddress("10.39.15.1", nowMs)).toBeDefined()
    expect(bans.ofAddress("10.39.16.1", nowMs)).toBeUndefined()
  })
})

describe("The bans of the store", () => {
  test("hold from the start, and from the moment they change", async () => {
    const store = new MemoryStore()
    await ban(store.accounts, "user", "u")
    const bans = new Bans()
    await followStoredBans(store, bans, new TurnedClock(), silentLog)
    expect(bans.ofUser("u", nowMs)).toBeDefined()
    await ban(store.accounts, "client", "c")
    await settled()
    expect(bans.ofClient("c", nowMs)).toBeDefined()
    await liftBan(store.accounts, "user", "u")
    await settled()
    expect(bans.ofUser("u", nowMs)).toBeUndefined()
    expect(bans.ofClient("c", nowMs)).toBeDefined()
  })

  test("that cannot be read keep the broker from starting; later they leave the old ones", async () => {
    const store = new MemoryStore()
    const bans = new Bans()
    await followStoredBans(store, bans, new TurnedClock(), silentLog)
    await ban(store.accounts, "user", "u")
    await ban(store.accounts, "address", "nowhere")
    await settled()
    expect(bans.ofUser("u", nowMs)).toBeDefined()
    await expect(followStoredBans(store, new Bans(), new TurnedClock(), silentLog)).rejects.toThrow(
      "which is no address",
    )
  })
})
