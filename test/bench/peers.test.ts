import { describe, expect, test } from "bun:test"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { withPeer } from "../../bench/peers.ts"
import type { Peer, RunningPeer } from "../../bench/peers/peer.ts"
import { cpuMicroseconds } from "../../bench/process-usage.ts"
import { plainBroker } from "../../bench/scenario-kinds.ts"
import { peerOf } from "./run-examples.ts"

const certificate = { certFile: "cert.pem", keyFile: "key.pem" }

/** Listens nowhere; ends when it is asked to, or when `fail` is called. */
function imagined(): { peer: Peer; signals: string[]; directory(): string; fail(reason: string): void } {
  const ended = Promise.withResolvers<string>()
  const signals: string[] = []
  let directory = ""
  const end = (signal: string) => {
    signals.push(signal)
    ended.resolve(`ended with ${signal}`)
  }
  const running: RunningPeer = {
    pid: 0,
    tcpPort: 0,
    tlsPort: undefined,
    webSocketPort: undefined,
    ended: ended.promise,
    end,
  }
  const start: Peer["start"] = async (_, place) => {
    directory = place.directory
    writeFileSync(join(directory, "store"), "")
    return running
  }
  return { peer: { ...peerOf("imagined"), start }, signals, directory: () => directory, fail: ended.resolve }
}

describe("a peer that runs for the bench", () => {
  test("is ended after the measurement, and what it stored is gone", async () => {
    const { peer, signals, directory } = imagined()
    const there = await withPeer(peer, plainBroker, certificate, async () => existsSync(directory()))
    expect(there).toBe(true)
    expect(signals).toEqual(["SIGTERM"])
    expect(existsSync(directory())).toBe(false)
  })

  test("that ends too soon fails the measurement at once, with its reason", async () => {
    const { peer, fail, directory } = imagined()
    const measured = withPeer(peer, plainBroker, certificate, () => {
      fail("the broker ended with SIGSEGV")
      return Promise.withResolvers<never>().promise
    })
    await expect(measured).rejects.toThrow("the broker ended with SIGSEGV")
    expect(existsSync(directory())).toBe(false)
  })

  test("is ended when the measurement fails, too", async () => {
    const { peer, signals } = imagined()
    const measured = withPeer(peer, plainBroker, certificate, () =>
      Promise.reject(new Error("the load failed")),
    )
    await expect(measured).rejects.toThrow("the load failed")
    expect(signals).toEqual(["SIGTERM"])
  })
})

describe("what a process has used", () => {
  test("is its CPU time as the system counts it", () => {
    const before = cpuMicroseconds(process.pid)
    const { user, system } = process.cpuUsage()
    const after = cpuMicroseconds(process.pid)
    // The other one counts whole microseconds of each.
    expect(user + system).toBeGreaterThanOrEqual(Math.floor(before) - 2)
    expect(user + system).toBeLessThanOrEqual(Math.ceil(after) + 2)
  })

  test("cannot be told of a process that is none", () => {
    expect(() => cpuMicroseconds(2 ** 22 + 1)).toThrow("there is no process")
  })
})
