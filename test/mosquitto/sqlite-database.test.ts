import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { Database } from "bun:sqlite"
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readSqliteDatabase } from "../../src/mosquitto/sqlite-database.ts"

/** As Mosquitto's plugin makes them, types included. */
const tables = [
  "CREATE TABLE clients (client_id TEXT PRIMARY KEY, username TEXT, connection_time INT64, will_delay_time INT64, " +
    "session_expiry_time INT64, listener_port INT, max_packet_size INT, max_qos INT, retain_available INT, " +
    "session_expiry_interval INT, will_delay_interval INT)",
  "CREATE TABLE client_msgs (client_id TEXT NOT NULL, cmsg_id INT64, store_id INT64, dup INTEGER, direction INTEGER, " +
    "mid INTEGER, qos INTEGER, retain INTEGER, state INTEGER, subscription_identifier INT)",
  "CREATE TABLE base_msgs (store_id INT64 PRIMARY KEY, expiry_time INT64, topic STRING NOT NULL, payload BLOB, " +
    "source_id STRING, source_username STRING, payloadlen INTEGER, source_mid INTEGER, source_port INTEGER, " +
    "qos INTEGER, retain INTEGER, properties STRING)",
  "CREATE TABLE retains (topic STRING PRIMARY KEY, store_id INT64)",
  "CREATE TABLE subscriptions (client_id TEXT NOT NULL, topic TEXT NOT NULL, subscription_options INTEGER, " +
    "subscription_identifier INTEGER, PRIMARY KEY (client_id, topic))",
]

describe("mosquitto.sqlite3", () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bantam-mosquitto-"))
    file = join(folder, "mosquitto.sqlite3")
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function given(
    ...statements: readonly (readonly [string, ...(string | number | bigint | Uint8Array | null)[]])[]
  ): void {
    const database = new Database(file, { safeIntegers: true })
    for (const table of tables) database.run(table)
    for (const [statement, ...values] of statements) database.query(statement).run(...values)
    database.close()
  }

  const message = "INSERT INTO base_msgs VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?)"

  test("is read table by table", () => {
    const properties = JSON.stringify([
      { identifier: "user-property", name: "k", value: "v" },
      { identifier: "correlation-data", value: "00FF" },
      { identifier: "content-type", value: "tx" },
      { identifier: "response-topic", value: "r" },
      { identifier: "payload-format-indicator", value: 1 },
    ])
    given(
      [message, 9_223_372_036_854_775_807n, 77, "a/b", Buffer.from("text"), "pub", "alice", 2, 1, properties],
      ["INSERT INTO clients VALUES ('c', 'bob', 0, 0, 99, 1883, 0, 2, 1, ?, 0)", 60],
      ["INSERT INTO clients VALUES ('d', NULL, 0, 0, 0, 1883, 0, 2, 1, ?, 0)", -1],
      ["INSERT INTO subscriptions VALUES ('c', 'a/#', ?, 5)", 0x2c | 1],
      ["INSERT INTO client_msgs VALUES ('c', 1, ?, 0, 1, 7, 2, 1, 5, 129)", 9_223_372_036_854_775_807n],
      ["INSERT INTO retains VALUES ('a/b', ?)", 9_223_372_036_854_775_807n],
    )
    const { messages, ...state } = readSqliteDatabase(file)
    const [[storeId, saved] = []] = messages
    expect(storeId).toBe(9_223_372_036_854_775_807n)
    expect({ ...saved, properties: Buffer.from(saved?.properties ?? []).toString("hex") }).toEqual({
      topic: "a/b",
      payload: new Uint8Array(Buffer.from("text")),
      qos: 2,
      retain: true,
      expiresAtSeconds: 77,
      sourceClientId: "pub",
      sourceUsername: "alice",
      properties: "0101" + "0300027478" + "08000172" + "09000200ff" + "2600016b000176",
    })
    expect(state).toEqual({
      clients: [
        { clientId: "c", username: "bob", expiresAtSeconds: 99, expiryIntervalSeconds: 60 },
        { clientId: "d", username: undefined, expiresAtSeconds: 0, expiryIntervalSeconds: 0xffff_ffff },
      ],
      subscriptions: [{ clientId: "c", filter: "a/#", qos: 1, options: 0x2c, identifier: 5 }],
      clientMessages: [
        {
          clientId: "c",
          storeId: 9_223_372_036_854_775_807n,
          packetId: 7,
          qos: 2,
          retain: true,
          direction: "out",
          state: 5,
          subscriptionIdentifier: 129,
        },
      ],
      retained: [9_223_372_036_854_775_807n],
      namesUsers: true,
      isFinal: true,
      doubtfulUsernames: [],
      damagedTexts: [],
    })
  })

  test("tells which topics SQLite has turned into numbers", () => {
    given(
      [message, 1, 0, "0123", null, null, null, 1, 1, null],
      [message, 2, 0, "a/0123", Buffer.from("x"), "007", null, 1, 1, null],
    )
    const { messages, damagedTexts } = readSqliteDatabase(file)
    expect([...messages.values()].map(({ topic, payload }) => `${topic} ${payload.length}`)).toEqual([
      "123 0",
      "a/0123 1",
    ])
    expect(damagedTexts).toEqual(["123"])
  })

  test("that is missing, something else or damaged is refused with its name", () => {
    expect(() => readSqliteDatabase(file)).toThrow(`${file}: is not there; check the path`)
    writeFileSync(file, "x".repeat(4096))
    expect(() => readSqliteDatabase(file)).toThrow(`${file}: SQLite reports "file is not a database"`)
    rmSync(file)
    new Database(file).run("CREATE TABLE other (x)")
    expect(() => readSqliteDatabase(file)).toThrow(`${file}: is no database of Mosquitto's`)
    rmSync(file)
    given([message, 1, 0, "a", Buffer.alloc(20_000), null, null, 1, 1, null])
    truncateSync(file, 12_288)
    expect(() => readSqliteDatabase(file)).toThrow(/SQLite reports ".+"; stop its program and copy the file/)
    rmSync(file)
    given([message, 1, 0, "a", null, null, null, 1, 1, "{"])
    expect(() => readSqliteDatabase(file)).toThrow(`${file}: has properties that nothing can read ({)`)
  })

  test("stays as it is", async () => {
    given([message, 1, 0, "a", null, null, null, 1, 1, null])
    const before = await Bun.file(file).bytes()
    readSqliteDatabase(file)
    expect(await Bun.file(file).bytes()).toEqual(before)
  })
})
