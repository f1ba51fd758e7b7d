import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { openAccounts } from "../../src/storage/open-store.ts"
import { saveUsers, storedUser } from "../support/accounts.ts"
import { freshDirectory, run } from "./program.ts"

describe("bantam group", () => {
  let directory = ""
  beforeEach(async () => {
    directory = join(freshDirectory(), "data")
    const accounts = openAccounts(directory)
    await saveUsers(accounts, storedUser("ann"), storedUser("bob"), storedUser("eve"))
    accounts.close()
  })
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }))

  const group = (...words: readonly string[]) => run(["group", ...words, "--data", directory])

  test("add, join, leave, list, show and remove", async () => {
    expect((await group("add", "family", "guests")).out).toBe("group family added\ngroup guests added\n")
    expect((await group("add", "family")).out).toBe("group family is there already\n")
    expect((await group("join", "family", "ann", "bob")).out).toBe("2 joined group family\n")
    expect((await group("join", "family", "ann", "eve")).out).toBe("1 joined group family\n")
    expect((await group("leave", "family", "bob", "bob")).out).toBe("1 left group family\n")
    expect((await group("list")).out).toMatch(/^NAME +USERS +CREATED\nfamily +2 .*\nguests +0 .*\n$/)
    await run(["acl", "allow", "group:family", "both", "home/#", "--data", directory])
    expect((await group("show", "family")).out).toBe(
      "group  family\nusers  ann eve\n\nID  RULE\n1   allow group:family both home/#\n",
    )
    expect(JSON.parse((await group("list", "--json")).out)).toMatchObject([
      { name: "family", users: ["ann", "eve"] },
      { name: "guests", users: [] },
    ])
    expect(await group("remove", "family")).toEqual({
      exitCode: 0,
      out: "group family removed\n",
      error:
        "bantam: a rule about group:family stayed, and would hold for whoever comes by that name; " +
        "`bantam acl remove 1` takes it away\n",
    })
    const shown = await run(["user", "show", "ann", "--json", "--data", directory])
    expect(JSON.parse(shown.out)).toMatchObject({ groups: [] })
  })

  test("what cannot be done is one line, and changes nothing", async () => {
    await group("add", "family")
    for (const [words, complaint] of [
      [["join", "family", "ann", "nobody"], "there is no user nobody; nothing was changed"],
      [["join", "friends", "ann"], "there is no group friends; `bantam group list` shows those there are"],
      [["remove", "friends"], "there is no group friends; `bantam group list` shows those there are"],
      [["add", "a\u202eb"], "a group name must have 1 to 65535 bytes and no control characters"],
    ] as const) {
      expect(await group(...words)).toEqual({ exitCode: 1, out: "", error: `bantam: ${complaint}\n` })
    }
    expect(JSON.parse((await group("show", "family", "--json")).out)).toMatchObject({ users: [] })
  })
})
