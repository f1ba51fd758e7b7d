import { Database } from "bun:sqlite"
import { addRules, storedUser } from "../support/accounts.ts"
import { expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/foundation/clock.ts"
import { openAccounts, openStore } from "../../src/storage/open-store.ts"
import { ByteWriter } from "../../src/storage/sqlite/bytes.ts"
import { lockDirectory } from "../../src/storage/sqlite/directory.ts"
import { seal, writeMessage } from "../../src/storage/sqlite/records.ts"
import { applicationId, migrations } from "../../src/storage/sqlite/schema.ts"
import { silentLog } from "../support/silent-log.ts"
import { message, outcome, queued, texts } from "./samples.ts"
import { temporaryDirectories } from "./temporary-directory.ts"

const newDirectory = temporaryDirectories()

/** As version 1 left it after a clean close: a session with one message. */
function writeVersion1(directory: string): void {
  mkdirSync(directory)
  const writer = new ByteWriter()
  writeMessage(writer, message("from version 1"))
  using database = new Database(join(directory, "bantam.db"), { create: true })
  database.run(`PRAGMA application_id = ${applicationId}`)
  database.run(migrations[0] ?? "")
  database.run("PRAGMA user_version = 1")
  database.run("INSERT INTO session VALUES (7, 'reader', NULL, 5, 100, 6, NULL, 0, 0, 0)")
  database.run("INSERT INTO message VALUES (1, ?)", [seal(writer.written.slice(4))])
  database.run("INSERT INTO queue VALUES (7, 1, 1, 0, 0, 0, 24, NULL, 1)")
  database.run("UPDATE head SET closed_cleanly = 1, sessions = 1, queued = 1, messages = 1")
}

test("a database of version 1 is brought up to date, with all that is in it", async () => {
  const directory = newDirectory()
  writeVersion1(directory)
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  const [session] = await Array.fromAsync(store.sessions())
  expect(await outcome(session?.journal.enqueued(queued(2)))).toBe("committed")
  expect(texts((await session?.journal.queue(0, 9)) ?? [])).toEqual(["from version 1", "message 2"])
  await addRules(store.accounts, "a rule")
  await store.close()
  using database = new Database(join(directory, "bantam.db"))
  expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: migrations.length })
})

test("accounts are not opened where that would change the tables of an older broker under it", async () => {
  const directory = newDirectory()
  writeVersion1(directory)
  const versionNow = () => {
    using database = new Database(join(directory, "bantam.db"))
    return database.query("PRAGMA user_version").get()
  }
  const serving = lockDirectory(directory)
  expect(() => openAccounts(directory)).toThrow(
    `${directory} is served by process ${process.pid}, an older bantam: start that anew with this one first`,
  )
  expect(versionNow()).toEqual({ user_version: 1 })
  serving.release()
  openAccounts(directory).close()
  expect(versionNow()).toEqual({ user_version: migrations.length })
  // The lock is free again.
  lockDirectory(directory).release()
})

test("the users and rules of version 3 keep their passwords and numbers", async () => {
  const directory = newDirectory()
  mkdirSync(directory)
  const old = new Database(join(directory, "bantam.db"), { create: true })
  old.run(`PRAGMA application_id = ${applicationId}`)
  for (const step of migrations.slice(0, 3)) old.run(step)
  old.run("PRAGMA user_version = 3")
  old.run("INSERT INTO user VALUES ('ada', '$argon2id$1', 5)")
  old.run("INSERT INTO access_rule VALUES (7, 'allow ada both #')")
  old.run("UPDATE head SET closed_cleanly = 1")
  old.close()
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  expect(await store.accounts.users()).toEqual([storedUser("ada")])
  expect(await store.accounts.accessRules()).toEqual([{ id: 7, line: "allow ada both #" }])
  expect((await store.accounts.usersChangedSince(0)).names).toEqual([])
  await store.close()
})
