import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { freshDirectory, run } from "./program.ts"
import { startAtTerminal } from "./terminal.ts"

const escape = "\u001b["

describe("At a terminal", () => {
  let folder: string
  beforeEach(() => {
    folder = freshDirectory()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** What `bantam serve` shows until it is stopped by Ctrl-C. */
  async function served(env: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<string> {
    await using terminal = startAtTerminal(
      ["serve", "--port", "0", "--data", join(folder, "data"), ...words],
      {
        env,
      },
    )
    const shown = await terminal.until("users")
    terminal.type("\u0003")
    const { exitCode, rest } = await terminal.ended()
    expect(exitCode).toBe(0)
    return shown + rest
  }

  test("a broker explains itself at its first start, and is short at the next", async () => {
    const first = await served({})
    expect(first).toContain("this machine alone")
    expect(first).toContain(`bantam user add alice --allow '#' -d ${join(folder, "data")}`)
    expect(first).toContain("Ctrl-C")
    expect(first).toContain(escape)
    await run(["user", "add", "ann", "--generate", "--data", join(folder, "data")])
    const second = await served({})
    expect(second).toContain("1: bantam user list")
    expect(second).not.toContain("alice")
  })

  test.each([{ TERM: "dumb" }, { NO_COLOR: "1" }])("and without colours with %j", async (env) => {
    expect(await served(env)).not.toContain(escape)
    expect((await startAtTerminal(["help", "sub"], { env }).ended()).rest).not.toContain(escape)
  })

  test("help has headings that stand out, and lines that fit", async () => {
    const { rest } = await startAtTerminal(["help", "connect", "save"], { columns: 50 }).ended()
    expect(rest).toContain(`${escape}1mExamples:`)
    const wide = rest.split("\r\n").filter((line) => Bun.stringWidth(line) > 50)
    // But for examples, which are to be copied.
    expect(wide.filter((line) => !line.startsWith("  bantam "))).toEqual([])
  })

  test("a password is asked for, shown to nobody, and may be left out or broken off", async () => {
    const env = { XDG_CONFIG_HOME: folder, XDG_RUNTIME_DIR: folder }
    const save = ["connect", "save", "a", "mqtt://ann@host", "--no-keyring"]
    const file = join(folder, "bantam", "connections.toml")
    const answers = { "green\r": "saved, its password in", "\r": "replaced\r\n", "gre\u0003": "interrupted" }
    for (const [typed, said] of Object.entries(answers)) {
      await using terminal = startAtTerminal(save, { env })
      const asked = await terminal.until("Password of ann (empty: none): ")
      terminal.type(typed)
      const { rest } = await terminal.ended()
      expect(rest).toContain(said)
      expect(asked + rest).not.toContain("gre")
      expect(readFileSync(file, "utf8").includes('password = "green"')).toBe(typed === "green\r")
    }
  })
})
