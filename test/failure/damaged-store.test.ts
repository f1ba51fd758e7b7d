import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executable } from "../../scripts/executable.ts"
import { killWhatIsLeft, type LogLine, WatchedBroker } from "./watched-broker.ts"
import { copyData } from "../support/copy-data.ts"

afterAll(killWhatIsLeft)

const forEver = { sessionExpiryInterval: 0xffff_ffff }
const remedy = "stop the broker, keep a copy, then run bantam serve --recover"
const messages = 40

describe("What was acknowledged is never lost without a word", () => {
  let folder: string
  /** Stores with the same messages, of a broker that was stopped and of one that was killed. */
  const stores = { stopped: "", killed: "" }
  let copies = 0
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "bantam-damage-"))
    stores.stopped = await store("stopped")
    stores.killed = await store("killed")
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  async function store(end: keyof typeof stores): Promise<string> {
    const directory = join(folder, end)
    const broker = await WatchedBroker.serving({ words: ["--port", "0", "--data", directory] })
    const absent = await broker.client({ clientId: "absent", cleanStart: false, properties: forEver })
    await absent.subscribe([
      { filter: "news", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ])
    await absent.disconnect()
    const publisher = await broker.client({ clientId: "publisher" })
    for (let number = 1; number <= messages; number++) {
      const payload = Buffer.from(`number ${number}`.padEnd(1000, "."))
      await publisher.publish({ topic: "news", payload, qos: number % 2 === 0 ? 1 : 2 })
    }
    if (end === "killed") await broker.kill()
    else expect(await broker.stop()).toBe(0)
    return directory
  }

  function copyOf(end: keyof typeof stores): string {
    const copy = join(folder, `copy ${++copies}`)
    copyData(stores[end], copy)
    return copy
  }

  /** @returns the one line in which the broker refuses to start */
  async function refusal(directory: string, ...words: string[]): Promise<string> {
    const broker = await WatchedBroker.launch({ words: ["--port", "0", "--data", directory, ...words] })
    expect(await broker.ended()).toBe(1)
    expect(broker.lines).toHaveLength(1)
    return broker.lines[0]?.message ?? ""
  }

  /** Starts with --recover, and compares what it says with what the session then receives. */
  async function recovered(directory: string): Promise<LogLine> {
    const broker = await WatchedBroker.serving({ words: ["--port", "0", "--data", directory, "--recover"] })
    const report = await broker.says("this was saved of it")
    const received: string[] = []
    const end = Promise.withResolvers<void>()
    if (report["sessions"] === 1) {
      const absent = await broker.client({
        clientId: "absent",
        cleanStart: false,
        properties: forEver,
        onMessage: ({ payload }) => {
          if (payload.length === 0) end.resolve()
          else received.push(Buffer.from(payload).toString())
        },
      })
      const last = await broker.client({ clientId: "last" })
      await last.publish({ topic: "news", payload: new Uint8Array(0), qos: 1 })
      await end.promise
      await absent.disconnect()
    }
    expect(report["queued"]).toBe(received.length)
    expect(new Set(received).size).toBe(received.length)
    expect(await broker.stop()).toBe(0)
    return report
  }

  const cutInHalf = (file: string) => truncateSync(file, readFileSync(file).length / 2)
  const empty = (file: string) => truncateSync(file, 0)
  const overwrite = (file: string) => writeFileSync(file, Buffer.alloc(10_000, "x"))
  const remove = (file: string) => rmSync(file)
  /** @param place of the file's length */
  const flipBit = (place: number) => (file: string) => {
    const bytes = readFileSync(file)
    const at = Math.floor(bytes.length * place)
    bytes[at] = (bytes[at] ?? 0) ^ 4
    writeFileSync(file, bytes)
  }

  test.each([
    ["a database that was cut off", "stopped", "bantam.db", cutInHalf],
    ["a database without content", "stopped", "bantam.db", empty],
    ["a database of garbage", "stopped", "bantam.db", overwrite],
    ["a log in which one bit flipped", "killed", "bantam.db-wal", flipBit(0.5)],
    ["a log whose last transaction is broken", "killed", "bantam.db-wal", flipBit(0.999)],
    ["a log with a broken header", "killed", "bantam.db-wal", flipBit(0)],
    ["a log that was cut off", "killed", "bantam.db-wal", cutInHalf],
    ["a log without content", "killed", "bantam.db-wal", empty],
    ["a log that is gone", "killed", "bantam.db-wal", remove],
  ] as const)("%s", async (_name, end, file, harm) => {
    const directory = copyOf(end)
    harm(join(directory, file))
    const said = await refusal(directory)
    expect(said).toContain(`in ${join(directory, file)}: ${remedy}`)
    expect(said).not.toContain("bug")
    // Who asks for the users must not wipe out the traces.
    const asking = Bun.spawnSync([await executable(), "user", "list", "--data", directory])
    expect(asking.exitCode).toBe(1)
    expect(asking.stderr.toString()).toMatch(/^bantam: .+--recover\n$/)
    expect(await refusal(directory)).toBe(said)

    const before = readdirSync(directory)
    const report = await recovered(directory)
    expect(report["queued"]).toBeLessThan(messages)
    expect(Number(report["lostLogPages"]) > 0).toBe(file === "bantam.db-wal")
    // What is damaged is kept for whoever can read more of it.
    for (const name of before.filter((each) => each === "bantam.db" || each === "bantam.db-wal")) {
      expect(readdirSync(directory)).toContain(String(report["damagedFile"]).split("/").pop() + name.slice(9))
    }
  })

  test("a sound store is recovered whole, however it was left", async () => {
    for (const end of ["stopped", "killed"] as const) {
      const directory = copyOf(end)
      const words = ["--port", "0", "--data", directory, "--recover"]
      const broker = await WatchedBroker.serving({ words })
      expect(broker.all("damaged")).toEqual([])
      await broker.kill()
    }
  })

  test("what a crash leaves at the end of the log is no damage", async () => {
    const directory = copyOf("killed")
    const log = join(directory, "bantam.db-wal")
    const bytes = readFileSync(log)
    // One more transaction that had begun: frames like the others, and no last one.
    const frame = Buffer.from(bytes.subarray(bytes.length - 4120))
    frame.writeUInt32BE(0, 4)
    writeFileSync(log, Buffer.concat([bytes, frame, frame, frame.subarray(0, 2000)]))
    const broker = await WatchedBroker.serving({ words: ["--port", "0", "--data", directory] })
    expect(await broker.stop()).toBe(0)
  })

  test("with durability normal, where a power cut may take the last moments, the log may break off", async () => {
    const directory = copyOf("killed")
    flipBit(0.5)(join(directory, "bantam.db-wal"))
    const words = ["--port", "0", "--data", directory, "--set", "storage.durability=normal"]
    const broker = await WatchedBroker.serving({ words })
    expect(await broker.stop()).toBe(0)
  })

  test("a database of another program or a newer version is left alone, --recover or not", async () => {
    const other = join(folder, "other")
    copyData(stores.stopped, other)
    const change = (sql: string) => {
      using database = new Database(join(other, "bantam.db"))
      database.run(sql)
    }
    change("PRAGMA user_version = 99")
    const newer = /was written by a newer bantam \(schema 99, this one knows \d+\): use that one$/
    expect(await refusal(other)).toMatch(newer)
    expect(await refusal(other, "--recover")).toMatch(newer)
    change("PRAGMA application_id = 1")
    const foreign = `${join(other, "bantam.db")} is a database of another program: choose another directory`
    expect(await refusal(other)).toEndWith(foreign)
    expect(await refusal(other, "--recover")).toEndWith(foreign)
    expect(readdirSync(other).toSorted()).toEqual(["bantam.db", "bantam.lock"])
  })
})
