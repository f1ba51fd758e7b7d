import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Drops } from "../../src/storage/drop-store.ts"
import { openDrops } from "../../src/storage/open-store.ts"
import { freshDirectory, readUntil, run, start } from "./program.ts"

describe("bantam drops", () => {
  let directory: string
  beforeEach(() => {
    directory = join(freshDirectory(), "data")
  })
  afterEach(() => rmSync(join(directory, ".."), { recursive: true }))

  const env = { TZ: "Asia/Kolkata" }
  const words = (...more: readonly string[]) => ["drops", "--data", directory, ...more]
  const drops = (...more: readonly string[]) => run(words(...more), { env })
  const rows = async (...more: readonly string[]) => {
    const { out } = await drops("--json", ...more)
    return JSON.parse(out)
  }

  const noon = Date.UTC(2026, 0, 31, 12)

  async function given(...lost: readonly Partial<Drops>[]): Promise<void> {
    const ledger = openDrops(directory)
    await ledger.addDrops(
      lost.map((each): Drops => {
        const firstMs = each.firstMs ?? noon
        return {
          clientId: "sensor",
          why: "queue-full",
          prefix: "house/hall",
          firstMs,
          lastMs: firstMs,
          messages: 1,
          bytes: 10,
          ...each,
        }
      }),
    )
    ledger.close()
  }

  test("is a table in local time with the total below, what is not known being a dash", async () => {
    await given(
      { lastMs: noon + 61_000, messages: 40, bytes: 400 },
      { clientId: "", why: "absent", prefix: "", firstMs: noon + 90_000, messages: 2, bytes: 0 },
    )
    expect(await drops()).toEqual({
      exitCode: 0,
      out:
        "WHEN                               CLIENT  WHY         TOPIC       MESSAGES  BYTES\n" +
        "2026-01-31T17:30:00/17:31:01+0530  sensor  queue-full  house/hall  40        400\n" +
        "2026-01-31T17:31:30+0530           -       absent      -           2         0\n" +
        "total                                                              42        400\n",
      error: "",
    })
  })

  test("--json is one array, and nobody in particular is null", async () => {
    expect(await rows()).toEqual([])
    await given({ lastMs: noon + 1_000 }, { clientId: "", prefix: "", firstMs: noon + 2_000 })
    expect(await rows()).toEqual([
      {
        hour: "2026-01-31T12:00:00.000Z",
        first: "2026-01-31T12:00:00.000Z",
        last: "2026-01-31T12:00:01.000Z",
        client: "sensor",
        reason: "queue-full",
        topic: "house/hall",
        messages: 1,
        bytes: 10,
      },
      expect.objectContaining({ client: null, topic: null }),
    ])
  })

  test("is in the order of time, by the last that was lost", async () => {
    await given({ clientId: "b", firstMs: noon + 2 }, { clientId: "a", firstMs: noon })
    await given({ clientId: "c", firstMs: noon + 1 })
    expect((await rows()).map(({ client }: { client: string }) => client)).toEqual(["a", "c", "b"])
  })

  test("--client, --reason, --limit and --since choose, and --limit the latest", async () => {
    await given({ clientId: "a" }, { clientId: "b", why: "expired" })
    await given({ clientId: "now", firstMs: Date.now() })
    const clients = async (...more: readonly string[]) =>
      (await rows(...more)).map(({ client }: { client: string }) => client).toSorted()
    expect(await clients()).toEqual(["a", "b", "now"])
    expect(await clients("--client", "a")).toEqual(["a"])
    expect(await clients("--reason", "expired")).toEqual(["b"])
    expect(await clients("--limit", "1")).toEqual(["now"])
    expect(await clients("--since", "1h")).toEqual(["now"])
    expect(await clients("--since", "2026-01-31T17:30")).toEqual(["a", "b", "now"])
    expect(await clients("--since", "2026-01-31T17:31")).toEqual(["now"])
  })

  test("shows the latest hundred, and with --since all", async () => {
    await given(...Array.from({ length: 150 }, (_, count) => ({ clientId: `client ${count}` })))
    expect(await rows()).toHaveLength(100)
    expect(await rows("--since", "2026-01-01")).toHaveLength(150)
  })

  test("shows what a stranger wrote escaped, and gives it back to programs as it was", async () => {
    const nasty = "\u001b[2J\u009b\u202e\n"
    await given({ clientId: nasty, prefix: nasty })
    for (const options of [[], ["--json"]]) expect((await drops(...options)).out).toMatch(/^[ -~\n]*$/)
    expect(await rows()).toMatchObject([{ client: nasty, topic: nasty }])
  })

  test("a wrong word is one line that says what it must be", async () => {
    expect((await drops("--since", "yesterday")).error).toMatch(
      /^bantam: .*It must be a while, such as .*\n$/,
    )
    expect((await drops("--reason", "else")).error).toMatch(/^bantam: .*queue-full, expired, .*\n$/)
    expect((await drops("--set", "storage.ephemeral=true")).error).toBe(
      "bantam: dropped messages cannot be kept while storage.ephemeral is true; set it to false\n",
    )
  })

  test("--follow shows rows again as they grow, until it is stopped", async () => {
    await given({}, { why: "expired" })
    const following = start(words("--follow", "--reason", "queue-full", "--limit", "1"), { env })
    const line = (messages: number) =>
      `2026-01-31T17:30:00+0530  sensor  queue-full  house/hall  ${messages}  ${messages * 10}\n`
    expect(await readUntil(following.stdout, "\n")).toBe(line(1))
    await given({ why: "expired" }, { messages: 4, bytes: 40 })
    expect(await readUntil(following.stdout, "\n")).toBe(line(5))
    // The limit is for what was there already.
    await given({ messages: 1, bytes: 10 }, { clientId: "other", firstMs: noon + 1 })
    const both = await readUntil(following.stdout, "other")
    expect(both).toStartWith(line(6))
    following.kill("SIGINT")
    expect([await following.exited, await following.stderr.text()]).toEqual([0, ""])
  })

  test("beside a broker that serves the same directory, shows what was lost a second ago, and after it too", async () => {
    const ready = join(directory, "..", "ready")
    const options = ["--port", "0", "--data", directory, "--ready-file", ready]
    const serving = start(["serve", ...options, "--set", "limits.queued_messages=2"])
    try {
      await readUntil(serving.stdout, "durability")
      const { urls } = await Bun.file(ready).json()
      const port = new URL(urls[0]).port
      const following = start(words("--follow", "--json"))
      const lasting = ["-i", "sleeper", "-c", "-x", "600"]
      await run(["sub", "-p", port, ...lasting, "-t", "house/#", "-q", "1", "-E"])
      for (const message of ["1", "2", "3"]) {
        await run(["pub", "-p", port, "-t", "house/hall/lamp", "-q", "1", "-m", message])
      }
      await run(["pub", "-p", port, "-t", "$SYS/x", "-m", "x", "-i", "forger"])
      const told = await readUntil(following.stdout, "forger")
      following.kill()
      await following.exited
      const lines = told.trim().split("\n")
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { client: "sleeper", reason: "queue-full", messages: 1, bytes: 16 },
        { client: "forger", reason: "not-authorized", topic: "$SYS/x", messages: 1 },
      ])
      // Written when the broker ends, if not before.
      await run(["pub", "-p", port, "-t", "house/hall/lamp", "-q", "1", "-m", "4"])
      serving.kill()
      await serving.exited
      expect(await rows("--client", "sleeper")).toMatchObject([{ messages: 2 }])
    } finally {
      serving.kill()
      await serving.exited
    }
  }, 20_000)
})
