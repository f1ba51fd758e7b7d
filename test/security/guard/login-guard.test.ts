import { beforeEach, describe, expect, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { LoginGuard } from "../../../src/security/guard/login-guard.ts"
import { acceptedAs, rejected } from "../../support/accounts.ts"

const here = "192.0.2.7"
const elsewhere = "198.51.100.9"
const hourMs = 3_600_000
const limits = { failures: 5, failuresOfAddress: 100, windowMs: hourMs, longestWaitMs: 900_000 }

describe("The login guard", () => {
  let guard: LoginGuard
  let nowMs: number
  const clock = { wall: () => nowMs }
  beforeEach(() => {
    guard = new LoginGuard(limits, clock)
    nowMs = Date.UTC(2026, 0, 1)
  })

  function fails(times: number, address = here, username = "alice"): void {
    for (let time = 0; time < times; time++) guard.failed(address, username, nowMs)
  }

  /** Seconds until it may try again; each yes that is found on the way is a try that is not made. */
  function waitSeconds(address = here, username = "alice"): number {
    for (let seconds = 0; ; seconds++) {
      if (guard.mayTry(address, username, nowMs + seconds * 1000)) return seconds
    }
  }

  test("lets somebody mistype a few times", () => {
    fails(4)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
  })

  test("makes who fails too often wait, twice as long each time, up to a quarter of an hour", () => {
    fails(4)
    const waits: number[] = []
    for (let time = 0; time < 13; time++) {
      fails(1)
      const seconds = waitSeconds()
      waits.push(seconds)
      nowMs += seconds * 1000
    }
    expect(waits.slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256])
    expect(Math.max(...waits)).toBeLessThanOrEqual(900)
    fails(20)
    expect(waitSeconds()).toBe(900)
  })

  test("says why, and for how long", () => {
    fails(7)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(false)
    expect(guard.refusal(here, "alice", nowMs + 500).why).toBe(
      "too many failed logins of this user from this address, which is heard again at 2026-01-01T00:00:04.000Z",
    )
  })

  test("gives who has to wait one try at a time, however many it makes at once", () => {
    fails(5)
    nowMs += 1000
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(false)
  })

  test("forgives a pair that gets in", () => {
    fails(9)
    guard.succeeded(here, "alice", nowMs)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    fails(4)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
  })

  test("never locks a user out of other addresses, nor others out of this one", () => {
    fails(50)
    expect(guard.mayTry(elsewhere, "alice", nowMs)).toBe(true)
    expect(guard.mayTry(here, "bob", nowMs)).toBe(true)
  })

  test("holds an address liable for all the names it tries, and a good account does not cover up for them", () => {
    for (let name = 0; name < 100; name++) fails(1, here, `name${name}`)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(false)
    expect(guard.refusal(here, "alice", nowMs).why).toBe(
      "too many failed logins of this address, which is heard again at 2026-01-01T00:00:01.000Z",
    )
    nowMs += 1000
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    guard.succeeded(here, "alice", nowMs)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    fails(1, here, "name101")
    expect(guard.mayTry(here, "alice", nowMs)).toBe(false)
  })

  test("takes a /64 of IPv6 for one address", () => {
    for (let host = 1; host <= 5; host++) fails(1, `2001:db8:1:2::${host}`)
    expect(guard.mayTry("2001:db8:1:2:ffff::1", "alice", nowMs)).toBe(false)
    expect(guard.mayTry("2001:db8:1:3::1", "alice", nowMs)).toBe(true)
  })

  test.each(["127.0.0.1", "::1", "unix"])(
    "guards pairs from %s, and not all who may stand behind it",
    (address) => {
      for (let name = 0; name < 300; name++) fails(1, address, `name${name}`)
      fails(5, address, "alice")
      expect(guard.mayTry(address, "alice", nowMs)).toBe(false)
      expect(guard.mayTry(address, "bob", nowMs)).toBe(true)
    },
  )

  test("grants in the long run so many guesses in a window as the limit says, however they are spent", () => {
    let guesses = 0
    const endMs = nowMs + 48 * hourMs
    for (; nowMs < endMs; nowMs += 1000) {
      // Ten at once, whenever it may.
      for (let at = 0; at < 10; at++) {
        if (!guard.mayTry(here, "alice", nowMs)) break
        guard.failed(here, "alice", nowMs)
        guesses += 1
      }
    }
    expect(guesses).toBeLessThan(5 * 48 + 20)
  })

  test("forgets after a while", () => {
    fails(5)
    nowMs += hourMs
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    expect(guard.size).toBe(0)
  })

  test("counts what was a guess, and not that we were busy or that a client identifier would not do", () => {
    const settle = (reasonCode: ReasonCode, times: number) => {
      for (let time = 0; time < times; time++)
        guard.settled(rejected(reasonCode), here, "alice", nowMs, nowMs)
    }
    settle(ReasonCode.serverBusy, 20)
    settle(ReasonCode.serverUnavailable, 20)
    settle(ReasonCode.clientIdentifierNotValid, 20)
    expect(guard.size).toBe(0)
    settle(ReasonCode.badUserNameOrPassword, 3)
    settle(ReasonCode.notAuthorized, 2)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(false)
    nowMs += 1000
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    expect(guard.settled(acceptedAs("alice"), here, "alice", nowMs, nowMs + 50)).toEqual(acceptedAs("alice"))
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
  })

  test("can be told to guard neither", () => {
    guard = new LoginGuard({ ...limits, failures: 0, failuresOfAddress: 0 }, clock)
    fails(1_000)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(true)
    expect(guard.size).toBe(0)
  })

  test("takes two long names for two, without keeping them", () => {
    const long = "n".repeat(60_000)
    fails(5, here, long)
    expect(guard.mayTry(here, long, nowMs)).toBe(false)
    expect(guard.mayTry(here, `${long}n`, nowMs)).toBe(true)
  })

  test("stays within its bounds in a storm, and does not forget who guessed most", () => {
    fails(12)
    for (let attempt = 0; attempt < 10_000; attempt++) {
      const host = attempt % 5_000
      fails(1, `203.0.${host >> 8}.${host & 255}`, `name${attempt}`)
    }
    expect(guard.size).toBeLessThanOrEqual(1 + 10_000 + 1 + 5_000)
    for (let attempt = 0; attempt < 100_000; attempt++) {
      fails(1, `10.${attempt >> 16}.${(attempt >> 8) & 255}.${attempt & 255}`, "root")
    }
    expect(guard.size).toBe(40_000)
    expect(guard.mayTry(here, "alice", nowMs)).toBe(false)
  })
})
