import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { shellWord } from "../../cli/output.ts"
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { connectClient } from "../../src/client/client.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { freshDirectory, run } from "./program.ts"

/* What root can try alone: everybody else is not to become another. */

const isRoot = process.getuid?.() === 0 && process.platform === "linux"
const nobody = 65_534
const netBindService = 1n << 10n

describe.skipIf(!isRoot)("A broker that root starts with process.user", () => {
  let program: string
  let folder: string
  let data: string
  beforeAll(async () => {
    folder = freshDirectory()
    chmodSync(folder, 0o755)
    // The sources may lie where others cannot go.
    program = join(folder, "bantam")
    copyFileSync(await executable(), program)
    data = join(folder, "var", "data")
  }, 60_000)
  afterEach(killWhatIsLeft)
  afterAll(() => rmSync(folder, { recursive: true }))

  /** What the kernel says of every thread, sorted and each once. */
  function threadsSay(pid: number, field: string): readonly string[] {
    const said = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")
      return new RegExp(`^${field}:\\t(.*)$`, "m").exec(status)?.[1]?.trim() ?? ""
    })
    return [...new Set(said)].toSorted()
  }

  test("is that user in every thread, with its groups and none of root's rights, and owns its data", async () => {
    const broker = await WatchedBroker.serving({ words: ["--user", "nobody", "--port", "0", "--data", data] })
    const client = await broker.client({ clientId: "any" })
    await client.publish({ topic: "a", payload: Buffer.from("b"), qos: 1, retain: true })
    const four = Array.from({ length: 4 }, () => nobody).join("\t")
    expect(threadsSay(broker.pid, "Uid")).toEqual([four])
    expect(threadsSay(broker.pid, "Gid")).toEqual([four])
    expect(threadsSay(broker.pid, "Groups")).toEqual([String(nobody)])
    for (const set of ["CapPrm", "CapEff", "CapInh", "CapAmb"]) {
      expect(threadsSay(broker.pid, set)).toEqual(["0".repeat(16)])
    }
    const owners = [data, ...readdirSync(data).map((name) => join(data, name))].map(
      (path) => statSync(path).uid,
    )
    expect(new Set(owners)).toEqual(new Set([nobody]))
    expect(statSync(data).mode & 0o777).toBe(0o700)
    expect(broker.all("running as root")).toEqual([])
    await client.disconnect()
    expect(await broker.stop()).toBe(0)
  })

  test("reads the same data when that user starts it, and root may still manage them", async () => {
    const made = await run(["user", "add", "alice", "--generate", "--data", data], { program: [program] })
    expect(made.exitCode).toBe(0)
    expect(new Set(readdirSync(data).map((name) => statSync(join(data, name)).uid))).toEqual(
      new Set([nobody]),
    )
    const own = await WatchedBroker.serving({
      program: ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", program],
      words: ["--set", "process.user=nobody", "--port", "0", "--data", data],
    })
    expect(own.all("process.user is not heeded")).toEqual([])
    expect(await own.stop()).toBe(0)
  })

  test("gets what root makes for it in a directory of its own", async () => {
    const fresh = join(folder, "fresh")
    mkdirSync(fresh, { mode: 0o700 })
    chownSync(fresh, nobody, nobody)
    const made = await run(["user", "add", "alice", "--generate", "--data", fresh], { program: [program] })
    expect(made.exitCode).toBe(0)
    const broker = await WatchedBroker.serving({
      words: ["--user", "nobody", "--port", "0", "--data", fresh],
    })
    expect(await broker.stop()).toBe(0)
  })

  test("listens at ports below 1024, and again when certificates are read again, with that one right", async () => {
    const made = await run(["cert", "server", "127.0.0.1", "--dir", join(folder, "tls")], {
      program: [program],
    })
    expect(made.exitCode).toBe(0)
    const file = (name: string) => join(folder, "tls", name)
    const port = lowPort()
    const words = [
      ...["--user", "nobody", "--ephemeral", "--listen", `tls://127.0.0.1:${port}`],
      ...[
        "--set",
        `tls.cert_file=${file("127.0.0.1.pem")}`,
        "--set",
        `tls.key_file=${file("127.0.0.1.key")}`,
      ],
    ]
    chmodSync(join(folder, "tls"), 0o755)
    const refused = await WatchedBroker.launch({ words })
    await refused.says(`127.0.0.1.key may not be read by user ${nobody}; change its owner, group or mode`)
    expect(await refused.ended()).toBe(1)

    chownSync(file("127.0.0.1.key"), nobody, nobody)
    const broker = await WatchedBroker.serving({ words })
    const rights = threadsSay(broker.pid, "CapEff").map((set) => BigInt(`0x${set}`))
    expect(rights.filter((set) => set !== 0n && set !== netBindService)).toEqual([])
    expect(rights).toContain(netBindService)
    broker.signal("SIGHUP")
    await broker.says("reading settings")
    const address = { scheme: "tls", host: "127.0.0.1", port, tls: { caFile: file("ca.pem") } } as const
    const client = await connectClient(address, { version: 5, keepAliveSeconds: 0, clientId: "any" })
    await client.disconnect()
    expect(broker.all("settings not reloaded")).toEqual([])

    // What root alone may read, the next reload cannot.
    chownSync(file("127.0.0.1.key"), 0, 0)
    broker.signal("SIGHUP")
    const told = await broker.says("settings not reloaded")
    expect(told["why"]).toContain(`may not be read by user ${nobody}; change its owner, group or mode`)
    expect(await broker.stop()).toBe(0)
  })

  test("takes no directory that is another's, nor a user that there is not", async () => {
    const roots = join(folder, "roots")
    mkdirSync(roots, { mode: 0o700 })
    const refusal = async (...words: readonly string[]) => {
      const { exitCode, error } = await run(["serve", "--port", "0", ...words], { program: [program] })
      expect(exitCode).toBe(1)
      return error
    }
    expect(await refusal("--user", "nobody", "--data", roots)).toBe(
      `bantam: ${roots} belongs to user 0, and process.user is user ${nobody}; ` +
        `chown -R ${nobody}:${nobody} ${shellWord(roots)}\n`,
    )
    expect(await refusal("--user", "no-such-user")).toContain('this machine has no user "no-such-user"')
    expect(await refusal("--user", "nobody:no-such-group")).toContain(
      'this machine has no group "no-such-group"',
    )
    expect(await refusal("--user", "12345")).toContain("name one too, as in 12345:12345")
    expect(readdirSync(roots)).toEqual([])
  })

  test("takes numbers where a container has no names", async () => {
    const numbered = join(folder, "numbered")
    const broker = await WatchedBroker.serving({
      words: ["--user", "12345:23456", "--port", "0", "--data", numbered],
    })
    expect(threadsSay(broker.pid, "Groups")).toEqual(["23456"])
    expect(statSync(numbered)).toMatchObject({ uid: 12_345, gid: 23_456 })
    expect(await broker.stop()).toBe(0)
  })

  test("that is told nothing says that it runs as root, and how not to", async () => {
    const broker = await WatchedBroker.serving({ words: ["--ephemeral", "--port", "0"] })
    expect((await broker.says("running as root")).message).toContain("--user or process.user")
    expect(await broker.stop()).toBe(0)
  })

  test("that somebody else starts stays who that is, and says so", async () => {
    const broker = await WatchedBroker.serving({
      program: ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", program],
      words: ["--user", "nobody", "--ephemeral", "--port", "0"],
    })
    expect(await broker.says("process.user is not heeded")).toMatchObject({ user: "nobody" })
    expect(threadsSay(broker.pid, "Uid")[0]).toStartWith("12345\t")
    expect(await broker.stop()).toBe(0)
  })
})

/** One that nobody listens at; a free one below 1024 is not for the asking. */
function lowPort(): number {
  for (let port = 700; port < 1024; port += 1) {
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop()
      return port
    } catch {
      // Taken by another program.
    }
  }
  throw new Error("every port below 1024 is taken")
}
