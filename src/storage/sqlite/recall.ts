import { SharedPublish } from "../../protocol/shared-publish.ts"
import type { QueuedMessage, RecalledMessage, Sequence } from "../store.ts"
import { ByteReader } from "./bytes.ts"
import type { QueuePage } from "./exchange.ts"
import type { GroupCommit } from "./group-commit.ts"
import type { SessionNumber } from "./operation.ts"
import { MessageReader } from "./records.ts"
import type { WorkerLink } from "./worker-link.ts"

/**
 * Pages a session's queue back. The worker bounds what it reads at once, so it may take several pages to come to
 * the limit.
 *
 * @throws StoreError
 */
export async function recallQueue(
  commits: GroupCommit,
  link: WorkerLink,
  session: SessionNumber,
  after: Sequence,
  limit: number,
): Promise<readonly RecalledMessage[]> {
  await new Promise<void>((resolve) => commits.afterwards(resolve))
  const recalled: RecalledMessage[] = []
  const messages = new MessageReader()
  for (let next = after; recalled.length < limit;) {
    const page = await link.ask("queue", { session, after: next, limit: limit - recalled.length })
    const removed = removedMeanwhile(commits, session)
    for (const message of readPage(page, messages, link)) {
      if (!removed.has(message.sequence)) recalled.push(message)
    }
    if (page.isLast) break
    next = page.lastSequence
  }
  return recalled
}

/** What is still in the database only because its removal is not written yet, or could not be. */
function removedMeanwhile(commits: GroupCommit, session: SessionNumber): ReadonlySet<Sequence> {
  const removed = new Set<Sequence>()
  for (const batch of commits.uncommitted()) {
    for (const sequence of batch.removalsOf(session)) removed.add(sequence)
  }
  return removed
}

function* readPage(page: QueuePage, messages: MessageReader, link: WorkerLink): Iterable<RecalledMessage> {
  const reader = new ByteReader(page.packed)
  while (reader.left > 0) {
    const sequence = reader.float64()
    const qos = reader.uint8()
    const retain = reader.uint8() === 1
    const sentBefore = reader.uint8() === 1
    const released = reader.uint8() === 1
    const subscriptionIdentifiers = readIdentifiers(reader.sized())
    const message = messages.read(reader, reader.uint32())
    if (message === undefined || !isQueuedQos(qos)) link.damaged(`message ${sequence} of a queue`)
    else
      yield {
        sequence,
        publish: new SharedPublish(message),
        qos,
        retain,
        subscriptionIdentifiers,
        sentBefore,
        released,
      }
  }
}

function isQueuedQos(qos: number): qos is QueuedMessage["qos"] {
  return qos === 1 || qos === 2
}

const noIdentifiers: readonly number[] = []

function readIdentifiers(packed: Uint8Array): readonly number[] {
  if (packed.length === 0) return noIdentifiers
  const reader = new ByteReader(packed)
  const identifiers: number[] = []
  while (reader.left >= 4) identifiers.push(reader.uint32())
  return identifiers
}
