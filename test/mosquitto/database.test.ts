import { describe, expect, test } from "bun:test"
import * as fc from "fast-check"
import { parseDatabase } from "../../src/mosquitto/database.ts"
import { MosquittoFileError } from "../../src/mosquitto/problem.ts"
import { planState } from "../../src/mosquitto/state-plan.ts"
import { DatabaseFile } from "./database-file.ts"

const terms = { file: "m.db", nowMs: 1_000_000, sessionUser: undefined, isBridge: () => false }

/** Something of everything. */
const whole = new DatabaseFile()
  .message(1, "home/lamp", "on", { retain: 1, username: "alice", properties: "072600016b000176" })
  .message(2, "home/door", "", { qos: 2, expiry: 4_000_000_000, properties: "0c2600016b0001760300027478" })
  .client("lamp", { username: "bob" })
  .clientMessage("lamp", 1, "queued")
  .clientMessage("lamp", 2, "waitForPubrec", {
    packetId: 7,
    qos: 2,
    retain: 1,
    properties: "030b8101",
  })
  .clientMessage("lamp", 2, "waitForPubrel", { packetId: 300, qos: 2, direction: 0 })
  .subscription("lamp", "home/#", { qos: 2, options: 0x1c, identifier: 129 })
  .retained(1)

function error(bytes: Uint8Array): string {
  try {
    parseDatabase(bytes, "m.db")
  } catch (thrown) {
    if (thrown instanceof MosquittoFileError) return thrown.message
    throw thrown
  }
  return "none"
}

describe("mosquitto.db", () => {
  test("is read chunk by chunk", () => {
    const { bytes } = new DatabaseFile()
      .message(5, "a/b", "text", {
        qos: 2,
        retain: 1,
        expiry: 77,
        clientId: "p",
        username: "u",
        properties: "072600016b000176",
      })
      .client("c", { username: "alice", expiresAt: 99, interval: 60 })
      .clientMessage("c", 5, "waitForPubcomp", { packetId: 65_535, qos: 2, retain: 1, properties: "020b05" })
      .subscription("c", "$share/g/a/#", { qos: 1, options: 0x2c, identifier: 5 })
      .retained(5)
    expect(parseDatabase(bytes, "m.db")).toEqual({
      messages: new Map([
        [
          5n,
          {
            topic: "a/b",
            payload: new Uint8Array(Buffer.from("text")),
            qos: 2,
            retain: true,
            expiresAtSeconds: 77,
            sourceClientId: "p",
            sourceUsername: "u",
            properties: new Uint8Array(Buffer.from("2600016b000176", "hex")),
          },
        ],
      ]),
      clients: [{ clientId: "c", username: "alice", expiresAtSeconds: 99, expiryIntervalSeconds: 60 }],
      subscriptions: [{ clientId: "c", filter: "$share/g/a/#", qos: 1, options: 0x2c, identifier: 5 }],
      clientMessages: [
        {
          clientId: "c",
          storeId: 5n,
          packetId: 65_535,
          qos: 2,
          retain: true,
          direction: "out",
          state: 9,
          subscriptionIdentifier: 5,
        },
      ],
      retained: [5n],
      namesUsers: true,
      isFinal: true,
      doubtfulUsernames: [],
      damagedTexts: [],
    })
  })

  test("of version 5 names no users", () => {
    const { bytes } = new DatabaseFile(5, { isFinal: false }).client("c", { interval: 60 })
    const { clients, namesUsers, isFinal } = parseDatabase(bytes, "m.db")
    expect(clients).toEqual([
      { clientId: "c", username: undefined, expiresAtSeconds: 0, expiryIntervalSeconds: 60 },
    ])
    expect({ namesUsers, isFinal }).toEqual({ namesUsers: false, isFinal: false })
  })

  test("gives a client without user name none, where Mosquitto wrote that of the client before it", () => {
    const { bytes } = new DatabaseFile()
      .client("first", { username: "bob" })
      .client("second", { username: `bob\0${"x".repeat(764)}` })
      .client("third", { username: "bob" })
      .client("fourth", { username: "bob" })
      .client("fifth")
    const { clients, doubtfulUsernames } = parseDatabase(bytes, "m.db")
    expect(clients.map(({ username }) => username)).toEqual(["bob", undefined, "bob", "bob", undefined])
    expect(doubtfulUsernames).toEqual(["third"])
  })

  test("of another kind or version is refused", () => {
    expect(error(Buffer.from("SQLite format 3\0"))).toContain("m.db: is no database of Mosquitto's")
    const old = whole.bytes
    old[22] = 3
    expect(error(old)).toContain("m.db: is a database of version 3, and only 5 and 6 are known")
    expect(error(new DatabaseFile().chunk(9, new Uint8Array(3)).bytes)).toContain("a chunk of type 9")
  })

  test("that ends too early is refused, wherever it ends, unless it is at the end of a chunk", () => {
    const { bytes } = whole
    const ends = new Set<number>()
    for (let at = 23; at < bytes.length;) {
      at += 8 + new DataView(bytes.buffer).getUint32(at + 4)
      ends.add(at)
    }
    for (let length = 0; length < bytes.length; length++) {
      const said = error(bytes.slice(0, length))
      if (ends.has(length)) expect(said).toBe("none")
      else expect(said).toMatch(/^m\.db: .+ nothing was changed$/)
    }
    expect(error(bytes.slice(0, 30))).toMatch(/at byte \d+; let Mosquitto write it anew/)
  })

  test("with any bits turned over is read or refused, and never worse", () => {
    const { bytes } = whole
    const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 3 }), (flips) => {
        const damaged = bytes.slice()
        for (const [at, bits] of flips) damaged[at] = (damaged[at] ?? 0) ^ bits
        try {
          planState(parseDatabase(damaged, "m.db"), terms)
        } catch (thrown) {
          if (!(thrown instanceof MosquittoFileError)) throw thrown
        }
      }),
      { numRuns: 1000 },
    )
  })
})
