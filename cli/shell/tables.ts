import { protocolVersionNames, type Qos } from "../../src/protocol/packet.ts"
import { parseTopicName, type TopicFilter, topicMatches, wireTopicLimits } from "../../src/protocol/topic.ts"
import { harmless } from "../harmless.ts"
import type { KeptConnection } from "../kept-connection.ts"
import { readPayload } from "../sub/payload-lines.ts"
import type { Layout } from "./message-text.ts"
import type { SeenTopic, SeenTopics } from "./seen-topics.ts"

/** More than a person reads; a filter makes it fewer. */
const mostTopicLines = 500

/** The topics that were seen, in the order of the alphabet: how often, how long ago, and the last payload. */
export function topicLines(
  seen: SeenTopics,
  filter: TopicFilter | undefined,
  now: Date,
  { columns, paint }: Layout,
): readonly string[] {
  const wanted = [...seen.values()]
    .filter(({ topic }) => filter === undefined || matches(filter, topic))
    .toSorted((one, other) => (one.topic < other.topic ? -1 : 1))
  if (wanted.length === 0)
    return [seen.size === 0 ? "nothing was seen yet; subscribe, such as with sub '#'" : "none"]
  const rows = wanted.slice(0, mostTopicLines).map((each) => cellsOf(each, now))
  const width = (column: number) => Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? "")))
  const [countWidth, ageWidth] = [width(0), width(1)]
  const topicWidth = Math.min(width(2), Math.max(20, columns - countWidth - ageWidth - 24))
  const lines = rows.map(([count = "", age = "", topic = "", payload = ""]) => {
    const cut = Bun.sliceAnsi(topic, 0, topicWidth, "…")
    const blanks = " ".repeat(topicWidth - Bun.stringWidth(cut))
    const begin = `${count.padStart(countWidth)}  ${age.padStart(ageWidth)}  ${cut}${blanks}  `
    const room = Math.max(0, columns - Bun.stringWidth(begin))
    return `${begin}${paint.dim(Bun.sliceAnsi(payload, 0, room, "…"))}`.trimEnd()
  })
  const more = wanted.length - rows.length
  return [
    ...lines,
    ...(more > 0 ? [`… ${more} more; topics FILTER shows some of them`] : []),
    ...(seen.forgotten > 0 ? [`${seen.forgotten} were forgotten: there were too many`] : []),
  ]
}

function cellsOf({ topic, messages, lastAt, last }: SeenTopic, now: Date): readonly string[] {
  return [String(messages), since(now.getTime() - lastAt.getTime()), harmless(topic), preview(last.payload)]
}

const longestPreview = 200

/** The beginning of a payload in one line. */
function preview(payload: Uint8Array): string {
  const read = readPayload(payload, false)
  switch (read.kind) {
    case "empty":
      return "(empty)"
    case "json":
    case "text":
      return harmless(read.source.slice(0, longestPreview))
    case "bytes":
      return `hex ${payload.subarray(0, longestPreview).toHex()}`
  }
}

function matches(filter: TopicFilter, text: string): boolean {
  const topic = parseTopicName(text, wireTopicLimits)
  return topic !== undefined && topicMatches(filter, topic)
}

export function subscriptionLines(subscriptions: ReadonlyMap<string, Qos>): readonly string[] {
  if (subscriptions.size === 0) return ["no subscriptions"]
  return [...subscriptions].map(([filter, qos]) => `${harmless(filter)}  QoS ${qos}`)
}

export function statusLines(
  { state, plan }: KeptConnection,
  traffic: { readonly received: number; readonly published: number },
  subscriptions: number,
  seen: SeenTopics,
  nowMs: number,
): readonly string[] {
  const facts = [
    ...(state.at === "online"
      ? [
          ["connected", `to ${plan.name}, since ${since(nowMs - state.sinceMs)}`],
          ["as", `${harmless(state.client.clientId)}, with MQTT ${protocolVersionNames[state.version]}`],
          ...(state.returns > 0 ? [["lost", `${state.returns} times before`]] : []),
        ]
      : [["not connected", `to ${plan.name}`]]),
    ["subscriptions", String(subscriptions)],
    ["received", `${traffic.received} messages on ${seen.size} topics`],
    ["published", `${traffic.published} messages`],
  ]
  const width = Math.max(...facts.map(([name = ""]) => name.length))
  return facts.map(([name = "", fact = ""]) => `${name.padEnd(width)}  ${fact}`)
}

/** How long ago, in its largest unit: `5s`, `3m`, `2h`, `4d`. */
export function since(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
