import { describe, expect, test } from "bun:test"
import { systemClock } from "../../src/foundation/clock.ts"
import { topicNameOf } from "../../src/protocol/message-record.ts"
import { packetIdOf } from "../../src/session/outgoing.ts"
import { openStore } from "../../src/storage/open-store.ts"
import type { Store, StoredSession } from "../../src/storage/store.ts"
import { rulesOfAclFile } from "../../src/mosquitto/acl-rules.ts"
import { parseDatabase } from "../../src/mosquitto/database.ts"
import type { ImportPlan } from "../../src/mosquitto/import-plan.ts"
import { outstandingOf, writePlan } from "../../src/mosquitto/import-writer.ts"
import { planState } from "../../src/mosquitto/state-plan.ts"
import { temporaryDirectories } from "../storage/temporary-directory.ts"
import { storedUser } from "../support/accounts.ts"
import { silentLog } from "../support/silent-log.ts"
import { DatabaseFile } from "./database-file.ts"

const plan = (file: DatabaseFile): ImportPlan => ({
  users: [storedUser("alice", { groups: ["family"] })],
  usersByKind: { sha512: 0, "sha512-pbkdf2": 0, argon2id: 1, plain: 0, none: 0 },
  groups: ["family"],
  rules: rulesOfAclFile([{ who: { kind: "pattern" }, access: "read", filter: "a", line: 1 }], "acl"),
  state: planState(parseDatabase(file.bytes, "m.db"), {
    file: "m.db",
    nowMs: 5_000,
    sessionUser: undefined,
    isBridge: () => false,
  }),
  settings: [],
  problems: [],
  notes: [],
})

const file = () =>
  new DatabaseFile()
    .message(1, "home/lamp", "on", { retain: 1 })
    .message(2, "home/door", "open", { qos: 2 })
    .retained(1)
    .client("one", { username: "alice" })
    .subscription("one", "home/#", { qos: 2 })
    .clientMessage("one", 2, "waitForPubcomp", { packetId: 40, qos: 2 })
    .clientMessage("one", 1, "waitForPuback", { packetId: 41 })
    .clientMessage("one", 1, "queued", { packetId: 42 })
    .client("two")
    .clientMessage("two", 2, "waitForPubrel", { packetId: 300, qos: 2, direction: 0 })

describe("an import into the store", () => {
  const directory = temporaryDirectories()

  async function within<Result>(place: string, work: (store: Store) => Promise<Result>): Promise<Result> {
    const { store } = await openStore(
      { kind: "sqlite", directory: place, durability: "full" },
      systemClock,
      silentLog,
    )
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }

  async function sessionsOf(store: Store): Promise<readonly StoredSession[]> {
    const sessions: StoredSession[] = []
    for await (const session of store.sessions()) sessions.push(session)
    return sessions.toSorted((one, other) => (one.record.clientId < other.record.clientId ? -1 : 1))
  }

  test.each([
    ["in one transaction", undefined],
    ["in parts, where it is much", 1],
  ])("is there after a restart, written %s", async (_, mostBytes) => {
    const place = directory()
    await within(place, (store) => writePlan(store, plan(file()), "root", mostBytes))
    await within(place, async (store) => {
      expect(await store.accounts.users()).toMatchObject([{ name: "alice", groups: ["family"] }])
      expect(await store.accounts.groups()).toMatchObject([{ name: "family" }])
      expect(await store.accounts.accessRules()).toEqual([{ id: 1, line: "allow everyone subscribe a" }])
      expect((await store.accounts.audit({ limit: 9 })).map(({ who, what }) => `${who}: ${what}`)).toEqual([
        "root: group family imported",
        "root: user alice imported",
        "root: rule imported: allow everyone subscribe a",
      ])
      const [one, two] = await sessionsOf(store)
      expect(one?.record).toMatchObject({ clientId: "one", username: "alice", disconnectedAtMs: 5_000 })
      expect(one?.subscriptions).toMatchObject([{ filter: "home/#", qos: 2 }])
      const queue = (await one?.journal.queue(0, 10)) ?? []
      expect(
        queue.map(({ publish, qos, sequence, sentBefore, released }) => ({
          topic: String(publish.topicName),
          qos,
          packetId: Number(packetIdOf(sequence)),
          sentBefore,
          released,
        })),
      ).toEqual([
        { topic: "home/door", qos: 2, packetId: 40, sentBefore: true, released: true },
        { topic: "home/lamp", qos: 1, packetId: 41, sentBefore: true, released: false },
        { topic: "home/lamp", qos: 1, packetId: 42, sentBefore: false, released: false },
        { topic: "home/door", qos: 2, packetId: 43, sentBefore: false, released: false },
      ])
      expect(two?.awaitingRelease as unknown).toEqual([300])
      const topics: string[] = []
      for await (const records of store.retained()) topics.push(...records.map(topicNameOf))
      expect(topics).toEqual(["home/lamp"])
    })
  })

  test("leaves what is there as it is, and names it", async () => {
    const place = directory()
    await within(place, (store) => writePlan(store, plan(file()), "root"))
    await within(place, async (store) => {
      const { plan: left, kept } = await outstandingOf(store, plan(file().client("three")))
      expect(left.users).toEqual([])
      expect(left.state.sessions.map(({ record }) => String(record.clientId))).toEqual(["three"])
      expect(left.state.retained).toEqual([])
      expect(kept).toEqual([
        'the groups "family" are there already, so their rules count for the new members as well',
        'the users "alice" are there already, and stay as they are',
        'the sessions "one", "two" are there already, and stay as they are',
        'the retained messages of "home/lamp" are there already, and stay as they are',
      ])
    })
  })
})
