import { cpSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../../src/foundation/clock.ts"
import { type Message, topicOf } from "../../../src/protocol/message.ts"
import { openStore } from "../../../src/storage/open-store.ts"
import type { Store } from "../../../src/storage/store.ts"
import {
  lostOnce,
  message,
  outcome,
  packetId,
  queued,
  sessionRecord,
  subscription,
  topicName,
} from "../../storage/samples.ts"
import { addRules, ban, saveUsers, storedUser } from "../../support/accounts.ts"
import { silentLog } from "../../support/silent-log.ts"

/*
 * A store with something of everything in it, for what is tried with its files. Its sessions are without their clients, and
 * neither wills nor ends are due: a broker that only starts and stops changes nothing.
 */

export interface SampleParts {
  /** What an older schema has no place for is left out. */
  readonly schema: number
  /** Messages for each of the sessions. */
  readonly messages: number
  readonly users: number
}

/** Closed: as a clean stop leaves it. Crashed: with committed batches that are in no table yet. */
export type StoreState = "closed" | "crashed"

/** Half of it is from an earlier life of the store, and in its tables. */
export async function layOutStore(directory: string, state: StoreState, parts: SampleParts): Promise<void> {
  const workplace = state === "closed" ? directory : `${directory}.alive`
  const first = await open(workplace)
  await fill(first, 0, parts)
  await fillAccounts(first, parts)
  await first.close()
  const second = await open(workplace)
  await fill(second, sessionsEach, parts)
  // Whatever the store does once it has answered is done when it answers again.
  await second.accounts.countUsers()
  if (state === "crashed") copyLiving(workplace, directory)
  await second.close()
}

async function open(directory: string): Promise<Store> {
  const { store } = await openStore({ kind: "sqlite", directory, durability: "full" }, systemClock, silentLog)
  return store
}

/** What a kill would leave: the files of a store while nobody writes to it, but for its lock. */
export function copyLiving(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 })
  for (const suffix of ["", "-wal", "-shm"]) {
    cpSync(join(from, `bantam.db${suffix}`), join(to, `bantam.db${suffix}`))
  }
}

const sessionsEach = 3

async function fill(store: Store, from: number, { messages }: SampleParts): Promise<void> {
  const tickets = []
  for (let index = from; index < from + sessionsEach; index++) {
    const { journal } = store.create(
      sessionRecord(`session ${index}`, {
        disconnectedAtMs: 1_700_000_000_000,
        username: index % 2 === 0 ? undefined : "ada",
        will:
          index % 3 === 0
            ? { message: message(`will ${index}`), delaySeconds: 0xf000_0000, messageExpirySeconds: 0 }
            : undefined,
      }),
    )
    journal.subscribed(subscription("house/#", { qos: 2, subscriptionIdentifier: index }))
    journal.subscribed(subscription(`garden/${index}`, { noLocal: true }))
    journal.identifierKept(packetId(index + 1))
    for (let sequence = 1; sequence <= messages; sequence++) {
      const payload = new Uint8Array(Buffer.from(`${index} ${sequence} ${".".repeat(sequence % 500)}`))
      const qos = sequence % 2 === 0 ? 2 : 1
      journal.enqueued(queued(sequence, { message: message("", { payload, qos }), qos }))
      if (sequence === 2) journal.sent(2)
    }
    journal.released(2)
    journal.removed(1)
    tickets.push(journal.subscribed(subscription("last/+")))
  }
  for (let index = 0; index < 10; index++) tickets.push(store.retain(retained(from * 10 + index)))
  tickets.push(store.unretain(topicName(`sample/${from * 10 + 7}`)))
  for (const ticket of tickets) {
    if ((await outcome(ticket)) !== "committed") throw new Error("the sample could not be stored")
  }
}

async function fillAccounts(store: Store, { schema, users }: SampleParts): Promise<void> {
  await saveUsers(store.accounts, ...Array.from({ length: users }, (_, index) => storedUser(`user ${index}`)))
  if (schema >= 3) await addRules(store.accounts, "allow ada both #", "deny eve both #")
  if (schema >= 4) await ban(store.accounts, "client", "mallory")
  if (schema >= 5) await store.drops.addDrops([lostOnce])
}

function retained(index: number): Message {
  return message(`retained ${index}`, { retain: true, topic: topicOf(topicName(`sample/${index}`)) })
}
