import { describe, expect, test } from "bun:test"
import type { LogFields } from "../src/foundation/log.ts"
import type { Listener } from "../src/transport/socket.ts"
import { watchCertificates } from "../src/watch-certificates.ts"
import { silentLog } from "./support/silent-log.ts"
import { TurnedClock } from "./support/turned-clock.ts"

const dayMs = 24 * 60 * 60 * 1000
const url = "tls://127.0.0.1:8883"

/** A watch over one listener, whose files change when the test says so. */
function watched(daysLeft: number) {
  const clock = new TurnedClock()
  const validToMs = clock.now() + daysLeft * dayMs
  const lines: [string, LogFields | undefined][] = []
  const say = (sentence: string, fields?: LogFields) => void lines.push([sentence, fields])
  const files: { change: "none" | "good" | "bad"; looks: number; told: number } = {
    change: "none",
    looks: 0,
    told: 0,
  }
  const listener: Listener = {
    url,
    stop: () => {},
    certificate: { file: "/cert.pem", validToMs },
    reloadIfChanged: () => {
      files.looks += 1
      const { change } = files
      files.change = "none"
      if (change === "bad") throw new Error("no good")
      return change === "good"
    },
  }
  const watch = watchCertificates([listener], clock, { ...silentLog, info: say, warn: say }, () => {
    files.told += 1
  })
  return { clock, files, lines, watch, expires: new Date(validToMs).toISOString() }
}

describe("Certificates that are watched", () => {
  test("are looked at every five seconds, and told of when they were read again", () => {
    const { clock, files, lines } = watched(100)
    clock.advance(5_000)
    expect(files.looks).toBe(1)
    files.change = "good"
    clock.advance(10_000)
    expect([files.looks, files.told]).toEqual([3, 1])
    expect(lines).toEqual([["certificates read again", { url }]])
  })

  test("that are no good are told of once for each change", () => {
    const { clock, files, lines } = watched(100)
    files.change = "bad"
    clock.advance(60_000)
    expect(lines).toEqual([["new certificates not taken; the old ones stay", { url, why: "no good" }]])
    files.change = "good"
    clock.advance(60_000)
    expect(lines).toHaveLength(2)
  })

  test("are told of at the start and once a day when they end within 14 days, and when they have ended", () => {
    const { clock, lines, expires } = watched(15.5)
    expect(lines).toEqual([])
    clock.advance(2 * dayMs)
    const soon = ["the server's certificate expires soon", { url, file: "/cert.pem", expires }] as const
    expect(lines).toEqual([[...soon]])
    clock.advance(13 * dayMs)
    expect(lines).toHaveLength(14)
    clock.advance(dayMs)
    expect(lines.at(-1)?.[0]).toBe("the server's certificate has expired")
    const atOnce = watched(14)
    expect(atOnce.lines.map(([sentence]) => sentence)).toEqual([soon[0]])
  })

  test("are let alone after the end", () => {
    const { clock, files, watch } = watched(1)
    watch.cancel()
    clock.advance(2 * dayMs)
    expect(files.looks).toBe(0)
    expect(clock.waiting).toBe(0)
  })

  test("cost nothing where there are none", () => {
    const clock = new TurnedClock()
    watchCertificates([{ url: "tcp://127.0.0.1:1883", stop: () => {} }], clock, silentLog, () => {})
    expect(clock.waiting).toBe(0)
  })
})
