import { mkdtempSync, rmSync } from "node:fs"
import { SharedPublish } from "../src/protocol/shared-publish.ts"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "../src/foundation/clock.ts"
import { silentLog } from "../test/support/silent-log.ts"
import { noBytes, topicOf, type Message, type Publisher } from "../src/protocol/message.ts"
import type { ClientId } from "../src/protocol/packet.ts"
import { parseTopicName } from "../src/protocol/topic.ts"
import { openStore } from "../src/storage/open-store.ts"
import type { Ticket } from "../src/foundation/ticket.ts"
import type { SessionJournal, Store } from "../src/storage/store.ts"
import { durabilities, type Durability } from "../src/storage/sqlite/database.ts"

// What the store costs for each message of about 180 bytes at rest, in 50 queues: bun run bench/store.ts

const sessionCount = 50
const messagesPerRun = 40_000
const batchSizes = [16, 256, 2000] as const

interface Cost {
  /** CPU of all threads for each message, in µs. */
  readonly cpu: number
  /** Time that the main thread is held up for each message while it tells the store, in µs. */
  readonly telling: number
  readonly perSecond: number
}

const publisher: Publisher = { origin: "client", clientId: "bench" as ClientId, username: undefined }
const topicName = parseTopicName("bench/house/door")
if (topicName === undefined) throw new Error("assertion failed: the topic is valid")
const topic = topicOf(topicName)
const payload = new Uint8Array(100)

function nextMessage(counter: number): Message {
  return {
    topic,
    payload,
    qos: 1,
    retain: false,
    properties: noBytes,
    expiresAtMs: Number.POSITIVE_INFINITY,
    publisher,
    receivedAtMs: 1_700_000_000_000,
    counter,
    hops: 0,
  }
}

function committed(ticket: Ticket | undefined): Promise<void> {
  if (ticket === undefined || ticket.state === "committed") return Promise.resolve()
  return new Promise((resolve) => ticket.wait({ settled: () => resolve() }))
}

/**
 * Tells batch after batch, waiting for each.
 *
 * @param tell is given the number of a message, from 1
 * @param settle what was committed becomes what is at rest, which is part of the cost
 */
async function measure(
  batchSize: number,
  tell: (number: number) => Ticket | undefined,
  settle: () => Promise<unknown>,
): Promise<Cost> {
  let tellingMs = 0
  const startedMs = performance.now()
  const before = process.cpuUsage()
  for (let number = 1; number <= messagesPerRun;) {
    const last = Math.min(messagesPerRun, number + batchSize - 1)
    const tellingSinceMs = performance.now()
    let ticket: Ticket | undefined
    while (number <= last) ticket = tell(number++)
    tellingMs += performance.now() - tellingSinceMs
    await committed(ticket)
  }
  await settle()
  const { user, system } = process.cpuUsage(before)
  return {
    cpu: (user + system) / messagesPerRun,
    telling: (tellingMs * 1000) / messagesPerRun,
    perSecond: messagesPerRun / ((performance.now() - startedMs) / 1000),
  }
}

function report(what: string, batchSize: number, cost: Cost): void {
  const figures = [cost.cpu.toFixed(2), cost.telling.toFixed(2), `${Math.round(cost.perSecond / 1000)}k`]
  console.log(
    [what.padEnd(28), String(batchSize).padStart(6), ...figures.map((f) => f.padStart(10))].join(""),
  )
}

async function run(store: Store, name: string, batchSize: number): Promise<void> {
  const journals = Array.from({ length: sessionCount }, (_, index): SessionJournal => {
    const clientId = `${name} ${batchSize} ${index}` as ClientId
    return store.create({
      clientId,
      username: undefined,
      createdAtMs: 0,
      expiryIntervalSeconds: 0xffffffff,
      disconnectedAtMs: undefined,
      will: undefined,
    }).journal
  })
  const journalOf = (number: number) => {
    const journal = journals[number % sessionCount]
    if (journal === undefined) throw new Error("assertion failed: there is a journal for each number")
    return journal
  }
  const enqueue = (number: number) =>
    journalOf(number).enqueued({
      sequence: number,
      publish: new SharedPublish(nextMessage(number)),
      qos: 1,
      retain: false,
      subscriptionIdentifiers: [],
    })
  // Removals give no ticket to wait for, so the last of each batch comes with something that does.
  const remove = (number: number) => {
    journalOf(number).removed(number)
    return number % batchSize === 0 || number === messagesPerRun
      ? journalOf(number).released(number)
      : undefined
  }
  // Whoever reads a queue finds all that was told in it.
  const settle = () => journalOf(0).queue(0, 1)
  report(`${name}: enqueue`, batchSize, await measure(batchSize, enqueue, settle))
  report(`${name}: remove`, batchSize, await measure(batchSize, remove, settle))
  const live = (number: number) => {
    if (number > batchSize) journalOf(number - batchSize).removed(number - batchSize)
    const ticket = enqueue(number)
    journalOf(number).sent(number)
    return ticket
  }
  report(`${name}: enqueue, remove next`, batchSize, await measure(batchSize, live, settle))
  const struck = (number: number) => {
    const ticket = enqueue(number)
    journalOf(number).removed(number)
    return ticket
  }
  report(`${name}: struck`, batchSize, await measure(batchSize, struck, settle))
}

async function bench(durability: Durability): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-bench-"))
  try {
    for (const batchSize of batchSizes) {
      const settings = { kind: "sqlite", directory: join(directory, `${batchSize}`), durability } as const
      const { store } = await openStore(settings, systemClock, silentLog)
      await run(store, durability, batchSize)
      await store.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

console.log(`${"".padEnd(28)} batch    CPU µs   told in     /s`)
for (const durability of durabilities.filter((one) => one !== "none")) await bench(durability)
