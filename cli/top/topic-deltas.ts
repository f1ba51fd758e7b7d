/** How often topics were published to since some moment, as another program counts them. */
export interface TopicCounts {
  /** When its counting began; counts of another beginning have nothing to do with these. */
  readonly sinceMs: number
  readonly topics: readonly { readonly topic: string; readonly messages: number; readonly bytes: number }[]
  /** There may be more topics than these, and they are the loudest. */
  readonly isCut: boolean
}

/** What came on each topic from one answer to the next. */
export function topicDeltas(before: TopicCounts | undefined, now: TopicCounts): TopicCounts["topics"] {
  if (before === undefined) return []
  const isSameCount = before.sinceMs === now.sinceMs
  const counted = new Map(isSameCount ? before.topics.map((each) => [each.topic, each]) : [])
  return now.topics.flatMap((each) => {
    const earlier = counted.get(each.topic)
    // One that was too quiet to be told of may have been counted long ago.
    if (earlier === undefined) return isSameCount && before.isCut ? [] : [each]
    // Fewer than before: it was forgotten, and counted anew.
    const anew = each.messages < earlier.messages
    const messages = each.messages - (anew ? 0 : earlier.messages)
    return messages === 0
      ? []
      : [{ topic: each.topic, messages, bytes: each.bytes - (anew ? 0 : earlier.bytes) }]
  })
}
