import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { openAccounts } from "../../src/storage/open-store.ts"
import { ban as saveBan } from "../support/accounts.ts"
import { freshDirectory, run } from "./program.ts"

describe("bantam ban", () => {
  let directory: string
  beforeEach(() => {
    directory = join(freshDirectory(), "data")
  })
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }))

  const ban = (...words: readonly string[]) => run(["ban", ...words, "--data", directory])

  test("add, list and remove", async () => {
    expect(await ban("add", "user", "bob", "--why", "left the company")).toEqual({
      exitCode: 0,
      out: "ban 1: user bob banned\n",
      error: `bantam: ${directory} is a new data directory; --data names another one\n`,
    })
    expect((await ban("add", "address", "198.51.100.0/24", "--for", "2h")).out).toMatch(
      /^ban 2: address 198\.51\.100\.0\/24 banned until \d{4}-\d\d-\d\dT[\d:.]+Z\n$/,
    )
    expect((await ban("list")).out).toMatch(
      /^ID +KIND +VALUE +UNTIL +WHY\n1 +user +bob +for good +left the company\n2 +address +198\.51\.100\.0\/24 +\d.*Z\n$/,
    )
    expect(JSON.parse((await ban("list", "--json")).out)).toEqual([
      {
        id: 1,
        kind: "user",
        value: "bob",
        until: null,
        why: "left the company",
        createdAt: expect.any(String),
      },
      expect.objectContaining({ id: 2, until: expect.any(String) }),
    ])
    expect((await ban("remove", "2", "1")).out).toBe(
      "ban 2 removed: address 198.51.100.0/24\nban 1 removed: user bob\n",
    )
    expect((await ban("list", "--json")).out).toBe("[]\n")
  })

  test("a new ban of somebody takes the place of the old one, and those that are over go", async () => {
    const accounts = openAccounts(directory)
    await saveBan(accounts, "client", "over", 1)
    accounts.close()
    await ban("add", "client", "c")
    await ban("add", "client", "c", "--for", "7d")
    const again = openAccounts(directory)
    const bans = await again.bans()
    expect(bans.map(({ value, untilMs }) => [value, untilMs === undefined])).toEqual([["c", false]])
    again.close()
  })

  test("an IPv4 address in the clothes of IPv6 is the address that its peers have", async () => {
    expect((await ban("add", "address", "::ffff:10.1.2.3")).out).toBe("ban 1: address 10.1.2.3 banned\n")
  })

  test("what cannot be done is one line, and changes nothing", async () => {
    await ban("add", "user", "bob")
    const complaint = async (...words: readonly string[]) => {
      const { exitCode, error } = await ban(...words)
      expect(exitCode).toBe(1)
      return error
    }
    expect(await complaint("remove", "1", "9")).toBe(
      "bantam: there is no ban 9, and none was removed; `bantam ban list` numbers them\n",
    )
    expect(await complaint("add", "frog", "bob")).toBe(
      'bantam: a ban is of a client, a user or an address, not of "frog"; see bantam ban add --help\n',
    )
    expect(await complaint("add", "address", "10.0.0.0/33")).toBe(
      "bantam: 10.0.0.0/33 is no address; give one such as 192.0.2.7, or a range such as 10.0.0.0/8\n",
    )
    for (const term of ["10", "0m", "999999w", "2 h"]) {
      expect(await complaint("add", "user", "a", "--for", term)).toBe(
        `bantam: --for must be a number and s, m, h, d or w, such as 10m, 2h or 7d, not ${term}\n`,
      )
    }
    expect(await complaint("add", "user", "a\u0007")).toBe(
      "bantam: the name of a user has 1 to 65535 bytes and no control characters\n",
    )
    expect(JSON.parse((await ban("list", "--json")).out)).toHaveLength(1)
  })
})
