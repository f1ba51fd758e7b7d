import { settled, type Ticket } from "../foundation/ticket.ts"
import { messageBytes } from "../protocol/message.ts"
import type { ClientId } from "../protocol/packet.ts"
import { topicNameOf } from "../protocol/message-record.ts"
import type { TopicName } from "../protocol/topic.ts"
import type { AdministrativeChange } from "../storage/account-store.ts"
import type { Store } from "../storage/store.ts"
import { StoreError } from "../storage/store-error.ts"
import type { ImportPlan } from "./import-plan.ts"
import type { PlannedSession } from "./planned-state.ts"
import { someOf } from "./problem.ts"

/** What is left to do of a plan in a store that is not empty, and what stays there as it is. */
export interface Outstanding {
  readonly plan: ImportPlan
  /** One sentence for each kind of thing that is there already. */
  readonly kept: readonly string[]
}

/** What the store has goes before what comes from elsewhere. @throws StoreError it cannot be read */
export async function outstandingOf(store: Store, plan: ImportPlan): Promise<Outstanding> {
  const kept: string[] = []
  const missing = <Entry>(
    what: string,
    entries: readonly Entry[],
    nameOf: (entry: Entry) => string,
    there: ReadonlySet<string>,
  ): readonly Entry[] => {
    const known = entries.filter((entry) => there.has(nameOf(entry))).map(nameOf)
    if (known.length > 0) kept.push(`${what} ${someOf(known)} are there already, and stay as they are`)
    return known.length === 0 ? entries : entries.filter((entry) => !there.has(nameOf(entry)))
  }
  const users = new Set((await store.accounts.users()).map(({ name }) => name))
  const groups = new Set((await store.accounts.groups()).map(({ name }) => name))
  const joined = plan.groups.filter((name) => groups.has(name))
  if (joined.length > 0)
    kept.push(
      `the groups ${someOf(joined)} are there already, so their rules count for the new members as well`,
    )
  const clientIds = new Set<ClientId>()
  for await (const { record } of store.sessions()) clientIds.add(record.clientId)
  const topics = new Set<TopicName>()
  for await (const records of store.retained()) for (const record of records) topics.add(topicNameOf(record))
  return {
    plan: {
      ...plan,
      users: missing("the users", plan.users, ({ name }) => name, users),
      state: {
        sessions: missing("the sessions", plan.state.sessions, ({ record }) => record.clientId, clientIds),
        retained: missing("the retained messages of", plan.state.retained, ({ topic }) => topic.name, topics),
      },
    },
    kept,
  }
}

/** What is told within one turn of the event loop is one transaction, and takes this much memory again. */
const portionBytes = 256 * 1024 * 1024

/**
 * Writes a plan: users, groups and rules in one transaction, then sessions and messages in another, or in several where
 * they are very many; each session is whole in one of them.
 *
 * @param who does it, for the audit
 * @throws StoreError something could not be written; its message says how far it came
 */
export async function writePlan(
  store: Store,
  plan: ImportPlan,
  who: string,
  mostBytes = portionBytes,
): Promise<void> {
  await store.accounts.change(who, accountChanges(plan, Date.now()))
  const portion = new Portion()
  for (const message of plan.state.retained) {
    portion.add(store.retain(message), messageBytes(message))
    if (portion.bytes >= mostBytes) await portion.written()
  }
  for (const session of plan.state.sessions) {
    writeSession(store, session, portion)
    if (portion.bytes >= mostBytes) await portion.written()
  }
  await portion.written()
}

/** What waits for one commit. */
class Portion {
  #tickets = new Set<Ticket>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  add(ticket: Ticket | undefined, bytes = 0): void {
    if (ticket !== undefined) this.#tickets.add(ticket)
    this.#bytes += bytes
  }

  /** @throws StoreError it was not */
  async written(): Promise<void> {
    const tickets = this.#tickets
    this.#tickets = new Set()
    this.#bytes = 0
    const states = await Promise.all([...tickets].map(settled))
    if (states.every((state) => state === "committed")) return
    throw new StoreError(
      "users, groups and rules are in the data directory, but not all sessions and messages could be written; make room " +
        "on its disk and import again: what is there stays",
    )
  }
}

function accountChanges({ users, groups, rules }: ImportPlan, createdAtMs: number): AdministrativeChange[] {
  return [
    ...groups.map((name): AdministrativeChange => {
      return { change: { change: "add-group", group: { name, createdAtMs } }, said: `group ${name} imported` }
    }),
    ...users.map((user): AdministrativeChange => {
      return { change: { change: "add-user", user }, said: `user ${user.name} imported` }
    }),
    ...rules.lines.map((line): AdministrativeChange => {
      return { change: { change: "add-rule", line }, said: `rule imported: ${line}` }
    }),
  ]
}

function writeSession(
  store: Store,
  { record, subscriptions, queue, sentUpTo, identifiers }: PlannedSession,
  portion: Portion,
): void {
  const { journal, ticket } = store.create(record)
  portion.add(ticket)
  for (const subscription of subscriptions) portion.add(journal.subscribed(subscription))
  for (const queued of queue) portion.add(journal.enqueued(queued), queued.publish.queueBytes)
  if (sentUpTo > 0) journal.sent(sentUpTo)
  for (const { sequence, released } of queue) if (released) portion.add(journal.released(sequence))
  for (const packetId of identifiers) portion.add(journal.identifierKept(packetId))
}
