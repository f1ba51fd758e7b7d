import type { PublishRequest } from "../../src/client/sender.ts"
import type { Qos } from "../../src/protocol/packet.ts"
import { parseTopicName, type TopicFilter, topicMatches, wireTopicLimits } from "../../src/protocol/topic.ts"
import { CommandError } from "../output.ts"
import type { Publisher } from "../publisher.ts"
import type { Schedule } from "../schedule.ts"
import { readRecording } from "./read-recording.ts"

/** Which messages of a recording are published, and how. */
export interface Playing {
  /** Infinity for as fast as the server takes them. */
  readonly speed: number
  readonly rounds: number
  /** All unless there are some. */
  readonly filters: readonly TopicFilter[]
  readonly topicPrefix: string
  readonly highestQos: Qos
  /** Of the recording, in milliseconds. */
  readonly fromMs: number
  readonly untilMs: number
}

/**
 * Publishes the messages of a recording when they are due, by a schedule that begins now. The next round begins when
 * the one before has lasted as long as the recording.
 *
 * @param onTorn called in the first round when the last line was not written to its end
 * @throws CommandError for a file that is no recording, or holds nothing of what is wanted
 */
export async function playRecording(
  file: string,
  { speed, rounds, filters, topicPrefix, highestQos, fromMs, untilMs }: Playing,
  schedule: Schedule,
  publisher: Pick<Publisher, "count" | "publish">,
  isOver: () => boolean,
  onTorn: (place: string) => void,
): Promise<void> {
  let roundMs = 0
  let hasBegun = false
  for (let round = 0; round < rounds; round++) {
    const before = publisher.count
    let lastMs = fromMs
    for await (const line of readRecording(file, round === 0 ? onTorn : () => {})) {
      // The file is open by now, and nobody is late before the first message.
      if (!hasBegun) schedule.begin()
      hasBegun = true
      lastMs = Math.min(Math.max(lastMs, line.atMs), untilMs)
      if (line.atMs > untilMs) break
      if (line.line === "end" || line.atMs < fromMs || !isWanted(line.request, filters)) continue
      const dueMs = roundMs + (line.atMs - fromMs) / speed
      await schedule.reach(dueMs)
      if (isOver()) return
      const { topic, qos = 0 } = line.request
      const level = qos > highestQos ? highestQos : qos
      await publisher.publish({ ...line.request, topic: `${topicPrefix}${topic}`, qos: level })
      schedule.met(dueMs)
    }
    if (publisher.count === before) throw new CommandError(`${file}: it holds no message of what is wanted`)
    roundMs += (lastMs - fromMs) / speed
  }
}

function isWanted({ topic }: PublishRequest, filters: readonly TopicFilter[]): boolean {
  if (filters.length === 0) return true
  const name = parseTopicName(topic, wireTopicLimits)
  return name !== undefined && filters.some((filter) => topicMatches(filter, name))
}
