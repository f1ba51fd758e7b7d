import { SysTopics } from "../../src/broker/sys-topics.ts"
import { Activity } from "../../src/management/activity.ts"
import { Changes } from "../../src/management/changes.ts"
import { answer, type Offices } from "../../src/management/routes.ts"
import type { ManagementSurroundings } from "../../src/management/surroundings.ts"
import { defaultTopicLimits } from "../../src/protocol/topic.ts"
import { MemoryStore } from "../../src/storage/memory-store.ts"
import type { Store } from "../../src/storage/store.ts"
import { TestBroker, type TestBrokerOptions } from "./test-broker.ts"

export interface Answered {
  readonly status: number
  /** Of a list an array. */
  readonly body: unknown
}

/** A broker in memory that is asked as at its admin socket. */
export class ManagedBroker {
  readonly test: TestBroker
  readonly store: Store
  /** How often it let others have their turn. */
  turns = 0
  readonly changes: Changes
  readonly #offices: Offices

  static async start(
    store: Store = new MemoryStore(),
    options: TestBrokerOptions = {},
  ): Promise<ManagedBroker> {
    return new ManagedBroker(await TestBroker.start({ ...options, store }), store)
  }

  private constructor(test: TestBroker, store: Store) {
    this.test = test
    this.store = store
    const { broker, acceptor, clock } = test
    const surroundings: ManagementSurroundings = {
      broker,
      acceptor,
      clock,
      sysTopics: new SysTopics(broker, clock, 10, "1.2.3"),
      accounts: store.accounts,
      version: "1.2.3",
      urls: ["tcp://127.0.0.1:1883"],
      directory: undefined,
      durability: "full",
      storeMood: "healthy",
      storeFiles: () => [{ name: "bantam.db", bytes: 4096 }],
      limits: {
        connections: 100,
        subscriptionsPerClient: 3,
        maximumQos: 2,
        sharedSubscriptions: true,
        wildcardSubscriptions: true,
        topics: defaultTopicLimits,
      },
    }
    const soon = (run: () => void): void => {
      this.turns += 1
      setImmediate(run)
    }
    this.changes = new Changes(surroundings, soon)
    this.#offices = {
      surroundings,
      changes: this.changes,
      activity: new Activity(surroundings, soon),
      soon,
    }
  }

  /** @param words method, path and query: `GET /v1/clients?client=a*` */
  async asks(words: string, body = ""): Promise<Answered> {
    const [method = "", path = ""] = words.split(" ")
    const url = new URL(path, "http://localhost")
    const response = await answer(this.#offices, { method, url, who: "alice", body })
    const text = await response.text()
    const isList = response.headers.get("content-type") === "application/x-ndjson"
    const lines = () => text.split("\n").filter(Boolean)
    if (response.headers.get("content-type") === "application/octet-stream") {
      const [facts = "", payload] = text.split("\n")
      return { status: response.status, body: { facts: JSON.parse(facts), payload } }
    }
    return {
      status: response.status,
      body: isList ? lines().map((line): unknown => JSON.parse(line)) : JSON.parse(text),
    }
  }

  /** What the audit says was changed, by whom. */
  async audited(): Promise<string[]> {
    const entries = await this.store.accounts.audit({ kind: "change", limit: 100 })
    return entries.map(({ who, what }) => `${who}: ${what}`)
  }
}
