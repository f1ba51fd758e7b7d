import { afterEach, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft, WatchedBroker } from "../failure/watched-broker.ts"
import { childrenOf } from "../support/processes.ts"

/* In a container without an init of its own the broker is process 1, whose signals and orphans are its own matter. */

const container = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
// Not everybody may make one, and not everywhere.
const mayMakeContainers =
  Bun.which("unshare") !== null &&
  Bun.which("nsenter") !== null &&
  Bun.spawnSync([...container, "true"]).success

describe.skipIf(!mayMakeContainers)("A broker that is process 1", () => {
  let program: string
  beforeAll(async () => {
    program = await executable()
  }, 60_000)
  afterEach(killWhatIsLeft)

  async function contained(): Promise<{ readonly unshare: WatchedBroker; readonly pid: number }> {
    const words = ["--ephemeral", "--port", "0"]
    const unshare = await WatchedBroker.serving({ program: [...container, program], words })
    const [pid = 0] = childrenOf(unshare.pid)
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m)
    return { unshare, pid }
  }

  test.each(["SIGTERM", "SIGINT"] as const)(
    "stops in good order at %s, which by default does nothing",
    async (signal) => {
      const { unshare, pid } = await contained()
      const client = await unshare.client({ clientId: "any" })
      process.kill(pid, signal)
      expect(await client.ended).toMatchObject({ why: "server-disconnect" })
      expect(await unshare.ended()).toBe(0)
    },
  )

  test("takes to their end the orphans that it is given, and serves on", async () => {
    const { unshare, pid } = await contained()
    const orphan = "sleep 1000 >/dev/null 2>&1 & exit 0"
    for (let times = 0; times < 3; times += 1) {
      const left = Bun.spawnSync(["nsenter", "--target", String(pid), "--pid", "--mount", "sh", "-c", orphan])
      expect(left.exitCode).toBe(0)
    }
    const orphans = childrenOf(pid)
    expect(orphans).toHaveLength(3)
    for (const each of orphans) process.kill(each, "SIGTERM")
    // A zombie would stay among them.
    await gone(() => childrenOf(pid).length === 0)
    const client = await unshare.client({ clientId: "any" })
    await client.disconnect()
    process.kill(pid, "SIGTERM")
    expect(await unshare.ended()).toBe(0)
  })

  test("ends with 1 when it may not start", async () => {
    const refused = await WatchedBroker.launch({
      program: [...container, program],
      words: ["--set", "nonsense=1"],
    })
    expect(await refused.ended()).toBe(1)
  })
})

/** The kernel tells only the parent. */
function gone(isSo: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const looking = setInterval(() => isSo() && resolve(), 2)
  return promise.finally(() => clearInterval(looking))
}
