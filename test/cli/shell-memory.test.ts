import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Arrivals } from "../../cli/shell/arrivals.ts"
import { historyFile, isKept, readHistory, remember } from "../../cli/shell/history.ts"
import { SeenTopics } from "../../cli/shell/seen-topics.ts"
import type { Publish } from "../../src/protocol/packet.ts"
import { freshDirectory } from "./program.ts"

function message(topic: string, payload: string | Uint8Array = ""): Publish {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload
  return {
    type: "publish",
    topic,
    payload: bytes,
    qos: 0,
    dup: false,
    retain: false,
    packetId: undefined,
    properties: {},
  }
}

describe("The history of the shell", () => {
  let directory: string
  let file: string
  beforeEach(() => {
    directory = freshDirectory()
    file = join(directory, "state", "bantam", "shell-history")
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test("stands where the system keeps such things", () => {
    expect(historyFile({ XDG_STATE_HOME: "/s", HOME: "/h" })).toBe("/s/bantam/shell-history")
    expect(historyFile({ XDG_STATE_HOME: "relative", HOME: "/h" })).toBe(
      "/h/.local/state/bantam/shell-history",
    )
    expect(historyFile({})).toBeUndefined()
  })

  test("is read back in order, and is its owner's alone", () => {
    for (const line of ["sub #", "pub a b"]) remember(file, line)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readHistory(file)).toEqual(["sub #", "pub a b"])
    expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700)
  })

  test("is made its owner's alone when it was not", () => {
    remember(file, "sub #")
    chmodSync(file, 0o644)
    readHistory(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test("keeps no passwords, and nothing that begins with a blank", () => {
    const secrets = [
      `pub login '{"user":"a","password":"x"}'`,
      "pub wifi/passwd x",
      "pub x token=1",
      "pub api_key/set 1",
      "pub a 'Bearer abc'",
      " pub a b",
      "",
    ]
    for (const line of secrets) remember(file, line)
    expect(existsSync(file)).toBe(false)
    expect(["pub bus/passengers 5", "pub compass/north 1"].filter(isKept)).toHaveLength(2)
  })

  test("is shortened to its last thousand lines", () => {
    remember(file, "first")
    writeFileSync(file, Array.from({ length: 2_001 }, (_, index) => `pub a ${index}\n`).join(""))
    expect(readHistory(file)).toHaveLength(1_000)
    const lines = readFileSync(file, "utf8").trim().split("\n")
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([1_000, "pub a 1001", "pub a 2000"])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test("that cannot be written stops nobody", () => {
    remember("/proc/nowhere/shell-history", "sub #")
    expect(readHistory("/proc/nowhere/shell-history")).toEqual([])
  })
})

describe("Topics that were seen", () => {
  test("are counted, with the last message", () => {
    const seen = new SeenTopics()
    const [early, late] = [new Date(1), new Date(2)]
    seen.take(message("a", "1"), early)
    seen.take(message("a", "2"), late)
    expect(seen.get("a")).toMatchObject({ messages: 2, lastAt: late, lastBytes: 1 })
    expect(Buffer.from(seen.get("a")?.last.payload ?? []).toString()).toBe("2")
  })

  test("keep no chunk of the network alive", () => {
    const chunk = new Uint8Array(1_000)
    const seen = new SeenTopics()
    seen.take(message("a", chunk.subarray(0, 3)), new Date())
    expect(seen.get("a")?.last.payload.buffer.byteLength).toBe(3)
  })

  test("are forgotten beyond the bound, the first one first, and it is said how many", () => {
    const seen = new SeenTopics(2)
    for (const topic of ["a", "b", "a", "c", "d"]) seen.take(message(topic), new Date())
    expect([[...seen.names()], seen.forgotten]).toEqual([["c", "d"], 2])
  })

  test("hold 32 MiB of payloads at most, and 64 KiB of each", () => {
    const seen = new SeenTopics()
    const payload = new Uint8Array(100_000)
    for (let count = 0; count < 600; count++) seen.take(message(`t/${count}`, payload), new Date())
    expect(seen.size).toBe(512)
    expect(seen.get("t/599")).toMatchObject({ lastBytes: 100_000 })
    // The same topic again takes no more room.
    seen.take(message("t/599", payload), new Date())
    expect(seen.size).toBe(512)
  })
})

describe("Waiting for messages", () => {
  test("counts what came before it was begun, and each message once", async () => {
    const arrivals = new Arrivals()
    arrivals.count()
    arrivals.count()
    arrivals.count()
    expect(await arrivals.wait(2, 0)).toBe(true)
    const waiting = arrivals.wait(2, 60_000)
    arrivals.count()
    expect(await waiting).toBe(true)
    expect(await arrivals.wait(1, 0)).toBe(false)
  })
})
