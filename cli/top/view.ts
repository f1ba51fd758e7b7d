import { clientColumns, type Column, topicColumns } from "./columns.ts"
import type { ClientRow, Reading, TopicRow } from "./reading.ts"

export type Pane = "topics" | "clients"

/** How one of the two tables is looked at. */
export interface PaneView {
  readonly sortedBy: string
  /** The row that is chosen, by its name; it stays chosen wherever it goes. */
  readonly chosen: string | undefined
  readonly filter: string
}

/** What the keyboard is for at the moment. */
export type Asking =
  | { readonly for: "nothing" }
  | { readonly for: "filter"; readonly before: string }
  | { readonly for: "kick"; readonly clientId: string }
  | { readonly for: "help" }

/** What somebody has chosen to look at. */
export interface View {
  readonly pane: Pane
  readonly panes: Readonly<Record<Pane, PaneView>>
  readonly isPaused: boolean
  readonly asking: Asking
  /** Said once, until the next key. */
  readonly message: string
}

export const firstView: View = {
  pane: "topics",
  panes: {
    topics: { sortedBy: "MSG/S", chosen: undefined, filter: "" },
    clients: { sortedBy: "IN/S", chosen: undefined, filter: "" },
  },
  isPaused: false,
  asking: { for: "nothing" },
  message: "",
}

export function topicRows({ topics }: Reading, view: PaneView): readonly TopicRow[] {
  return sorted(topics, topicColumns, view, ({ topic }) => topic)
}

export function clientRows({ clientRows: rows = [] }: Reading, view: PaneView): readonly ClientRow[] {
  return sorted(rows, clientColumns, view, ({ clientId, username = "", address = "" }) =>
    [clientId, username, address].join(" "),
  )
}

/** The names of a pane's rows, in the order in which they are shown. */
export function rowNames(reading: Reading, { pane, panes }: View): readonly string[] {
  return pane === "topics"
    ? topicRows(reading, panes.topics).map(({ topic }) => topic)
    : clientRows(reading, panes.clients).map(({ clientId }) => clientId)
}

function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { sortedBy, filter }: PaneView,
  textOf: (row: Row) => string,
): readonly Row[] {
  const wanted = filter.toLowerCase()
  const shown = wanted === "" ? [...rows] : rows.filter((row) => textOf(row).toLowerCase().includes(wanted))
  const column = columns.find(({ title }) => title === sortedBy)
  if (column === undefined) return shown
  const { order } = column
  return shown.toSorted(
    (one, other) => compared(order(one), order(other)) || compared(textOf(one), textOf(other)),
  )
}

/** Numbers from the largest, texts by the alphabet. */
function compared(one: number | string, other: number | string): number {
  if (typeof one === "number" && typeof other === "number") return other - one
  return one < other ? -1 : one > other ? 1 : 0
}
