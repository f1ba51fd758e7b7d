import type { Publisher } from "../publisher.ts"
import type { Schedule } from "../schedule.ts"
import type { Composer } from "./composer.ts"
import type { Source } from "./source.ts"

/**
 * Publishes what the source has, each message when it is due. A server that is slow shifts nothing; a source that is
 * late by itself has all that is to come due later.
 *
 * @throws CommandError for a row that is no message
 */
export async function publishRows(
  { rows, intervalMs = 0 }: Pick<Source, "rows" | "intervalMs">,
  composer: Composer,
  schedule: Schedule,
  publisher: Pick<Publisher, "publish">,
  isOver: () => boolean,
): Promise<void> {
  const iterator = rows[Symbol.asyncIterator]()
  for (let count = 0; ; count++) {
    const dueMs = count * intervalMs
    const lateMs = schedule.latenessMs(dueMs)
    const { value: row, done } = await iterator.next()
    if (done === true) return
    schedule.postpone(schedule.latenessMs(dueMs) - lateMs)
    await schedule.reach(dueMs)
    if (isOver()) return
    await publisher.publish(composer.compose(row))
  }
}
