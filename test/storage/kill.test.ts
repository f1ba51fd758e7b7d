import { describe, expect, test } from "bun:test"
import { systemClock } from "../../src/foundation/clock.ts"
import { silentLog } from "../support/silent-log.ts"
import { openStore } from "../../src/storage/open-store.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

/** @returns the last sequence that was promised before the process was killed in the midst of writing */
async function killWhileWriting(directory: string): Promise<number> {
  const writer = Bun.spawn([process.execPath, `${import.meta.dir}/endless-writer.ts`, directory], {
    stdout: "pipe",
    stderr: "inherit",
  })
  let said = ""
  let lines = 0
  const decoder = new TextDecoder()
  for await (const chunk of writer.stdout) {
    said += decoder.decode(chunk)
    lines = said.split("\n").length - 1
    if (lines >= 40) writer.kill("SIGKILL")
  }
  await writer.exited
  return Number(said.split("\n")[lines - 1])
}

describe("a process that is killed in the midst of writing", () => {
  test("leaves everything that was promised, batches whole, and no lock", async () => {
    const directory = newDirectory()
    const promised = await killWhileWriting(directory)
    expect(promised).toBeGreaterThanOrEqual(40 * 50)

    const { store } = await openStore(
      { kind: "sqlite", directory, durability: "full" },
      systemClock,
      silentLog,
    )
    const [session] = await Array.fromAsync(store.sessions())
    const recalled = (await session?.journal.queue(0, 1_000_000)) ?? []
    const sequences = recalled.map(({ sequence }) => sequence)
    expect(sequences.slice(0, promised)).toEqual(Array.from({ length: promised }, (_, index) => index + 1))
    // What was told together is there together: fifty messages, and the identifier in front of them.
    expect(sequences.length % 50).toBe(0)
    expect(session?.awaitingRelease).toHaveLength(sequences.length / 50)
    expect(session?.queuedMessages).toBe(sequences.length)
    await store.close()
  })
})
