import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { shellWord } from "../../cli/output.ts"
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { examineDisk } from "../../cli/doctor-files.ts"
import { examineClock } from "../../cli/doctor-store.ts"
import { openAccounts } from "../../src/storage/open-store.ts"
import { fillUp, smallDisk } from "../failure/disk.ts"
import { addRules, saveUsers, storedUser } from "../support/accounts.ts"
import { freshDirectory, fromSource, readUntil, run, start, type Surroundings } from "./program.ts"

type Told = { readonly verdict: string; readonly what: string; readonly remedy: string | null }

const probe = smallDisk()
probe?.[Symbol.dispose]()
if (probe === undefined) console.log("skipped: doctor on a small disk, which we may not mount")

/** Only root can become somebody else. */
const isRoot = process.getuid?.() === 0

describe("bantam doctor", () => {
  let folder: string
  let data: string
  let database: string
  beforeEach(() => {
    folder = freshDirectory()
    data = join(folder, "data")
    database = join(data, "bantam.db")
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const anyPort = "listen=tcp://127.0.0.1:0"

  /** What it says of each part, and its exit code. */
  async function look(words: readonly string[] = [], surroundings: Surroundings = {}) {
    const all = ["doctor", "--data", data, "--json", "--set", anyPort, ...words]
    const { out, error, exitCode } = await run(all, surroundings)
    expect(error).toBe("")
    const findings = JSON.parse(out) as readonly (Told & { readonly check: string })[]
    const about = (check: string): readonly Told[] =>
      findings
        .filter((finding) => finding.check === check)
        .map(({ verdict, what, remedy }) => ({ verdict, what, remedy }))
    const complaints = findings.filter(({ verdict }) => verdict !== "ok" && verdict !== "warn")
    for (const { verdict, remedy } of findings) expect(remedy === null).toBe(verdict === "ok")
    expect(exitCode).toBe(complaints.length === 0 ? 0 : 1)
    return { exitCode, about, checks: [...new Set(findings.map(({ check }) => check))] }
  }

  async function store(...rules: readonly string[]): Promise<void> {
    const accounts = openAccounts(data)
    await saveUsers(accounts, storedUser("ada"))
    if (rules.length > 0) await addRules(accounts, ...rules)
    accounts.close()
  }

  test("says of each part in a line of its own that it is well, without colours in a pipe", async () => {
    await store("allow ada both #")
    const { exitCode, out } = await run(["doctor", "--data", data, "--set", anyPort])
    expect(exitCode).toBe(0)
    const lines = out.split("\n").slice(0, -1)
    // Disk and limits are those of the machine.
    const parts = lines.map((line) =>
      line
        .slice(0, 20)
        .trim()
        .replace(/^warn(?= {2}(disk|open files))/, "ok  "),
    )
    expect(parts).toEqual([
      "ok    program",
      "ok    settings",
      "ok    data",
      "ok    broker",
      "ok    database",
      "ok    schema",
      "ok    disk",
      "ok    clock",
      "ok    open files",
      "ok    address",
      "ok    access",
    ])
  })

  test("makes nothing: neither a directory nor a file", async () => {
    expect((await look()).about("data")[0]?.what).toContain("is not there yet")
    expect(existsSync(data)).toBe(false)
    await store()
    const before = readFileSync(database)
    const names = readdirSync(data)
    await look()
    expect(readdirSync(data)).toEqual(names)
    expect(readFileSync(database)).toEqual(before)
  })

  test("tells each problem of the settings, and looks no further", async () => {
    const file = join(folder, "bantam.toml")
    writeFileSync(file, "bogus = 1\n[limits]\nconnections = -1\n")
    const { checks, about, exitCode } = await look(["--config", file])
    expect(exitCode).toBe(1)
    expect(checks).toEqual(["program", "settings"])
    const told = about("settings").map(({ what }) => what)
    expect(told).toHaveLength(2)
    expect(told).toContain(`${file}: bogus is no setting`)
  })

  test("warns of settings that do nothing", async () => {
    const { about, exitCode } = await look(["--set", "certificate.identity=common-name"])
    expect(exitCode).toBe(0)
    expect(about("settings")).toEqual([
      {
        verdict: "warn",
        what: expect.stringContaining("certificate.identity is of no use"),
        remedy: expect.any(String),
      },
    ])
  })

  test("finds what others than the owner may reach, and says the command that mends it", async () => {
    await store()
    chmodSync(data, 0o755)
    chmodSync(database, 0o644)
    expect((await look()).about("data")).toEqual([
      {
        verdict: "fail",
        what: `${data} has mode 0755, so others than its owner may reach it`,
        remedy: `chmod 700 ${shellWord(data)}`,
      },
      {
        verdict: "fail",
        what: `${database} has mode 0644, so others than its owner may reach it`,
        remedy: `chmod 600 ${shellWord(database)}`,
      },
    ])
    expect(statSync(database).mode & 0o777).toBe(0o644)
  })

  test("finds a damaged database, and says the remedy", async () => {
    await store()
    truncateSync(database, 20_000)
    const { about, exitCode } = await look()
    expect(exitCode).toBe(1)
    expect(about("database")).toEqual([
      {
        verdict: "fail",
        what: expect.stringContaining(database),
        remedy: "stop the broker, keep a copy, then run bantam serve --recover",
      },
    ])
  })

  test("finds what has changed in a database that SQLite likes", async () => {
    const broker = start(["serve", "--data", data, "--set", anyPort, "--log-format", "json"])
    await readUntil(broker.stderr, '"serving"')
    broker.kill()
    await broker.exited
    using opened = new Database(database)
    opened.run("INSERT INTO retained VALUES ('house', x'0011')")
    expect((await look()).about("database")[0]?.what).toContain("0 retained were stored and 1 found")
    opened.run("UPDATE head SET closed_cleanly = 0")
    expect((await look()).about("database")[0]?.what).toContain("a stored message fails its checksum")
    opened.run("DELETE FROM retained; INSERT INTO batch VALUES (1, 1, x'00')")
    expect((await look()).about("database")[0]?.what).toContain("batch 1 fails its checksum")
    opened.run("PRAGMA user_version = 99")
    expect((await look()).about("schema")[0]?.what).toContain("was written by a newer bantam (schema 99")
  })

  test("knows the broker that serves, its addresses among them, and leaves it alone", async () => {
    await store("allow ada both #")
    const socket = `unix://${folder}/mqtt.sock`
    const broker = start([
      "serve",
      "--data",
      data,
      "--set",
      `listen=${socket},tcp://127.0.0.1:0`,
      "--log-format",
      "json",
    ])
    try {
      const log = await readUntil(broker.stderr, '"directory"')
      const [tcp = ""] = /tcp:\/\/127\.0\.0\.1:\d+/.exec(log) ?? []
      const { about } = await look(["--set", `listen=${socket},${tcp}`])
      expect(about("broker")[0]?.what).toBe(`process ${broker.pid} serves ${data} at the moment`)
      expect(about("address").map(({ what }) => what)).toEqual([
        `the broker (process ${broker.pid}) listens at ${socket}`,
        `the broker (process ${broker.pid}) listens at ${tcp}`,
      ])
      expect(about("database")[0]?.verdict).toBe("ok")
    } finally {
      broker.kill()
      expect(await broker.exited).toBe(0)
    }
  })

  test("finds a port that another program holds", async () => {
    using other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
    const url = `tcp://127.0.0.1:${other.port}`
    expect((await look(["--set", `listen=${url}`])).about("address")).toEqual([
      {
        verdict: "fail",
        what: `another program listens at ${url}`,
        remedy: expect.stringContaining("ss -ltnp"),
      },
    ])
  })

  test("finds doors that the network reaches, open to all or to nobody", async () => {
    const wide = "listen=tcp://0.0.0.0:0"
    expect((await look(["--set", wide])).about("doors")[0]).toMatchObject({
      verdict: "fail",
      what: expect.stringContaining("there is no user yet, so the broker does not start"),
    })
    expect(
      (await look(["--set", wide, "--set", "security.allow_anonymous=true"])).about("doors")[0],
    ).toMatchObject({
      verdict: "warn",
      what: expect.stringContaining("takes clients without a user name"),
    })
    await store()
    expect((await look(["--set", wide])).about("doors")).toEqual([])
  })

  test("warns of users without a rule, and of rights that nobody has to be given", async () => {
    await store()
    expect((await look()).about("access")[0]).toMatchObject({
      verdict: "warn",
      what: "users: 1, rules: 0; no rule is about ada, who may do nothing",
    })
    expect((await look(["--set", "security.default_access=allow"])).about("access")[0]).toMatchObject({
      verdict: "warn",
      what: expect.stringContaining("what no rule decides is allowed"),
    })
  })

  test("warns where the limit for open files is too low", async () => {
    const words = ["bash", "-c", 'ulimit -n 200; exec "$0" "$@"', ...fromSource]
    expect((await look([], { program: words })).about("open files")).toEqual([
      {
        verdict: "warn",
        what: "200 for this process; limits.connections (10000) needs 10064",
        remedy: "raise it (ulimit -n 10064, LimitNOFILE=10064), or lower the setting",
      },
    ])
  })

  test("needs files for those who have not ended their handshake or upgrade", async () => {
    const listening = ["--set", "listen=ws://127.0.0.1:0", "--set", "limits.connections=100"]
    expect((await look(listening)).about("open files")[0]?.what).toContain(
      "limits.connections (100) needs 1164",
    )
  })

  describe("of the disk", () => {
    const gibibyte = 1024 ** 3
    const remedy = "make room on that disk, or move the data to a larger one"

    /** On a disk of 100 GiB with so much room, and so many files that can still be made. */
    function disk(freeBytes: number, { bytes = 100 * gibibyte, files = 1_000, ffree = 500 } = {}) {
      const bsize = 4096
      const figures = { bsize, blocks: bytes / bsize, bavail: Math.ceil(freeBytes / bsize), files, ffree }
      const asked: string[] = []
      const found = examineDisk({ directory: data }, (path) => {
        asked.push(path)
        return figures
      })
      // That of its data, though they are not there yet.
      expect(asked).toEqual([folder])
      return found
    }

    test("says that a tenth of it, and a GiB, are enough", () => {
      const what = `10.0 GiB of 100.0 GiB are free for ${data}`
      expect(disk(10 * gibibyte)).toEqual([{ verdict: "ok", what }])
      expect(disk(gibibyte, { bytes: 2 * gibibyte })[0]?.verdict).toBe("ok")
    })

    test("warns of less than a tenth, and of less than a GiB", () => {
      const what = `10.0 GiB of 100.0 GiB are free for ${data}`
      expect(disk(10 * gibibyte - 4096)).toEqual([{ verdict: "warn", what, remedy }])
      expect(disk(gibibyte - 4096, { bytes: 2 * gibibyte })).toEqual([
        { verdict: "warn", what: `1024.0 MiB of 2.0 GiB are free for ${data}`, remedy },
      ])
    })

    test("fails where nothing is free, or no file can be made", () => {
      const nothing = `0.0 MiB of 100.0 GiB are free for ${data}`
      expect(disk(0)).toEqual([{ verdict: "fail", what: nothing, remedy }])
      const what = `50.0 GiB of 100.0 GiB are free for ${data}, but no file can be made`
      expect(disk(50 * gibibyte, { ffree: 0 })).toEqual([{ verdict: "fail", what, remedy }])
      // Some file systems count none.
      expect(disk(50 * gibibyte, { files: 0, ffree: 0 })[0]?.verdict).toBe("ok")
    })

    test.skipIf(probe === undefined)("looks at the one that the data are on", async () => {
      using small = smallDisk()
      if (small === undefined) throw new Error("there was one a moment ago")
      data = join(small.directory, "data")
      const { about } = await look()
      expect(about("disk")).toEqual([
        { verdict: "warn", what: `4.0 MiB of 4.0 MiB are free for ${data}`, remedy },
      ])
      fillUp(join(small.directory, "filler"))
      expect((await look()).about("disk")).toEqual([
        { verdict: "fail", what: `0.0 MiB of 4.0 MiB are free for ${data}`, remedy },
      ])
    })
  })

  test("finds a clock that is before the newest row, or of no year that can be", async () => {
    await store()
    const accounts = openAccounts(data)
    await accounts.record([
      { atMs: Date.UTC(2099, 0, 1), kind: "refusal", who: "", what: "login refused", facts: {} },
    ])
    accounts.close()
    expect((await look()).about("clock")[0]).toMatchObject({
      verdict: "fail",
      what: expect.stringContaining("the store has something of 2099-01-01T00:00:00.000Z"),
    })
    expect(examineClock(0, 0)[0]).toMatchObject({
      verdict: "fail",
      what: "it is the year 1970, by this clock",
    })
    expect(examineClock(Date.UTC(2030, 0), Date.UTC(2030, 0) + 1_000)[0]?.verdict).toBe("ok")
  })

  test("finds a key that others may read, and looks at the certificates", async () => {
    await run(["cert", "server", "localhost"], { cwd: folder })
    const tls = [`tls.cert_file=${folder}/localhost.pem`, `tls.key_file=${folder}/localhost.key`]
    const words = ["listen=tls://127.0.0.1:0", ...tls].flatMap((each) => ["--set", each])
    const well = await look(words)
    expect(well.about("keys")[0]?.verdict).toBe("ok")
    expect(well.about("certificates")).toHaveLength(2)
    // The same certificate twice, and an authority at one of the addresses alone.
    const file = join(folder, "bantam.toml")
    const withAuthority = `{ url = "wss://127.0.0.1:0", ca_file = "${folder}/ca.pem" }`
    writeFileSync(
      file,
      `listen = [${withAuthority}, "tls://127.0.0.1:0"]\n[tls]\ncert_file = "${folder}/localhost.pem"\nkey_file = "${folder}/localhost.key"\n`,
    )
    const { out } = await run(["doctor", "--data", data, "--config", file, "--json"])
    const told = (JSON.parse(out) as readonly (Told & { readonly check: string })[]).filter(
      ({ check }) => check === "certificates",
    )
    expect(told).toHaveLength(3)
    chmodSync(join(folder, "localhost.key"), 0o640)
    rmSync(join(folder, "localhost.pem"))
    const ill = await look(words)
    expect(ill.about("keys")[0]).toMatchObject({
      verdict: "fail",
      remedy: `chmod 600 ${shellWord(join(folder, "localhost.key"))}`,
    })
    expect(ill.about("certificates")[0]).toMatchObject({
      verdict: "fail",
      what: `${folder}/localhost.pem: it does not exist`,
    })
  })

  test.if(isRoot)(
    "without rights fails and says who should run it, and claims nothing of what it cannot see",
    async () => {
      await store()
      chmodSync(folder, 0o755)
      const program = ["setpriv", "--reuid", "65534", "--clear-groups", ...fromSource]
      const { about, checks } = await look([], { program })
      expect(about("data")).toEqual([
        {
          verdict: "fail",
          what: `${data} cannot be read and written by user 65534`,
          remedy: "run this, and the broker, as its owner (user 0)",
        },
      ])
      expect(checks).not.toContain("broker")
      expect(checks).not.toContain("database")
      chmodSync(folder, 0o700)
      expect((await look([], { program })).about("data")).toMatchObject([{ verdict: "fail" }])
    },
  )
})
