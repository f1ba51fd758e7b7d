import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { PasswordVerifier } from "../../src/security/authentication/password.ts"
import type { StoredUser } from "../../src/storage/account-store.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { addRules } from "../support/accounts.ts"
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
      error:
        `bantam: ${directory} is a new data directory; --data names another one\n` +
        "bantam: there are users or rules now, so what no rule allows is refused; see security.default_access\n" +
        "bantam: no access rule is about alice yet; `bantam acl allow alice both '#'` lets it do everything\n",
    })
    expect(await opens("alice", "first")).toBe(true)

    expect((await user(["passwd", "alice", "--password-stdin"], "second\r\n")).out).toBe(
      "password of alice changed\n",
    )
    expect(await opens("alice", "first")).toBe(false)
    expect(await opens("alice", "second")).toBe(true)

    expect((await user(["list"])).out).toMatch(
      /^NAME +STATE +GROUPS +CREATED\nalice +enabled +\d{4}-\d\d-\d\dT[\d:.]+Z\n$/,
    )
    expect(JSON.parse((await user(["list", "--json"])).out)).toEqual([
      {
        name: "alice",
        createdAt: expect.any(String),
        enabled: true,
        superuser: false,
        password: "argon2id",
        scram: [],
        groups: [],
        attributes: {},
        clientId: null,
        clientIdPrefix: null,
        maxConnections: null,
        maxRate: null,
      },
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

  async function stored(name: string): Promise<StoredUser | undefined> {
    const accounts = openAccounts(directory)
    const found = await accounts.user(name)
    accounts.close()
    return found
  }

  test("add takes all that a user can be, and set changes it", async () => {
    await run(["group", "add", "family", "guests", "--data", directory])
    const words = ["--superuser", "--group", "family", "--client-id", "phone", "--max-connections", "2"]
    const attributes = ["site=north", "floor=3", "on-call=true", 'code="007"', "zip=007"].flatMap((each) => [
      "-a",
      each,
    ])
    expect(
      await user(["add", "ann", "--no-password", "--max-rate", "10", ...words, ...attributes]),
    ).toMatchObject({
      exitCode: 0,
    })
    expect(await stored("ann")).toMatchObject({
      passwordHash: undefined,
      superuser: true,
      groups: ["family"],
      attributes: { site: "north", floor: 3, "on-call": true, code: "007", zip: "007" },
      clientId: { kind: "exact", text: "phone" },
      limits: { connections: 2, messagesPerSecond: 10 },
    })
    const others = ["--no-superuser", "--group", "guests", "--leave", "family", "--client-id-prefix", "ann-"]
    const less = ["--max-connections", "0", "--remove-attribute", "site", "-a", "floor=4"]
    expect((await user(["set", "ann", ...others, ...less])).out).toBe("user ann changed\n")
    expect(await stored("ann")).toMatchObject({
      superuser: false,
      groups: ["guests"],
      attributes: { floor: 4, "on-call": true, code: "007", zip: "007" },
      clientId: { kind: "prefix", text: "ann-" },
      limits: { connections: undefined, messagesPerSecond: 10 },
    })
    await user(["set", "ann", "--any-client-id"])
    expect((await stored("ann"))?.clientId).toBeUndefined()
  })

  test("disable and enable, and show with the rules that are about it", async () => {
    await run(["group", "add", "family", "--data", directory])
    await user(["add", "ann", "--generate", "--group", "family", "--allow", "home/#", "--allow", "a b"])
    await run(["acl", "deny", "group:family", "publish", "home/door", "--data", directory])
    await run(["acl", "allow", "bob", "both", "#", "--data", directory])
    expect((await user(["disable", "ann"])).out).toBe("user ann disabled\n")
    expect((await stored("ann"))?.enabled).toBe(false)
    const { out } = await user(["show", "ann"])
    expect(out).toMatch(/^user +ann\nstate +disabled\npassword +argon2id\nscram +none\ngroups +family\n/)
    expect(out).toEndWith(
      'ID  RULE\n1   allow ann both home/#\n2   allow ann both "a b"\n3   deny group:family publish home/door\n',
    )
    expect((await user(["enable", "ann"])).out).toBe("user ann enabled\n")
    expect(JSON.parse((await user(["show", "ann", "--json"])).out)).toMatchObject({
      enabled: true,
      rules: [{ id: 1, rule: expect.any(String) }, { id: 2 }, { id: 3 }],
    })
  })

  test("a password can be proven by SCRAM where it was set so, and stays so", async () => {
    const mechanisms = async (name: string) => (await stored(name))?.scram.map(({ mechanism }) => mechanism)
    await user(["add", "ann", "--password-stdin", "--scram"], "secret")
    await user(["add", "bob", "--generate"])
    expect(await mechanisms("ann")).toEqual(["SCRAM-SHA-256", "SCRAM-SHA-512"])
    expect(await mechanisms("bob")).toEqual([])
    const before = (await stored("ann"))?.scram
    await user(["passwd", "ann", "--password-stdin"], "another")
    expect(await mechanisms("ann")).toEqual(["SCRAM-SHA-256", "SCRAM-SHA-512"])
    expect((await stored("ann"))?.scram).not.toEqual(before)
    const { exitCode, error } = await user(["passwd", "bob", "--password-stdin", "--scram"], "a\u0007b")
    expect([exitCode, error]).toEqual([
      1,
      "bantam: the password cannot be used with SCRAM, which takes text in UTF-8 without control characters; " +
        "choose another\n",
    ])
  })

  test("each change is in the audit, without its secrets", async () => {
    await user(["add", "ann", "--password-stdin"], "secret")
    await user(["set", "ann", "--superuser"])
    await user(["passwd", "ann", "--password-stdin"], "secret2")
    await user(["remove", "ann"])
    const accounts = openAccounts(directory)
    const audit = await accounts.audit({ limit: 9 })
    accounts.close()
    expect(audit.map(({ what }) => what)).toEqual([
      "user ann added",
      "user ann changed: superuser=true",
      "password of ann changed",
      "user ann removed",
    ])
    expect(JSON.stringify(audit)).not.toContain("secret")
  })

  test("what it is told to be and is already is no error, so that a script can say it again", async () => {
    await user(["add", "alice", "--no-password", "--max-rate", "5"])
    expect(await user(["set", "alice", "--max-rate", "5", "--no-superuser"])).toEqual({
      exitCode: 0,
      out: "user alice is so already\n",
      error: "",
    })
    const shown = (await user(["show", "alice"])).out
    expect(shown).toMatch(/^connections +any number$/m)
    expect(shown).toMatch(/^messages\/s +5$/m)
  })

  test("who is removed leaves rules behind, and that is said", async () => {
    await user(["add", "everyone", "--no-password", "--allow", "a", "--allow", "b"])
    const accounts = openAccounts(directory)
    await addRules(accounts, "allow everyone both c")
    accounts.close()
    expect(await user(["remove", "everyone"])).toEqual({
      exitCode: 0,
      out: "user everyone removed\n",
      error:
        "bantam: 2 rules about user:everyone stayed, and would hold for whoever comes by that name; " +
        "`bantam acl remove 1 2` takes them away\n",
    })
  })

  test("a remedy can be typed as it stands, and means this user alone", async () => {
    await user(["add", "alice", "--no-password"])
    const remedy = async (name: string) => {
      return /`.*`/.exec((await user(["add", name, "--no-password"])).error)?.[0]
    }
    expect(await remedy("everyone")).toBe("`bantam acl allow user:everyone both '#'`")
    expect(await remedy("a b$(c)")).toBe(`\`bantam acl allow ${Bun.$.escape("a b$(c)")} both '#'\``)
  })

  test("what cannot be done is one line, and fails", async () => {
    await user(["add", "alice", "--generate"])
    const complaint = async (words: readonly string[], stdin?: string) => {
      const { exitCode, error } = await user(words, stdin)
      expect(exitCode).toBe(1)
      return error
    }
    expect(await complaint(["add", "alice", "--generate"])).toBe(
      "bantam: user alice exists already, and nothing was changed; `bantam user passwd alice` and `bantam user set alice` change it\n",
    )
    expect(await complaint(["passwd", "nobody", "--generate"])).toBe(
      "bantam: there is no user nobody; `bantam user list` shows who is there\n",
    )
    expect(await complaint(["set", "alice", "--group", "family"])).toBe(
      "bantam: there is no group family; make it with `bantam group add family`\n",
    )
    expect(await complaint(["set", "alice", "-a", "a b=1"])).toBe(
      "bantam: --attribute a b=1: write KEY=VALUE, the key of letters, digits, - and _\n",
    )
    expect(await complaint(["set", "alice", "--client-id", "a", "--any-client-id"])).toContain(
      "exclude each other",
    )
    expect(await complaint(["set", "alice"])).toBe(
      "bantam: say what is to change; see bantam user set --help\n",
    )
    expect(await complaint(["set"])).toBe(
      "bantam: missing required argument 'name'; see bantam user set --help\n",
    )
    expect(await complaint(["add", "dave", "--generate", "--allow", "a#"])).toBe(
      'bantam: --allow a#: a rule names "a#", which is no topic filter\n',
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
