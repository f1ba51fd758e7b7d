import { harmless } from "../harmless.ts"
import type { Paint } from "../output.ts"
import { clientColumns, topicColumns } from "./columns.ts"
import { headLines } from "./draw-head.ts"
import { fitted } from "./draw-line.ts"
import { tableLines } from "./draw-table.ts"
import type { Past } from "./past.ts"
import type { Reading, Source } from "./reading.ts"
import { clientRows, type Pane, topicRows, type View } from "./view.ts"

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Everything that is to be seen on the screen. */
export interface Picture {
  readonly reading: Reading
  readonly past: Past
  readonly view: View
  readonly source: Source["kind"]
}

/** A table needs its title, the names of its columns, and some rows. */
const leastPaneRows = 5

/** The screen in lines: as many as the terminal has rows, none wider than it. */
export function draw(picture: Picture, size: Size, paint: Paint): readonly string[] {
  const { reading, past, view, source } = picture
  const { columns, rows } = size
  const foot = footLine(view, source, columns, paint)
  const lines =
    view.asking.for === "help"
      ? helpLines(source, paint)
      : [...headLines(reading, past, view, size, paint), ...panes(picture, size, paint)]
  const shown = lines.slice(0, Math.max(rows - 1, 0)).map((line) => fitted(line, columns))
  return [...shown, ...Array.from({ length: rows - 1 - shown.length }, () => ""), foot]
}

function panes({ reading, past, view, source }: Picture, size: Size, paint: Paint): readonly string[] {
  const room = size.rows - 1 - headLines(reading, past, view, size, paint).length
  // By MQTT there are no clients to be seen, so that their table is only shown to whoever goes there.
  const isSplit = source === "management" && room >= 2 * leastPaneRows
  if (!isSplit) return pane(view.pane, reading, view, { columns: size.columns, rows: room }, paint)
  const upper = upperRows(
    room,
    topicRows(reading, view.panes.topics).length,
    clientRows(reading, view.panes.clients).length,
  )
  return [
    ...pane("topics", reading, view, { columns: size.columns, rows: upper }, paint),
    ...pane("clients", reading, view, { columns: size.columns, rows: room - upper }, paint),
  ]
}

/** Half for each, unless one of them needs less. */
function upperRows(room: number, topics: number, clients: number): number {
  const needed = (items: number) => Math.max(items + 2, leastPaneRows)
  const half = Math.ceil(room / 2)
  if (needed(clients) < room - half) return room - needed(clients)
  return Math.max(Math.min(needed(topics), half), leastPaneRows)
}

function pane(which: Pane, reading: Reading, view: View, size: Size, paint: Paint): readonly string[] {
  const shared = { view: view.panes[which], isChosen: view.pane === which, paint, ...size }
  if (which === "topics") {
    const rows = topicRows(reading, view.panes.topics)
    return tableLines({
      ...shared,
      title: "Loudest topics",
      all: reading.topics.length,
      cells: topicColumns,
      items: rows,
      nameOf: ({ topic }) => topic,
      empty: "no messages so far",
    })
  }
  return tableLines({
    ...shared,
    title: "Busy clients",
    all: reading.clientRows?.length ?? 0,
    cells: clientColumns,
    items: clientRows(reading, view.panes.clients),
    nameOf: ({ clientId }) => clientId,
    empty: reading.clientRows === undefined ? "single clients are not told by MQTT" : "none",
  })
}

function footLine(
  { asking, panes, pane, message, isPaused }: View,
  source: Source["kind"],
  columns: number,
  paint: Paint,
): string {
  switch (asking.for) {
    case "filter":
      return fitted(`${paint.bold("filter:")} ${panes[pane].filter}${paint.inverse(" ")}`, columns)
    case "kick":
      return fitted(paint.yellow(`end the connection of ${harmless(asking.clientId)}? y/n`), columns)
    case "help":
      return fitted(paint.dim("any key goes back"), columns)
    case "nothing": {
      if (message !== "") return fitted(paint.yellow(message), columns)
      const kick = source === "management" ? "  k kick" : ""
      const keys = `q quit  Tab pane  ←→ sort  ↑↓ choose  / filter  p ${isPaused ? "go on" : "pause"}${kick}  ? help`
      const short = "q quit  Tab ←→↑↓ / p k  ? help"
      return fitted(paint.dim(Bun.stringWidth(keys) <= columns ? keys : short), columns)
    }
  }
}

function helpLines(source: Source["kind"], paint: Paint): readonly string[] {
  const keys: readonly (readonly [string, string])[] = [
    ["q, Ctrl-C", "quit"],
    ["Tab", "the other table"],
    ["left, right", "sort by another column"],
    ["up, down", "choose a row"],
    ["/", "show only what has this text in it; Enter keeps it, Esc takes it back"],
    ["Esc", "neither filter nor choice"],
    ["p", "pause, and go on"],
    [
      "k",
      source === "management" ? "end the connection of the chosen client" : "(only where the broker runs)",
    ],
    ["Ctrl-Z", "suspend; fg comes back"],
    ["Ctrl-L", "draw everything anew"],
  ]
  return [
    paint.bold("bantam top"),
    "",
    ...keys.map(([key, does]) => `${paint.cyan(key.padEnd(12))} ${does}`),
    "",
    "MSG/S and BYTES/S of a topic are averages of the last seconds.",
    "Marks of a client: slow, it reads more slowly than it is sent to; held, it is",
    "not read for now: bantam clients show tells why.",
  ]
}
