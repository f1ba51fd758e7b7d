import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openAccounts } from "../../src/storage/open-store.ts"
import { saveUsers, storedUser } from "../support/accounts.ts"
import { freshDirectory, run } from "./program.ts"

describe("bantam backup and bantam restore", () => {
  let folder: string
  let data: string
  let file: string
  beforeEach(async () => {
    folder = freshDirectory()
    data = join(folder, "data")
    file = join(folder, "backup")
    const accounts = openAccounts(data)
    await saveUsers(accounts, storedUser("ada"))
    accounts.close()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const told = (path: string) =>
    new RegExp(
      `^${path}: 0 sessions, 0 subscriptions, 0 queued messages, 0 retained messages, 1 user, 0 groups, ` +
        `0 rules, 0 bans, \\d+ audit entr(?:y|ies), \\d+ bytes\n`,
    )

  test("say what is in the file, and in the directory made of it", async () => {
    const backedUp = await run(["backup", "backup", "--data", data], { cwd: folder })
    expect(backedUp).toEqual({ exitCode: 0, error: "", out: expect.stringMatching(told(file)) })
    const other = join(folder, "other")
    const restored = await run(["restore", file, "--data", other])
    expect(restored).toEqual({ exitCode: 0, error: "", out: expect.stringMatching(told(other)) })
    expect((await run(["user", "list", "--data", other])).out).toContain("ada")
  })

  test("say it in JSON, for programs", async () => {
    const { out } = await run(["backup", file, "--data", data, "--json"])
    expect(JSON.parse(out)).toMatchObject({ file, directory: data, users: 1, queued: 0 })
    const again = await run(["restore", file, "--data", data, "--force", "--json"])
    expect(JSON.parse(again.out)).toMatchObject({
      file,
      directory: data,
      users: 1,
      keptAside: expect.stringContaining(join(data, "bantam.db.replaced-")),
    })
  })

  test("refuse in one line, and with exit code 1", async () => {
    await run(["backup", file, "--data", data])
    expect(await run(["backup", file, "--data", data])).toEqual({
      exitCode: 1,
      out: "",
      error: `bantam: ${file} exists already; replace it with --force, or name another\n`,
    })
    writeFileSync(file, "no backup at all, but long enough to be taken for something ".repeat(100))
    const { exitCode, error } = await run(["restore", file, "--data", join(folder, "other")])
    expect(exitCode).toBe(1)
    expect(error).toMatch(
      /^bantam: SQLite reports "file is not a database" in .*: nothing was changed; [^\n]*\n$/,
    )
    const ephemeral = await run(["backup", `${file}2`, "--set", "storage.ephemeral=true"])
    expect(ephemeral.error).toBe(
      "bantam: nothing is stored while storage.ephemeral is true; set it to false\n",
    )
    const nowhere = await run(["backup", join(folder, "no/such/folder"), "--data", data])
    expect(nowhere.error).toContain("check the path and who may write there")
  })
})
