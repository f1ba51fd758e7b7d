import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { PasswordVerifier } from "../../src/security/password.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { freshDirectory, run } from "./program.ts"

describe("bantam user", () => {
  let directory: string
  beforeEach(() => {
    directory = join(freshDirectory(), "data")
  })
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }))

  const user = (words: readonly string[], stdin = "") =>
    run(["user", ...words, "--data", directory], { stdin })

  async function opens(name: string, password: string): Promise<boolean> {
    const accounts = openAccounts(directory)
    const hash = (await accounts.user(name))?.passwordHash
    await accounts.close()
    return (await new PasswordVerifier().verify(new TextEncoder().encode(password), hash)) === "match"
  }

  test("add, list, passwd and remove", async () => {
    expect(await user(["add", "alice", "--password-stdin"], "first\n")).toEqual({
      exitCode: 0,
      out: "user alice added\n",
      error: "",
    })
    expect(await opens("alice", "first")).toBe(true)

    expect((await user(["passwd", "alice", "--password-stdin"], "second\r\n")).out).toBe(
      "password of alice changed\n",
    )
    expect(await opens("alice", "first")).toBe(false)
    expect(await opens("alice", "second")).toBe(true)

    expect((await user(["list"])).out).toMatch(/^NAME +CREATED\nalice +\d{4}-\d\d-\d\dT[\d:.]+Z\n$/)
    expect(JSON.parse((await user(["list", "--json"])).out)).toEqual([
      { name: "alice", createdAt: expect.any(String) },
    ])

    expect((await user(["remove", "alice"])).out).toBe("user alice removed\n")
    expect((await user(["list", "--json"])).out).toBe("[]\n")
  })

  test("a generated password is all that is printed, and it opens", async () => {
    const { out, exitCode } = await user(["add", "bob", "--generate"])
    expect(exitCode).toBe(0)
    expect(out).toMatch(/^[\w-]{24}\n$/)
    expect(await opens("bob", out.trimEnd())).toBe(true)
  })

  test("only the last newline is no part of a password", async () => {
    await user(["add", "carol", "--password-stdin"], " a\n\n")
    expect(await opens("carol", " a\n")).toBe(true)
  })

  test("what cannot be done is one line, and fails", async () => {
    await user(["add", "alice", "--generate"])
    const complaint = async (words: readonly string[], stdin?: string) => {
      const { exitCode, error } = await user(words, stdin)
      expect(exitCode).toBe(1)
      return error
    }
    expect(await complaint(["add", "alice", "--generate"])).toBe(
      "bantam: user alice exists already; change the password with `bantam user passwd alice`\n",
    )
    expect(await complaint(["passwd", "nobody", "--generate"])).toBe(
      "bantam: there is no user nobody; `bantam user list` shows who is there\n",
    )
    expect(await complaint(["remove", "nobody"])).toBe(
      "bantam: there is no user nobody; `bantam user list` shows who is there\n",
    )
    expect(await complaint(["add", "dave", "--password-stdin"], "\n")).toBe(
      "bantam: a password must have 1 to 65535 bytes; nothing was changed\n",
    )
    expect(await complaint(["add", "dave"])).toBe(
      "bantam: no terminal to ask for a password; give it with --password-stdin, or use --generate\n",
    )
    expect(await complaint(["add", "da\u0007ve", "--generate"])).toBe(
      "bantam: a user name must have 1 to 65535 bytes and no control characters\n",
    )
  })
})
