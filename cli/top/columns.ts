import { harmless } from "../harmless.ts"
import { bytesText, countText, rateText } from "../number-text.ts"
import type { ClientRow, TopicRow } from "./reading.ts"

/** A column of a table. */
export interface Column<Row> {
  readonly title: string
  /** In columns of the terminal; undefined takes what the others leave. */
  readonly width: number | undefined
  /** The narrowest terminal that has room for it. */
  readonly from: number
  readonly align: "left" | "right"
  readonly text: (row: Row) => string
  /** By what rows are sorted: numbers from the largest, texts by the alphabet. */
  readonly order: (row: Row) => number | string
}

export const topicColumns: readonly Column<TopicRow>[] = [
  {
    title: "MSG/S",
    width: 7,
    from: 0,
    align: "right",
    text: ({ messagesPerSecond }) => rateText(messagesPerSecond),
    order: ({ messagesPerSecond }) => messagesPerSecond,
  },
  {
    title: "BYTES/S",
    width: 9,
    from: 50,
    align: "right",
    text: ({ bytesPerSecond }) => bytesText(bytesPerSecond),
    order: ({ bytesPerSecond }) => bytesPerSecond,
  },
  {
    title: "MESSAGES",
    width: 9,
    from: 70,
    align: "right",
    text: ({ messages }) => countText(messages),
    order: ({ messages }) => messages,
  },
  {
    title: "TOPIC",
    width: undefined,
    from: 0,
    align: "left",
    text: ({ topic }) => harmless(topic),
    order: ({ topic }) => topic,
  },
]

export const clientColumns: readonly Column<ClientRow>[] = [
  {
    title: "CLIENT",
    width: undefined,
    from: 0,
    align: "left",
    text: ({ clientId }) => harmless(clientId),
    order: ({ clientId }) => clientId,
  },
  {
    title: "USER",
    width: 12,
    from: 90,
    align: "left",
    text: ({ username }) => harmless(username ?? "-"),
    order: ({ username }) => username ?? "",
  },
  {
    title: "ADDRESS",
    width: 15,
    from: 75,
    align: "left",
    text: ({ address }) => harmless(address ?? "-"),
    order: ({ address }) => address ?? "",
  },
  {
    title: "IN/S",
    width: 6,
    from: 0,
    align: "right",
    text: ({ inPerSecond }) => rateText(inPerSecond),
    order: ({ inPerSecond }) => inPerSecond ?? -1,
  },
  {
    title: "OUT/S",
    width: 6,
    from: 0,
    align: "right",
    text: ({ outPerSecond }) => rateText(outPerSecond),
    order: ({ outPerSecond }) => outPerSecond ?? -1,
  },
  {
    title: "QUEUED",
    width: 6,
    from: 0,
    align: "right",
    text: ({ queued }) => countText(queued),
    order: ({ queued }) => queued,
  },
  {
    title: "STATE",
    width: 10,
    from: 60,
    align: "left",
    text: ({ marks }) => marks.join(" "),
    order: ({ marks }) => -marks.length,
  },
]

/** Those that a terminal of this width has room for. */
export function columnsWithin<Row>(columns: readonly Column<Row>[], width: number): readonly Column<Row>[] {
  return columns.filter(({ from }) => from <= width)
}
