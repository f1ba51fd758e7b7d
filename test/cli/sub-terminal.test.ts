import { describe, expect, test } from "bun:test"
import type { Packet } from "../../src/protocol/packet.ts"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { bytesOf, connack, publish } from "../client/scripted-server.ts"
import { fromSource, run } from "./program.ts"
import { type Script, startScripted } from "./pub-sub-server.ts"

/** Grants each subscription and then sends the messages. */
const sends = (messages: readonly (Packet | "close")[]): Script => {
  return (packet) => {
    if (packet.type === "connect") return [connack()]
    if (packet.type !== "subscribe") return []
    const { packetId, requests } = packet
    const reasonCodes = requests.map(() => ReasonCode.grantedQos0)
    return [{ type: "suback", packetId, reasonCodes, properties: {} }, ...messages]
  }
}

const said = (payload: string, fields = {}) => publish({ payload: bytesOf(payload), ...fields })

/** The program on a terminal of its own. */
function onTerminal(words: readonly string[], env: Readonly<Record<string, string>> = {}, columns = 80) {
  let shown = ""
  let awaited: { readonly text: string; readonly seen: () => void } | undefined
  const decoder = new TextDecoder()
  const running = Bun.spawn([...fromSource, ...words], {
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", TERM: "xterm-256color", ...env },
    terminal: {
      cols: columns,
      rows: 24,
      data: (_, bytes) => {
        shown += decoder.decode(bytes, { stream: true })
        if (awaited !== undefined && shown.includes(awaited.text)) awaited.seen()
      },
    },
  })
  const until = async (text: string): Promise<string> => {
    if (!shown.includes(text)) await new Promise<void>((seen) => (awaited = { text, seen }))
    return shown
  }
  return {
    until,
    resize: (width: number) => running.terminal?.resize(width, 24),
    types: (text: string) => running.terminal?.write(text),
    /** All that was shown, and the exit code. */
    async ended() {
      const exitCode = await running.exited
      running.terminal?.close()
      return { shown, exitCode }
    },
  }
}

/** What stays on the terminal when each line at the bottom was taken away again. */
function lasting(shown: string): string {
  const parts = shown.split("\r\u001b[J")
  const kept = parts.map((part, index) =>
    index < parts.length - 1 ? part.slice(0, part.lastIndexOf("\n") + 1) : part,
  )
  return kept.join("").replaceAll("\r\n", "\n")
}

const two = [said("21.5", { topic: "home/temp" }), said('{"on":true}', { topic: "home/lamp", retain: true })]

describe("bantam sub on a terminal", () => {
  test("shows messages for a person, and a line below them that is gone in the end", async () => {
    using server = startScripted(4, sends(two))
    const terminal = onTerminal(["sub", ...server.flags, "-t", "home/#"], { NO_COLOR: "1" })
    await terminal.until("2 messages · 2 topics")
    terminal.types("\x03")
    const { shown, exitCode } = await terminal.ended()
    expect(exitCode).toBe(0)
    expect(lasting(shown)).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3}  home\/temp  21\.5\n\d\d:\d\d:\d\d\.\d{3}  home\/lamp  \[retained\]  \{"on": true\}\n$/,
    )
  })

  test("with colours unless NO_COLOR is set", async () => {
    using server = startScripted(4, sends(two))
    const words = ["sub", ...server.flags, "-t", "home/#", "-C", "2"]
    const inColour = await onTerminal(words).ended()
    expect(inColour.shown).toContain("\x1b[33m21.5\x1b[39m\r\n")
    const plain = await onTerminal(words, { NO_COLOR: "1" }).ended()
    expect(plain.shown).toContain("  home/temp  21.5\r\n")
    expect(lasting(plain.shown)).not.toContain("\u001b")
  })

  test("says that it waits while nothing has come", async () => {
    using server = startScripted(4, sends([]))
    const terminal = onTerminal(["sub", ...server.flags, "-t", "home/#", "-t", "a"], { NO_COLOR: "1" })
    await terminal.until("waiting for messages on home/#, a")
    terminal.types("\x03")
    const { shown, exitCode } = await terminal.ended()
    expect({ exitCode, left: lasting(shown) }).toEqual({ exitCode: 0, left: "" })
  })

  test("is as wide as the terminal, also when that changes", async () => {
    using server = startScripted(4, sends([said("x".repeat(100))]))
    const terminal = onTerminal(["sub", ...server.flags, "-t", "t"], { NO_COLOR: "1" }, 40)
    const shown = await terminal.until("1 msg/s")
    expect(lasting(shown)).toContain(`  a/b\n  ${"x".repeat(38)}\n  ${"x".repeat(38)}\n  ${"x".repeat(24)}\n`)
    terminal.types("\x03")
    await terminal.ended()
  })

  test("lets no message command the terminal", async () => {
    const evil = "\x1b]0;owned\x07\x1b[2J\x9b2J"
    using server = startScripted(4, sends([said(evil, { topic: `a/${evil}` })]))
    const { shown } = await onTerminal(["sub", ...server.flags, "-t", "#", "-C", "1"], {
      NO_COLOR: "1",
    }).ended()
    expect(shown).toContain(String.raw`a/\x1b]0;owned\x07\x1b[2J\x9b2J  \x1b]0;owned`)
    expect(lasting(shown).replaceAll("\n", "")).not.toMatch(/\p{Cc}/u)
  })

  test.each([
    ["TERM=dumb", [], { TERM: "dumb" }, '21.5\r\n{"on":true}\r\n'],
    ["-v", ["-v"], {}, 'home/temp 21.5\r\nhome/lamp {"on":true}\r\n'],
    ["-F", ["-F", "%t"], {}, "home/temp\r\nhome/lamp\r\n"],
    ["-N", ["-N"], {}, '21.5{"on":true}'],
    ["--as-mosquitto", ["--as-mosquitto"], {}, '21.5\r\n{"on":true}\r\n'],
  ] as const)("with %s prints what it prints in a pipe", async (_, words, env, printed) => {
    using server = startScripted(4, sends(two))
    const { shown, exitCode } = await onTerminal(
      ["sub", ...server.flags, "-t", "#", "-C", "2", ...words],
      env,
    ).ended()
    expect({ shown, exitCode }).toEqual({ shown: printed, exitCode: 0 })
  })

  test("comes back when the connection is lost, and says so", async () => {
    let connections = 0
    const script: Script = (packet) => {
      if (packet.type === "connect") connections += 1
      return sends(connections === 1 ? [said("first"), "close"] : [said("second")])(packet)
    }
    using server = startScripted(4, script)
    const terminal = onTerminal(["sub", ...server.flags, "-t", "t", "-C", "2"], { NO_COLOR: "1" })
    const { shown, exitCode } = await terminal.ended()
    expect(exitCode).toBe(0)
    const lines = lasting(shown).split("\n")
    expect(lines[0]).toEndWith("  a/b  first")
    expect(lines[1]).toEndWith("; connecting again")
    expect(lines.slice(2)).toEqual(["connected again", expect.stringMatching(/  a\/b  second$/), ""])
  })

  test("has no line at the bottom when a command of --then may write to the terminal", async () => {
    using server = startScripted(4, sends([]))
    const words = ["sub", ...server.flags, "-t", "a", "--then", "sleep 0.6; echo done; exit 3"]
    const { shown, exitCode } = await onTerminal(words, { NO_COLOR: "1" }).ended()
    expect({ shown, exitCode }).toEqual({
      shown: "done\r\nbantam: the command of --then ended with exit code 3\r\n",
      exitCode: 3,
    })
  })

  test("what goes wrong is said above the line at the bottom", async () => {
    let connections = 0
    const script: Script = (packet) => {
      if (packet.type === "connect") connections += 1
      if (connections > 1) return [connack({ reasonCode: ReasonCode.notAuthorized }), "close"]
      return sends([said("on"), "close"])(packet)
    }
    using server = startScripted(5, script)
    const { shown, exitCode } = await onTerminal(["sub", ...server.flags, "-t", "a"], {
      NO_COLOR: "1",
    }).ended()
    expect(exitCode).toBe(135)
    expect(shown).toContain("\r\u001b[Jbantam: ")
    expect(lasting(shown).split("\n").slice(2)).toEqual([
      expect.stringMatching(/^bantam: .*not authorized/),
      "",
    ])
  })
})

describe("A flood on a terminal", () => {
  const many = Array.from({ length: 12_000 }, (_, index) => said(String(index)))

  test("is shown in part, and what is not shown is counted", async () => {
    using server = startScripted(4, sends(many))
    const { shown } = await onTerminal(["sub", ...server.flags, "-t", "t", "-C", "12000"], {
      NO_COLOR: "1",
    }).ended()
    const lines = lasting(shown).split("\n").slice(0, -1)
    const hidden = lines.map((line) =>
      Number(/^… ([\d,]+) messages not shown/.exec(line)?.[1]?.replaceAll(",", "") ?? 0),
    )
    const shownCount = hidden.filter((count) => count === 0).length
    expect(shownCount).toBeGreaterThanOrEqual(5_000)
    expect(hidden.some((count) => count > 0)).toBe(true)
    expect(shownCount + hidden.reduce((sum, count) => sum + count, 0)).toBe(12_000)
  })

  test("is shown whole with --full", async () => {
    using server = startScripted(4, sends(many))
    const words = ["sub", ...server.flags, "-t", "t", "-C", "12000", "--full"]
    const { shown } = await onTerminal(words, { NO_COLOR: "1" }).ended()
    const lines = lasting(shown).split("\n").slice(0, -1)
    expect(lines.map((line) => line.split("  ")[2])).toEqual(many.map((_, index) => String(index)))
  })
})

describe("In a pipe", () => {
  test("nothing has changed: payloads alone, whatever TERM and NO_COLOR say", async () => {
    using server = startScripted(4, sends(two))
    for (const env of [{}, { TERM: "xterm-256color" }, { NO_COLOR: "1" }, { FORCE_COLOR: "1" }]) {
      const outcome = await run(["sub", ...server.flags, "-t", "#", "-C", "2"], { env })
      expect(outcome).toEqual({ exitCode: 0, out: '21.5\n{"on":true}\n', error: "" })
    }
  })

  test("--json has an object for each message", async () => {
    using server = startScripted(4, sends(two))
    const { out } = await run(["sub", ...server.flags, "-t", "#", "-C", "2", "--json"])
    expect(
      out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { topic: "home/temp", payload: "21.5", json: 21.5, retain: false },
      { topic: "home/lamp", payload: '{"on":true}', json: { on: true }, retain: true },
    ])
  })
})
