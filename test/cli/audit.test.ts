import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { AuditEntry } from "../../src/storage/account-store.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { freshDirectory, readUntil, run, start } from "./program.ts"

type Words = Partial<Omit<AuditEntry, "id">>

describe("bantam audit", () => {
  let directory: string
  beforeEach(() => {
    directory = join(freshDirectory(), "data")
  })
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }))

  const env = { TZ: "Asia/Kolkata" }
  const words = (...more: readonly string[]) => ["audit", "--data", directory, ...more]
  const audit = (...more: readonly string[]) => run(words(...more), { env })
  const lines = async (...more: readonly string[]) => {
    const { out } = await audit("--json", ...more)
    return out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }

  async function given(...entries: readonly Words[]): Promise<void> {
    const accounts = openAccounts(directory)
    await accounts.record(
      entries.map((entry) => {
        return {
          atMs: Date.UTC(2026, 0, 31, 12),
          kind: "refusal",
          who: "",
          what: "login refused",
          facts: {},
          ...entry,
        }
      }),
    )
    accounts.close()
  }

  test("is a table in local time, with facts as name=value", async () => {
    await given(
      { kind: "change", who: "root", what: "user alice added" },
      {
        who: "alice",
        what: "publish refused",
        facts: { client: "my phone", topic: "a/b", rule: 7, times: 3 },
      },
      { facts: { client: "" } },
    )
    expect(await audit()).toEqual({
      exitCode: 0,
      out:
        "TIME                      WHO    WHAT\n" +
        "2026-01-31T17:30:00+0530  root   user alice added\n" +
        '2026-01-31T17:30:00+0530  alice  publish refused  client="my phone" topic=a/b rule=7 times=3\n' +
        '2026-01-31T17:30:00+0530  -      login refused  client=""\n',
      error: "",
    })
  })

  test("is in the order of time, although refusals are written late", async () => {
    await given({ atMs: 2_000, who: "b" }, { atMs: 1_000, who: "a" }, { atMs: 2_000, who: "c" })
    expect((await lines()).map(({ who }) => who)).toEqual(["a", "b", "c"])
  })

  test("--json is one object a line, and nobody in particular is null", async () => {
    await given({ who: "alice", what: "publish refused", facts: { topic: "a", qos: 0 } }, {})
    expect(await lines()).toEqual([
      {
        id: 1,
        time: "2026-01-31T12:00:00.000Z",
        kind: "refusal",
        who: "alice",
        what: "publish refused",
        facts: { topic: "a", qos: 0 },
      },
      expect.objectContaining({ id: 2, who: null }),
    ])
  })

  test("shows what a stranger wrote escaped, and gives it back to programs as it was", async () => {
    const nasty = "\u001b[2J\u009b\u202e\n"
    await given({ who: nasty, what: "login refused", facts: { client: nasty } })
    for (const options of [[], ["--json"]]) expect((await audit(...options)).out).toMatch(/^[ -~\n]*$/)
    expect(await lines()).toMatchObject([{ who: nasty, facts: { client: nasty } }])
  })

  test("--kind, --user, --limit and --since choose, and --limit the latest", async () => {
    const days = [29, 30, 31].map((day): Words => ({
      atMs: Date.UTC(2026, 0, day - 1, 20),
      who: `on ${day}`,
    }))
    await given(...days, { atMs: Date.now(), kind: "change", who: "root" })
    const who = async (...more: readonly string[]) => (await lines(...more)).map((each) => each.who)
    expect(await who()).toEqual(["on 29", "on 30", "on 31", "root"])
    expect(await who("--kind", "change")).toEqual(["root"])
    expect(await who("--user", "on 30")).toEqual(["on 30"])
    expect(await who("--limit", "2")).toEqual(["on 31", "root"])
    expect(await who("--since", "1h")).toEqual(["root"])
    // Days begin where the clock is, five and a half hours ahead.
    expect(await who("--since", "2026-01-30")).toEqual(["on 30", "on 31", "root"])
    expect(await who("--since", "2026-01-30T01:30")).toEqual(["on 30", "on 31", "root"])
    expect(await who("--since", "2026-01-30T01:31")).toEqual(["on 31", "root"])
    expect(await who("--since", "2026-01-29T20:01Z")).toEqual(["on 31", "root"])
  })

  test("shows the latest hundred, and with --since all", async () => {
    await given(...Array.from({ length: 150 }, () => ({})))
    expect(await lines()).toHaveLength(100)
    expect(await lines("--since", "2026-01-01")).toHaveLength(150)
  })

  test("a wrong word is one line that says what it must be", async () => {
    for (const since of ["yesterday", "2026-13-01", "1 h"]) {
      const { exitCode, error } = await audit("--since", since)
      expect([exitCode, error]).toEqual([
        1,
        expect.stringMatching(/^bantam: .*It must be a while, such as .*\n$/),
      ])
    }
    expect((await audit("--kind", "else")).error).toMatch(/^bantam: .*change, refusal.*\n$/)
    expect((await audit("--set", "storage.ephemeral=true")).error).toBe(
      "bantam: the audit cannot be kept while storage.ephemeral is true; set it to false\n",
    )
  })

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`--follow goes on as entries come, until ${signal}`, async () => {
      await given({ who: "before" }, { kind: "change", who: "root" })
      const following = start(words("--follow", "--kind", "refusal"), { env })
      expect(await readUntil(following.stdout, "\n")).toBe(
        "2026-01-31T17:30:00+0530  before  login refused\n",
      )
      await given({ kind: "change", who: "root" }, { who: "after", facts: { client: "c" } })
      expect(await readUntil(following.stdout, "\n")).toBe(
        "2026-01-31T17:30:00+0530  after  login refused  client=c\n",
      )
      following.kill(signal)
      expect([await following.exited, await following.stderr.text()]).toEqual([0, ""])
    })
  }

  test("--follow ends when nobody reads any more", async () => {
    await given({ who: "before" })
    const following = start(words("--follow", "--json"))
    await readUntil(following.stdout, "before")
    await following.stdout.cancel()
    await given({ who: "after" })
    expect([await following.exited, await following.stderr.text()]).toEqual([0, ""])
  })
})

describe("bantam audit beside a broker that serves the same directory", () => {
  test("shows who was not let in, what was refused and by which rule, and who changed what", async () => {
    const home = freshDirectory()
    const directory = join(home, "data")
    const ready = join(home, "ready")
    const options = ["--port", "0", "--data", directory, "--ready-file", ready]
    await run(["user", "add", "alice", "--password-stdin", "--data", directory], { stdin: "secret" })
    await run(["acl", "allow", "alice", "both", "home/#", "--data", directory])
    await run(["acl", "deny", "alice", "publish", "home/door", "--data", directory])
    const serving = start(["serve", ...options])
    try {
      await readUntil(serving.stdout, "durability")
      const { urls } = await Bun.file(ready).json()
      const port = new URL(urls[0]).port
      const following = start(["audit", "--follow", "--json", "--data", directory])
      const client = ["-p", port, "-i", "phone", "-u", "alice"]
      await run(["pub", ...client, "-P", "guess", "-t", "home/x", "-m", "x"])
      await run(["pub", ...client, "-P", "secret", "-t", "home/door", "-m", "x", "-q", "1"])
      await run(["sub", ...client, "-P", "secret", "-t", "#", "-E"])
      const told = await readUntil(following.stdout, "subscribe refused")
      following.kill()
      await following.exited
      const rows = told.trim().split("\n")
      const common = { client: "phone", address: "127.0.0.1" }
      expect(rows.map((row) => JSON.parse(row))).toMatchObject([
        { kind: "change", what: "user alice added" },
        { kind: "change", what: "rule added: allow alice both home/#" },
        { kind: "change", what: "rule added: deny alice publish home/door" },
        { who: "alice", what: "login refused", facts: { ...common, why: "wrong password" } },
        { who: "alice", what: "publish refused", facts: { ...common, topic: "home/door", rule: 2 } },
        {
          who: "alice",
          what: "subscribe refused",
          facts: { ...common, topic: "#", why: "no rule allows it" },
        },
      ])
      expect(JSON.parse(rows[3] ?? "").facts.listener).toStartWith("tcp://127.0.0.1:")
    } finally {
      serving.kill()
      await serving.exited
      rmSync(home, { recursive: true })
    }
  }, 20_000)
})
