import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import { DatagramListener } from "../support/raw-sockets.ts"
import { killWhatIsLeft, WatchedBroker } from "./watched-broker.ts"

afterAll(killWhatIsLeft)

const root = new URL("../..", import.meta.url).pathname

describe("A broker whose storage worker is gone acknowledges nothing more, says why, and stops", () => {
  let directory: string
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "bantam-worker-"))
    const compiler = Bun.spawn({
      cmd: [
        ...[process.execPath, "build", "--compile", "--format=esm", "--root", "."],
        ...["test/failure/dying-worker.ts", "--outfile", join(directory, "bantam")],
      ],
      cwd: root,
      stdout: "ignore",
    })
    expect(await compiler.exited).toBe(0)
  }, 60_000)
  afterAll(() => rmSync(directory, { recursive: true }))

  test.each([
    ["error", "the storage worker broke down: struck by lightning"],
    ["exit", "the storage worker has ended"],
  ])("when it ends by %s", async (end, why) => {
    const path = join(directory, `${end}.notify`)
    using manager = new DatagramListener(path)
    const broker = await WatchedBroker.serving({
      program: [join(directory, "bantam")],
      words: ["--port", "0", "--data", join(directory, end)],
      env: { WORKER_ENDS_BY: end, NOTIFY_SOCKET: path, WATCHDOG_USEC: "60000000" },
    })
    const lasting = { cleanStart: false, properties: { sessionExpiryInterval: 0xffff_ffff } }
    const first = await broker.client({ clientId: "first", ...lasting })
    await expect(broker.client({ clientId: "second", ...lasting })).rejects.toThrow()
    expect(await first.ended).toMatchObject({
      why: "server-disconnect",
      reasonCode: ReasonCode.serverShuttingDown,
    })
    expect(await broker.ended()).toBe(1)
    expect(await manager.hears("lost")).toBe("STATUS=The store is lost")
    expect(manager.rest()).toEqual(["STOPPING=1\nSTATUS=Stopping"])
    expect(broker.all("the store is lost")).toMatchObject([{ level: "error", why }])
  })
})
