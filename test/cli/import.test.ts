import { Database } from "bun:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import { MessageUnpacker } from "../../src/protocol/message-record.ts"
import { openStore } from "../../src/storage/open-store.ts"
import { DatabaseFile } from "../mosquitto/database-file.ts"
import { silentLog } from "../support/silent-log.ts"
import { freshDirectory, readUntil, run, start } from "./program.ts"

const hash = `$7$101$c2FsdHNhbHRzYWx0$${Buffer.alloc(64, 1).toString("base64")}`

describe("bantam import mosquitto", () => {
  let folder: string
  let data: string
  beforeEach(() => {
    folder = freshDirectory()
    data = join(folder, "data")
    mkdirSync(join(folder, "conf.d"))
    write(
      "mosquitto.conf",
      `listener 1883\npersistence true\npersistence_location ${folder}/\ninclude_dir ${folder}/conf.d\n`,
    )
    write("conf.d/security.conf", `password_file ${folder}/passwd\nacl_file ${folder}/acl\n`)
    write("passwd", `alice:${hash}\nbob:${hash}\n`)
    write("acl", "user alice\ntopic readwrite home/#\npattern deny secret/#\n")
    write(
      "mosquitto.db",
      new DatabaseFile()
        .message(1, "home/lamp", "on", { retain: 1 })
        .client("lamp", { username: "alice" })
        .subscription("lamp", "home/#")
        .clientMessage("lamp", 1, "queued")
        .retained(1).bytes,
    )
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function write(name: string, content: string | Uint8Array): void {
    writeFileSync(join(folder, name), content)
  }

  const importing = (...words: readonly string[]) =>
    run(["import", "mosquitto", join(folder, "mosquitto.conf"), "--data", data, ...words])

  test("takes over users, rules, sessions, messages and settings, and counts them", async () => {
    const { exitCode, out, error } = await importing()
    expect(error).toBe("")
    expect(exitCode).toBe(0)
    expect(out).toContain(
      "users     2 (2 sha512-pbkdf2)\n" +
        "groups    0\n" +
        "rules     2 (1 deny, 1 pattern)\n" +
        "sessions  1 (1 subscription)\n" +
        "queued    1 message\n" +
        "retained  1 message\n" +
        `settings  4 in ${data}/bantam.toml\n`,
    )
    const rules = await run(["acl", "list", "--plain", "--data", data])
    expect(rules.out).toBe("allow alice both home/#\ndeny everyone both secret/#\n")
    const users = await run(["user", "list", "--json", "--data", data])
    expect(JSON.parse(users.out)).toMatchObject([{ name: "alice" }, { name: "bob" }])
    expect(readFileSync(join(data, "bantam.toml"), "utf8")).toContain('listen = ["tcp://[::]:1883"]')
  })

  test("once more changes nothing, keeps what is there, and says so", async () => {
    await importing()
    const settings = readFileSync(join(data, "bantam.toml"), "utf8")
    const { exitCode, out } = await importing("--json")
    expect(exitCode).toBe(3)
    const { users, sessions, retained, warnings } = JSON.parse(out)
    expect({ users: users.total, sessions, retained }).toEqual({ users: 0, sessions: 0, retained: 0 })
    expect(warnings.map(({ what }: { readonly what: string }) => what)).toEqual([
      'the users "alice", "bob" are there already, and stay as they are',
      'the sessions "lamp" are there already, and stay as they are',
      'the retained messages of "home/lamp" are there already, and stay as they are',
      "is there already and stays as it is",
    ])
    expect(readFileSync(join(data, "bantam.toml"), "utf8")).toBe(settings)
  })

  test("a dry run says the same and changes nothing", async () => {
    const dry = await importing("--dry-run")
    expect(existsSync(data)).toBe(false)
    const real = await importing()
    expect(dry.out).toBe(real.out.replace(" imported into ", " would be imported into "))
    expect(dry.exitCode).toBe(0)
  })

  test("a dry run into a directory that is in use changes nothing either, and names what is there", async () => {
    await run(["user", "add", "alice", "--generate", "--data", data])
    const { exitCode, out } = await importing("--dry-run")
    expect(exitCode).toBe(3)
    expect(out).toContain('data directory: the users "alice" are there already, and stay as they are')
    expect(JSON.parse((await run(["user", "list", "--json", "--data", data])).out)).toHaveLength(1)
    expect((await run(["acl", "list", "--plain", "--data", data])).out).toBe("")
  })

  test("--json is one object with everything", async () => {
    write("conf.d/z.conf", "queue_qos0_messages true\npid_file /run/m.pid\n")
    const { exitCode, out } = await importing("--json")
    expect(exitCode).toBe(3)
    expect(JSON.parse(out)).toEqual({
      source: join(folder, "mosquitto.conf"),
      directory: data,
      dryRun: false,
      users: { total: 2, sha512: 0, "sha512-pbkdf2": 2, argon2id: 0, plain: 0, none: 0 },
      groups: 0,
      rules: 2,
      denies: 1,
      patterns: 1,
      sessions: 1,
      subscriptions: 1,
      queued: 1,
      retained: 1,
      settings: {
        file: join(data, "bantam.toml"),
        written: true,
        values: {
          listen: ["tcp://[::]:1883"],
          "security.default_access": "deny",
          "security.wide_subscriptions": "filter",
          "security.allow_anonymous": false,
        },
      },
      warnings: [
        {
          file: join(folder, "conf.d/z.conf"),
          line: 1,
          what: "queue_qos0_messages is left out: what comes at QoS 0 is not kept for absent clients",
        },
      ],
      notes: expect.arrayContaining([expect.stringContaining("pid_file has no counterpart")]),
    })
  })

  test("goes by the clock of the directory, where the one on the wall was put back since", async () => {
    const settings = { kind: "sqlite", directory: data, durability: "full" } as const
    const { store: empty } = await openStore(settings, systemClock, silentLog)
    await empty.close()
    const aheadMs = 30 * 86_400_000
    const database = new Database(join(data, "bantam.db"))
    database.run("UPDATE clock SET now_ms = now_ms + ?", [aheadMs])
    database.close()
    const now = Math.floor(Date.now() / 1000)
    write(
      "mosquitto.db",
      new DatabaseFile()
        .message(1, "home/lamp", "on", { retain: 1, expiry: now + 3_600 })
        .client("lamp", { username: "alice", interval: 7_200, expiresAt: now + 3_600 })
        .clientMessage("lamp", 1, "queued")
        .retained(1).bytes,
    )
    expect((await importing()).exitCode).toBe(0)
    const { store, nowMs = 0 } = await openStore(settings, systemClock, silentLog)
    expect(nowMs - Date.now()).toBeGreaterThan(aheadMs / 2)
    // In seconds, to ten minutes.
    const fromNow = (ms: number) => Math.floor((ms - nowMs) / 600_000 + 0.5) * 600
    const [session] = await Array.fromAsync(store.sessions())
    const { createdAtMs = 0, disconnectedAtMs = 0, expiryIntervalSeconds = 0 } = session?.record ?? {}
    expect(fromNow(disconnectedAtMs + expiryIntervalSeconds * 1000)).toBe(3_600)
    expect(fromNow(createdAtMs + aheadMs)).toBe(0)
    const [queued] = (await session?.journal.queue(0, 10)) ?? []
    expect(fromNow(queued?.publish.expiresAtMs ?? 0)).toBe(3_600)
    const [records = []] = await Array.fromAsync(store.retained())
    const unpacker = new MessageUnpacker()
    const lives = records.map((record) => {
      const { receivedAtMs, expiresAtMs } = unpacker.outline(record)
      return [fromNow(receivedAtMs), fromNow(expiresAtMs)]
    })
    expect(lives).toEqual([[0, 3_600]])
    await store.close()
  })

  test("a settings file that is there stays, and what would stand in it is printed", async () => {
    write("mine.toml", "# mine\n")
    const { exitCode, out } = await importing("--settings", join(folder, "mine.toml"))
    expect(exitCode).toBe(3)
    expect(out).toContain(`${join(folder, "mine.toml")}: is there already and stays as it is`)
    expect(out).toContain('default_access = "deny"')
    expect(readFileSync(join(folder, "mine.toml"), "utf8")).toBe("# mine\n")
  })

  test.each([
    ["mosquitto.db", "not a database", "is no database of Mosquitto's"],
    ["conf.d/security.conf", "password_file /nowhere/passwd\n", "/nowhere/passwd: cannot be read (ENOENT)"],
    [
      "conf.d/security.conf",
      "plugin /x/mosquitto_dynamic_security.so\nplugin_opt_config_file PASSWD\n",
      "is no dynamic",
    ],
  ])("with a %s of %j changes nothing", async (name, content, why) => {
    write(name, content.replace("PASSWD", join(folder, "passwd")))
    const { exitCode, out, error } = await importing()
    expect(exitCode).toBe(1)
    expect(out).toBe("")
    expect(error).toStartWith("bantam: ")
    expect(error).toContain(why)
    expect(error.trimEnd()).toEndWith("nothing was changed")
    expect(error.trimEnd()).not.toContain("\n")
    expect(existsSync(data)).toBe(false)
  })

  test("into a directory that a broker serves is refused, a dry run as well", async () => {
    const broker = start(["serve", "--listen", "tcp://127.0.0.1:0", "--data", data])
    await readUntil(broker.stdout, "data")
    for (const words of [[], ["--dry-run"]]) {
      const { exitCode, error } = await importing(...words)
      expect(exitCode).toBe(1)
      expect(error).toContain("is already served by process")
    }
    broker.kill()
    expect(await broker.exited).toBe(0)
    expect((await run(["user", "list", "--json", "--data", data])).out).toBe("[]\n")
  })
})
