import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, chownSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { childrenOf } from "../support/processes.ts"
import { freshDirectory } from "./program.ts"

/*
 * What packaging/bantam.service denies the broker, denied without systemd: it does all its work with a file system that it
 * may only read, but for its own directory, as a user without any capability, in namespaces of its own.
 */

const nobody = 65_534
const mayMakeSandboxes =
  process.getuid?.() === 0 &&
  Bun.which("setpriv") !== null &&
  Bun.spawnSync(["unshare", "--mount", "--fork", "--pid", "mount", "-o", "remount,bind,ro", "/"]).success

describe.skipIf(!mayMakeSandboxes)("In a sandbox a broker", () => {
  let folder: string
  let data: string
  let sandbox: readonly string[]
  beforeAll(async () => {
    folder = freshDirectory()
    chmodSync(folder, 0o755)
    data = join(folder, "data")
    mkdirSync(data, { mode: 0o700 })
    chownSync(data, nobody, nobody)
    const program = join(folder, "bantam")
    copyFileSync(await executable(), program)
    const script = join(folder, "enter.sh")
    writeFileSync(
      script,
      [
        "set -e",
        "mount --make-rprivate /",
        `mount --bind ${data} ${data}`,
        "mount -o remount,bind,ro /",
        "mount -t proc -o subset=pid,hidepid=invisible proc /proc",
        `if : 2>/dev/null >${folder}/written; then echo "the file system is not read-only" >&2; exit 9; fi`,
        `exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups --no-new-privs --bounding-set=-all ` +
          `--inh-caps=-all --ambient-caps=-all ${program} "$@"`,
      ].join("\n"),
    )
    sandbox = ["unshare", "--mount", "--fork", "--pid", "--kill-child", "bash", script]
  }, 60_000)
  afterEach(killWhatIsLeft)
  afterAll(() => rmSync(folder, { recursive: true }))

  /** The sandbox passes no signal on, and ends with its only program. */
  async function end(broker: WatchedBroker, signal: NodeJS.Signals): Promise<void> {
    for (const pid of childrenOf(broker.pid)) process.kill(pid, signal)
    await broker.ended()
  }

  test("keeps and gives back what is published, and again after a restart", async () => {
    const lasting = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
    const words = ["--data", data, "--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0"]
    const serve = () => WatchedBroker.serving({ program: sandbox, words })
    const first = await serve()
    const writer = await first.client({ clientId: "writer", ...lasting })
    await writer.publish({ topic: "a", payload: Buffer.from("kept"), qos: 2, retain: true })
    await end(first, "SIGKILL")

    const second = await serve()
    const received = Promise.withResolvers<string>()
    const onMessage = ({ payload }: { readonly payload: Uint8Array }) =>
      received.resolve(Buffer.from(payload).toString())
    const reader = await second.client({ clientId: "reader", onMessage })
    await reader.subscribe([
      { filter: "a", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
    expect(await received.promise).toBe("kept")
    expect(second.lines.filter(({ level }) => level === "error")).toEqual([])
    await end(second, "SIGTERM")
  })
})
