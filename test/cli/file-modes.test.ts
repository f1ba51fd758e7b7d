import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { shellWord } from "../../cli/output.ts"
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { basename, join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { freshDirectory, run } from "./program.ts"

/*
 * Who else has an account on the machine reads nothing of a store, and writes nothing: with no umask at all, and not even for
 * the moment in which a file appears, as far as a trace of the system calls can tell.
 */

const strace = Bun.which("strace")

/** Everybody may know these: certificates are shown to whoever connects, and the ready file names addresses. */
const isForAll = (path: string) => /\.pem$|\/ready(\.\d+)?$/.test(path)

describe("Files are their owner's alone", () => {
  let folder: string
  let data: string
  let program: string
  beforeAll(async () => {
    program = await executable()
    folder = freshDirectory()
    chmodSync(folder, 0o755)
    data = join(folder, "data")
  }, 60_000)
  afterAll(() => {
    killWhatIsLeft()
    rmSync(folder, { recursive: true })
  })

  /** The way to the trace of each program that ran, by the number of the run. */
  const traces: string[] = []

  /** The compiled program with no umask, traced where that can be done. */
  function traced(): readonly string[] {
    const bare = ["sh", "-c", 'umask 0; exec "$0" "$@"', program]
    if (strace === null) return bare
    const file = join(folder, `trace-${traces.length}`)
    traces.push(file)
    const calls = "trace=open,openat,creat,mkdir,mkdirat,mknod,mknodat,bind,umask,chmod,unlink,unlinkat"
    return [strace, "-f", "-qq", "-s", "300", "-e", calls, "-o", file, ...bare]
  }

  async function bantam(...words: readonly string[]): Promise<void> {
    expect(await run([...words, "--data", data], { program: traced() })).toMatchObject({ exitCode: 0 })
  }

  async function serveOnce(...words: readonly string[]): Promise<void> {
    const where = [`unix://${join(folder, "data", "mqtt.sock")}`, "tcp://127.0.0.1:0", "tls://127.0.0.1:0"]
    const broker = await WatchedBroker.serving({
      program: traced(),
      words: [
        ...[
          "--data",
          data,
          "--tls-self-signed",
          "--allow-anonymous",
          "--ready-file",
          join(data, "ready"),
          ...words,
        ],
        ...where.flatMap((url) => ["--listen", url]),
      ],
    })
    const client = await broker.client({ clientId: "writer", properties: { sessionExpiryInterval: 1000 } })
    await client.publish({ topic: "a", payload: Buffer.from("b"), qos: 1, retain: true })
    look()
    await bantam("backup", join(data, `backup-${traces.length}`))
    await client.disconnect()
    // Who traces it would not pass the signal on.
    process.kill(Number(JSON.parse(readFileSync(join(data, "ready"), "utf8")).pid), "SIGTERM")
    expect(await broker.ended()).toBe(0)
    look()
  }

  /** Every file that stands there. */
  function look(): void {
    const wide = [
      data,
      ...readdirSync(data, { recursive: true, encoding: "utf8" }).map((name) => join(data, name)),
    ]
      .filter((path) => !isForAll(path))
      .map((path) => `${path} 0${(lstatSync(path).mode & 0o777).toString(8)}`)
      .filter((line) => !/ 0[67]00$/.test(line))
    expect(wide).toEqual([])
  }

  test("whatever makes them: an import, accounts, a broker, backups, a restore and a recovery", async () => {
    const conf = join(folder, "mosquitto.conf")
    writeFileSync(conf, "listener 1883 127.0.0.1\nallow_anonymous true\n")
    await bantam("import", "mosquitto", conf)
    expect(readdirSync(data)).toContain("bantam.toml")
    look()
    await bantam("user", "add", "alice", "--generate")
    look()
    await serveOnce()
    const backup = readdirSync(data).find((name) => name.startsWith("backup")) ?? ""
    await bantam("restore", join(data, backup), "--force")
    look()
    truncateSync(join(data, "bantam.db"), 20_000)
    await serveOnce("--recover")
    expect(readdirSync(data).map((name) => name.replace(/-.*/, ""))).toEqual(
      expect.arrayContaining([
        "backup",
        "bantam.db",
        "bantam.db.damaged",
        "bantam.db.replaced",
        "bantam.lock",
        "tls",
      ]),
    )
  }, 60_000)

  test.skipIf(strace === null)("from the system call on that makes them", () => {
    const appeared = traces.flatMap((trace) => appearances(readFileSync(trace, "utf8")))
    const ours = appeared.filter(({ path }) => path.startsWith(folder))
    expect(ours.filter(({ path, mode }) => (mode & 0o077) !== 0 && !isForAll(path))).toEqual([])
    // It has been looked at what passes as well.
    const names = new Set(ours.map(({ path }) => basename(path).replaceAll(/\d+/g, "N")))
    for (const name of [
      "bantam.db.N.new",
      "bantam.db-wal",
      "bantam.db-shm",
      "mqtt.sock",
      "localhost.key.N",
    ]) {
      expect(names).toContain(name)
    }
  })

  test("wrong modes are put right when a broker starts, but a directory's is only told of", async () => {
    mkdirSync(join(folder, "wide"))
    const wide = join(folder, "wide", "data")
    const first = await WatchedBroker.serving({ words: ["--port", "0", "--data", wide] })
    // Killed, so that its log stays.
    await first.kill()
    const names = ["bantam.db", "bantam.db-wal", "bantam.db-shm", "bantam.lock"]
    for (const name of names) chmodSync(join(wide, name), 0o666)
    chmodSync(wide, 0o755)
    const second = await WatchedBroker.serving({ words: ["--port", "0", "--data", wide] })
    expect(await second.says(`${wide} has mode 0755`)).toMatchObject({
      level: "warn",
      remedy: `chmod 700 ${shellWord(wide)}`,
    })
    const modes = names.map((name) => (statSync(join(wide, name)).mode & 0o777).toString(8))
    expect(modes).toEqual(["600", "600", "600", "600"])
    expect(await second.stop()).toBe(0)
  })
})

interface Appearance {
  readonly path: string
  readonly mode: number
}

/** What a trace of one program made, with the mode that it had at that moment. */
function appearances(trace: string): readonly Appearance[] {
  let umask = 0
  // SQLite opens what is there already as if it were to make it.
  const isThere = new Set<string>()
  return trace.split("\n").flatMap((line): readonly Appearance[] => {
    const [, mask] = /\bumask\((\d+)\)/.exec(line) ?? []
    if (mask !== undefined) umask = Number.parseInt(mask, 8)
    const [, gone] = /\bunlink(?:at)?\(.*?"([^"]*)"/.exec(line) ?? []
    if (gone !== undefined) isThere.delete(gone)
    const [, changed, to] = /\bchmod\("([^"]*)", (\d+)/.exec(line) ?? []
    if (changed !== undefined && to !== undefined) return [{ path: changed, mode: Number.parseInt(to, 8) }]
    const [, path, mode = "777"] =
      /\b(?:open|openat)\(.*?"([^"]*)", [^,]*O_CREAT[^,]*, (\d+)\) = \d/.exec(line) ??
      /\b(?:creat|mkdir|mkdirat|mknod|mknodat)\(.*?"([^"]*)", (\d+)\) = \d/.exec(line) ??
      /\bbind\(.*sun_path="([^"]*)"/.exec(line) ??
      []
    if (path === undefined || isThere.has(path)) return []
    isThere.add(path)
    return [{ path, mode: Number.parseInt(mode, 8) & ~umask }]
  })
}
