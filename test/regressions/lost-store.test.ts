import { afterEach, describe, expect, spyOn, test } from "bun:test"
import { Worker } from "node:worker_threads"
import { systemClock } from "../../src/foundation/clock.ts"
import { silentLog } from "../support/silent-log.ts"
import { loadSettings } from "../../src/config/load.ts"
import { startServer } from "../../src/server.ts"
import { type BatchWriter, GroupCommit } from "../../src/storage/sqlite/group-commit.ts"
import { SqliteStore } from "../../src/storage/sqlite/sqlite-store.ts"
import { HandClock, message, outcome, queued, sessionRecord, subscription } from "../storage/samples.ts"
import { temporaryDirectories } from "../storage/temporary-directory.ts"

const newDirectory = temporaryDirectories()
const post = spyOn(Worker.prototype, "postMessage")
afterEach(() => void post.mockClear())

/** The storage worker is gone, as after an error of the runtime itself. */
async function killWorker(): Promise<void> {
  const worker = post.mock.contexts.at(-1)
  if (!(worker instanceof Worker)) throw new Error("no worker was spoken to")
  await worker.terminate()
}

test("group commit that lost its writer fails what waits, and does not try again", () => {
  const clock = new HandClock()
  const never: BatchWriter = { write: () => new Promise(() => {}) }
  const commits = new GroupCommit(never, clock, { bytes: 1, messages: 1 })
  const batch = commits.promising()
  const ticket = batch && commits.promised(batch)
  commits.lose("it is gone")
  expect(ticket?.state).toBe("failed")
  expect(commits.promising()).toBeUndefined()
  clock.advance(10_000)
  expect(commits.mood).toBe("lost")
})

describe("a storage worker that is gone", () => {
  test("is a store that is lost: nothing is promised any more, and closing ends", async () => {
    const { store } = await SqliteStore.open(
      { directory: newDirectory(), durability: "full" },
      systemClock,
      silentLog,
    )
    const moods: string[] = []
    const lost = Promise.withResolvers<void>()
    store.onMood((mood) => {
      moods.push(mood)
      if (mood === "lost") lost.resolve()
    })
    const { journal, ticket } = store.create(sessionRecord())
    expect(await outcome(ticket)).toBe("committed")
    await killWorker()
    await lost.promise
    expect(await outcome(journal.subscribed(subscription("house/#")))).toBe("failed")
    expect(await outcome(store.retain(message("open")))).toBe("failed")
    expect(await outcome(journal.enqueued(queued(1)))).toBe("failed")
    await store.close()
    expect(moods).toEqual(["lost"])
  })

  test("ends the broker, which says so", async () => {
    const settings = loadSettings({
      environment: {},
      flags: [
        { flag: "", key: "storage.directory", value: newDirectory() },
        { flag: "", key: "listen", value: "tcp://127.0.0.1:0" },
      ],
    })
    const said: string[] = []
    const server = await startServer(settings, {
      version: "0",
      log: { ...silentLog, error: (sentence) => void said.push(sentence) },
    })
    await killWorker()
    expect(await server.broken).toContain("storage worker")
    expect(said).toContain("stopping, for the store is lost")
    await server.stop()
  })
})
