import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freshDirectory, fromSource, run } from "./program.ts"

async function completed(...words: readonly string[]): Promise<readonly string[]> {
  const { out, error } = await run(["complete", "--", ...words])
  expect(error).toBe("")
  return out.split("\n").slice(0, -1)
}

describe("What a shell is told that a word may become", () => {
  test.each([
    [["se"], ["serve", "sessions"]],
    [["user", "pas"], ["passwd"]],
    [["user", "add", "--gen"], ["--generate"]],
    [
      ["test", "--report", ""],
      ["json", "junit", "pretty", "tap"],
    ],
    [
      ["test", "--report", "j"],
      ["json", "junit"],
    ],
    [
      ["completion", ""],
      ["bash", "fish", "zsh"],
    ],
    // A word of the user's own, and a file.
    [["user", "add", "ali"], []],
    [["serve", "--config", ""], []],
    // Behind these two everything belongs to somebody else.
    [["run", "--", "se"], []],
    [["nothing", "se"], []],
  ])("%j: %j", async (words, expected) => {
    expect(await completed(...words)).toEqual(expected)
  })

  test("all commands, and none that is only asked by the scripts", async () => {
    const all = await completed("")
    expect(all).toContain("serve")
    expect(all).toContain("completion")
    expect(all).not.toContain("complete")
  })
})

describe("The scripts", () => {
  let folder: string
  beforeAll(() => {
    folder = freshDirectory()
    const ours = fromSource.map((word) => Bun.$.escape(word)).join(" ")
    writeFileSync(join(folder, "bantam"), `#!/bin/sh\nexec ${ours} "$@"\n`, { mode: 0o755 })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test("are taken by bash, which then completes a word", () => {
    const typed = `COMP_WORDS=(bantam user pas); COMP_CWORD=2; _bantam; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, exitCode } = Bun.spawnSync({
      cmd: ["bash", "-c", `source <(bantam completion bash) && ${typed}`],
      env: { PATH: `${folder}:${process.env["PATH"]}`, HOME: "/nonexistent" },
    })
    expect({ out: stdout.toString(), exitCode }).toEqual({ out: "passwd\n", exitCode: 0 })
  })

  test("are there for other shells, and a shell that is not known is refused", async () => {
    expect((await run(["completion", "zsh"])).out).toStartWith("#compdef bantam\n")
    expect((await run(["completion", "fish"])).out).toContain("complete -c bantam")
    const { exitCode, error } = await run(["completion", "csh"])
    expect({ exitCode, lines: error.split("\n").length }).toEqual({ exitCode: 1, lines: 2 })
  })
})
