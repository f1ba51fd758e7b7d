import { describe, expect, test } from "bun:test"
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import type { Log } from "../../src/foundation/log.ts"
import { openAccounts, openStore } from "../../src/storage/open-store.ts"
import { openBare, openFile } from "../../src/storage/sqlite/database.ts"
import { openHead } from "../../src/storage/sqlite/head.ts"
import { putBack } from "../../src/storage/sqlite/put-back.ts"
import type { Store } from "../../src/storage/store.ts"
import { silentLog } from "../support/silent-log.ts"
import { lostOnce, sessionRecord } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

async function open(directory: string, log: Log = silentLog): Promise<Store> {
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, log)
  return store
}

/** A store with one session. @returns its directory */
async function stored(): Promise<string> {
  const directory = newDirectory()
  const store = await open(directory)
  store.create(sessionRecord())
  await store.close()
  return directory
}

async function sessionsIn(directory: string): Promise<number> {
  const store = await open(directory)
  const sessions = await Array.fromAsync(store.sessions())
  await store.close()
  return sessions.length
}

describe("a recovery that was interrupted when all was saved is finished at the next start", () => {
  /** As it is left: what was saved is whole, and the damaged one stands in its place yet. */
  async function interrupted(): Promise<string> {
    const directory = await stored()
    const file = join(directory, "bantam.db")
    renameSync(file, `${file}.whole-then`)
    writeFileSync(file, "damaged")
    writeFileSync(`${file}-wal`, "damaged as well")
    writeFileSync(`${file}-shm`, "of no use")
    return directory
  }

  test.each([
    ["before the first step", []],
    ["when the log was set aside", ["-wal"]],
    ["when the database was set aside as well", ["-wal", ""]],
  ])("%s", async (_, setAside) => {
    const directory = await interrupted()
    const file = join(directory, "bantam.db")
    for (const suffix of setAside) renameSync(`${file}${suffix}`, `${file}.damaged-then${suffix}`)
    expect(await sessionsIn(directory)).toBe(1)
    expect(readFileSync(`${file}.damaged-then`, "utf8")).toBe("damaged")
    expect(readFileSync(`${file}.damaged-then-wal`, "utf8")).toBe("damaged as well")
    expect(readdirSync(directory).filter((name) => name.includes("whole"))).toEqual([])
  })
})

test("so it is by the command line, if that comes first", async () => {
  const directory = await stored()
  const file = join(directory, "bantam.db")
  renameSync(file, `${file}.whole-then`)
  openAccounts(directory).close()
  expect(await sessionsIn(directory)).toBe(1)
})

describe("a store whose files are taken away while it is open is lost, and put back", () => {
  interface Taken {
    readonly directory: string
    readonly why: string
    /** What was said of what was stored. */
    readonly said: readonly string[]
  }

  async function takeAway(harm: (directory: string, store: Store) => void): Promise<Taken> {
    const directory = await stored()
    const said: string[] = []
    const store = await open(directory, { ...silentLog, error: (sentence) => void said.push(sentence) })
    const lost = Promise.withResolvers<string>()
    store.onMood((mood, why) => mood === "lost" && lost.resolve(why))
    harm(directory, store)
    const why = await lost.promise
    await store.close()
    return { directory, why, said }
  }

  test.each(["bantam.db", "bantam.db-wal", "bantam.db-shm", "bantam.lock"])("%s is removed", async (name) => {
    const { directory, why } = await takeAway((from) => rmSync(join(from, name)))
    expect(why).toBe(`${join(directory, name)} was removed or replaced while it was served`)
    expect(await sessionsIn(directory)).toBe(1)
  })

  test("once, whatever is asked of it meanwhile", async () => {
    const asked: Promise<unknown>[] = []
    const { directory, said } = await takeAway((from, store) => {
      rmSync(join(from, "bantam.db"))
      // The write is on its way already when the question finds that the database is gone.
      asked.push(store.drops.addDrops([lostOnce]).catch(String))
      store.create(sessionRecord("later"))
    })
    await Promise.all(asked)
    expect(said).toEqual(["what was stored is in its place again, for the next start"])
    expect(readdirSync(directory).toSorted()).toEqual(["bantam.db", "bantam.lock"])
  })

  test("without its lock it is left as it is, for another may serve it by now", async () => {
    const { directory, said } = await takeAway((from) => rmSync(join(from, "bantam.lock")))
    expect(said).toEqual(["what was stored is in its place, for the next start"])
    using database = openBare(join(directory, "bantam.db"))
    expect(database.query("SELECT closed_cleanly AS closedCleanly FROM head").get()).toEqual({
      closedCleanly: 0,
    })
  })

  test("with its directory it is where that was moved to", async () => {
    const { directory, said } = await takeAway((from) => renameSync(from, `${from}-moved`))
    expect(said).toEqual([
      "what was stored is where its directory was moved to; if that was removed, it is lost",
    ])
    expect(existsSync(directory)).toBe(false)
    expect(await sessionsIn(`${directory}-moved`)).toBe(1)
  })

  test("what others have put in its place stays there, and it is kept beside", async () => {
    const { directory } = await takeAway((from) => {
      const file = join(from, "bantam.db")
      rmSync(file)
      writeFileSync(file, "another one")
    })
    const file = join(directory, "bantam.db")
    expect(readFileSync(file, "utf8")).toBe("another one")
    expect(existsSync(`${file}-wal`)).toBe(false)
    const [saved = ""] = readdirSync(directory).filter((name) => name.startsWith("bantam.db.saved-"))
    rmSync(file)
    linkSync(join(directory, saved), file)
    expect(await sessionsIn(directory)).toBe(1)
  })

  /** As the worker does it, for a store that was open when its database was removed. */
  async function putBackRemoved(hinder: (file: string) => void): Promise<{ file: string; outcome: string }> {
    const file = join(await stored(), "bantam.db")
    const database = openFile(file, "full")
    openHead(database)
    rmSync(file)
    hinder(file)
    try {
      return { file, outcome: putBack(database, file, [`${file}-wal`, `${file}-shm`], 0) }
    } catch (error) {
      return { file, outcome: String(error) }
    }
  }

  test("and nothing but it is left", async () => {
    const { file, outcome } = await putBackRemoved(() => {})
    expect(outcome).toBe(file)
    expect(readdirSync(dirname(file)).toSorted()).toEqual(["bantam.db", "bantam.lock"])
    expect(await sessionsIn(dirname(file))).toBe(1)
  })

  test("until it is whole its log stays, so that whoever is stopped before leaves no store that looks new", async () => {
    const whole = (file: string) => `${file}.whole-1970-01-01T00-00-00.000Z`
    const { file, outcome } = await putBackRemoved((removed) =>
      mkdirSync(join(whole(removed), "in the way"), { recursive: true }),
    )
    rmSync(whole(file), { recursive: true })
    expect(outcome).not.toBe(file)
    await expect(open(dirname(file))).rejects.toThrow("the database is gone, and only its log is left")
  })

  test("what stands in its place is never seen beside its log", async () => {
    const { file } = await putBackRemoved((removed) => {
      writeFileSync(removed, "another one")
      // It cannot be written.
      mkdirSync(`${removed}.saved`)
    })
    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(readFileSync(file, "utf8")).toBe("another one")
  })
})
