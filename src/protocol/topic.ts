import type { Brand } from "../foundation/brand.ts"

/** Where a message is published: no wildcards, not empty [4.7]. */
export type TopicName = Brand<string, "TopicName">

/** What a subscription asks for: levels, `+` for one of them, a last `#` for the rest [4.7]. */
export type TopicFilter = Brand<string, "TopicFilter">

/** The group within which a shared subscription takes turns [4.8.2]. */
export type ShareName = Brand<string, "ShareName">

/** Bounds on topic names and filters. A topic of 60,000 levels has crashed brokers. */
export interface TopicLimits {
  /** UTF-8 bytes; the wire allows 65,535 */
  readonly maximumBytes: number
  readonly maximumLevels: number
}

const plus = 0x2b
const hash = 0x23
const slash = 0x2f

export const defaultTopicLimits: TopicLimits = { maximumBytes: 65_535, maximumLevels: 128 }

/** No bounds but those of the wire: what a decoder checks, since it is the broker that sets limits. */
export const wireTopicLimits: TopicLimits = { maximumBytes: 65_535, maximumLevels: 65_536 }

/** A filter as a SUBSCRIBE names it: shared within a group, or one's own. */
export interface SubscriptionFilter {
  readonly filter: TopicFilter
  readonly shareName: ShareName | undefined
}

/** @returns undefined when the text is no topic name [MQTT-4.7.1-1, 4.7.3-1, 4.7.3-2] or beyond the limits */
export function parseTopicName(text: string, limits = defaultTopicLimits): TopicName | undefined {
  if (text.length === 0 || !withinLimits(text, limits)) return undefined
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === hash || code === plus || code === 0) return undefined
  }
  return text as TopicName
}

/** @returns undefined when the text is no topic filter [MQTT-4.7.1-2, 4.7.1-3] or beyond the limits */
export function parseTopicFilter(text: string, limits = defaultTopicLimits): TopicFilter | undefined {
  if (text.length === 0 || !withinLimits(text, limits)) return undefined
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0) return undefined
    if (code !== hash && code !== plus) continue
    // A wildcard fills its level, and `#` is the last level.
    if (index > 0 && text[index - 1] !== "/") return undefined
    const isLast = index === text.length - 1
    if (code === hash ? !isLast : !isLast && text[index + 1] !== "/") return undefined
  }
  return text as TopicFilter
}

/** Reads `$share/name/filter` too. @returns undefined when either part is not valid [MQTT-4.8.2-1, 4.8.2-2] */
export function parseSubscriptionFilter(
  text: string,
  limits = defaultTopicLimits,
): SubscriptionFilter | undefined {
  if (!text.startsWith("$share/")) {
    const filter = parseTopicFilter(text, limits)
    return filter === undefined ? undefined : { filter, shareName: undefined }
  }
  const end = text.indexOf("/", 7)
  if (end <= 7) return undefined
  const shareName = text.slice(7, end)
  if (/[+#\0]/.test(shareName)) return undefined
  const filter = parseTopicFilter(text.slice(end + 1), limits)
  return filter === undefined ? undefined : { filter, shareName: shareName as ShareName }
}

/** The text a SUBSCRIBE would carry for this filter. */
export function subscriptionFilterText({ filter, shareName }: SubscriptionFilter): string {
  return shareName === undefined ? filter : `$share/${shareName}/${filter}`
}

/** A wildcard at the first level never reaches a topic that begins with `$` [MQTT-4.7.2-1]. */
export function topicMatches(filter: TopicFilter, topic: TopicName): boolean {
  if (topic.startsWith("$") && (filter.startsWith("+") || filter.startsWith("#"))) return false
  return levelsMatch(filter, topic)
}

/** Hot. The same where the filter begins with no wildcard, or the topic with no `$`. */
export function levelsMatch(filter: TopicFilter, topic: string): boolean {
  const at = behindPart(filter, topic, 0)
  return at === topic.length || at === anyEnd
}

/** What `behindPart` returns for a part that ends with `#`. */
const anyEnd = -2

/**
 * Hot. Where levels of a filter lead in a topic, compared character by character: a filter of a hundred levels is not
 * taken apart for each topic (torture: overload wildcards).
 *
 * @param levels whole levels of a filter
 * @param at where a level of the topic begins; beyond its end when there is none
 * @returns where the last of as many levels of the topic ends; -1 when they do not match; `anyEnd` when all that may
 *   follow matches
 */
export function behindPart(levels: string, topic: string, at: number): number {
  if (at > topic.length) return -1
  let place = at
  for (let index = 0; index < levels.length; index++) {
    const code = levels.charCodeAt(index)
    if (code === plus) {
      while (place < topic.length && topic.charCodeAt(place) !== slash) place += 1
    } else if (code === hash) {
      return anyEnd
    } else if (code === topic.charCodeAt(place)) {
      place += 1
    } else {
      // `a/#` matches `a` itself too [4.7.1.2].
      const isRest = code === slash && place === topic.length && levels.charCodeAt(index + 1) === hash
      return isRest ? anyEnd : -1
    }
  }
  return place === topic.length || topic.charCodeAt(place) === slash ? place : -1
}

/** Where the level ends that begins at `start`. */
export function endOfLevel(text: string, start: number): number {
  const end = text.indexOf("/", start)
  return end < 0 ? text.length : end
}

export function hasWildcard(filter: TopicFilter): boolean {
  return filter.includes("+") || filter.includes("#")
}

function withinLimits(text: string, limits: TopicLimits): boolean {
  // Three bytes are the most that one UTF-16 unit can become, so most texts need not be measured.
  if (text.length * 3 > limits.maximumBytes && Buffer.byteLength(text) > limits.maximumBytes) return false
  let levels = 1
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) === slash) levels += 1
  }
  return levels <= limits.maximumLevels
}
