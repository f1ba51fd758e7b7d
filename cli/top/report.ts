import { harmless, harmlessJson } from "../harmless.ts"
import { print } from "../output.ts"
import { stopping } from "../stopping.ts"
import { formatCode } from "../time-format.ts"
import { bytesText, countText, rateText } from "../number-text.ts"
import type { ClientRow, Counts, Reading, Source, TopicRow } from "./reading.ts"

export interface ReportOptions {
  readonly intervalMs: number
  readonly json: boolean
  readonly once: boolean
}

/** How many topics an object or a line has at most. */
const topicsInJson = 50
const topicsInLine = 3

/** One line, or one object, for each interval: for a pipe, a log, and a terminal that can do no more. */
export async function report(source: Source, { intervalMs, json, once }: ReportOptions): Promise<void> {
  const stop = stopping()
  // A rate needs two readings.
  await Promise.race([source.read(), stop.asked])
  for (;;) {
    await Promise.race([Bun.sleep(intervalMs), stop.asked])
    if (stop.isAsked()) return
    const reading = await Promise.race([source.read(), stop.asked])
    if (reading === undefined) return
    await print(`${json ? jsonOf(reading, source.kind) : lineOf(reading)}\n`)
    if (once) return
  }
}

/** Stable: programs read it. What is not known is null, rates are of a second, and topics stand in order of loudness. */
export function jsonOf(reading: Reading, source: Source["kind"]): string {
  const { rates, totals } = reading
  return harmlessJson(
    JSON.stringify({
      time: new Date(reading.atMs).toISOString(),
      source,
      broker: reading.name,
      version: reading.version ?? null,
      uptimeSeconds: reading.uptimeSeconds ?? null,
      trouble: reading.trouble ?? null,
      warnings: reading.warnings,
      clients: reading.clients ?? null,
      sessions: reading.sessions ?? null,
      subscriptions: reading.subscriptions ?? null,
      retained: reading.retained ?? null,
      queued: reading.queued ?? null,
      rates: known(rates),
      totals: known(totals),
      topics: loudest(reading.topics)
        .slice(0, topicsInJson)
        .map(({ topic, messagesPerSecond, bytesPerSecond, messages }) => ({
          topic,
          messagesPerSecond: rounded(messagesPerSecond),
          bytesPerSecond: rounded(bytesPerSecond),
          messages,
        })),
      clientList: reading.clientRows?.map(clientOf) ?? null,
    }),
  )
}

function clientOf({ clientId, username, address, inPerSecond, outPerSecond, queued, marks }: ClientRow) {
  return {
    client: clientId,
    user: username ?? null,
    address: address ?? null,
    inPerSecond: inPerSecond === undefined ? null : rounded(inPerSecond),
    outPerSecond: outPerSecond === undefined ? null : rounded(outPerSecond),
    queued,
    marks,
  }
}

function known(counts: Counts): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, value]) => [name, value === undefined ? null : rounded(value)]),
  )
}

/** As one line for a person. */
export function lineOf(reading: Reading): string {
  const { rates, totals, trouble, atMs } = reading
  const topics = loudest(reading.topics)
    .slice(0, topicsInLine)
    .map(({ topic, messagesPerSecond }) => `${harmless(topic)} ${rateText(messagesPerSecond)}/s`)
  const parts = [
    `clients ${countText(reading.clients)}`,
    `in ${rateText(rates.messagesIn)}/s ${bytesText(rates.bytesIn)}/s`,
    `out ${rateText(rates.messagesOut)}/s ${bytesText(rates.bytesOut)}/s`,
    `queued ${countText(reading.queued)}`,
    `dropped ${countText(totals.dropped)}`,
    ...(topics.length === 0 ? [] : [`loudest ${topics.join(", ")}`]),
    ...(trouble === undefined ? [] : [`not reached: ${harmless(trouble)}`]),
  ]
  return `${formatCode("T", new Date(atMs))}  ${parts.join("  ")}`
}

function loudest(topics: readonly TopicRow[]): readonly TopicRow[] {
  return topics.toSorted((one, other) => other.messagesPerSecond - one.messagesPerSecond)
}

/** Thousandths are as exact as a rate is. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
