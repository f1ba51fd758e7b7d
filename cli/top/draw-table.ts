import { harmless } from "../harmless.ts"
import type { Paint } from "../output.ts"
import { type Column, columnsWithin } from "./columns.ts"
import { cell, fitted } from "./draw-line.ts"
import type { PaneView } from "./view.ts"

export interface Table<Row> {
  readonly title: string
  readonly cells: readonly Column<Row>[]
  /** Sorted, and those alone that the filter lets through. */
  readonly items: readonly Row[]
  /** How many there are without the filter. */
  readonly all: number
  readonly nameOf: (row: Row) => string
  /** Said where there are none. */
  readonly empty: string
  readonly view: PaneView
  /** Whether the keyboard is for this table. */
  readonly isChosen: boolean
  readonly columns: number
  /** In all, the title and the names of the columns among them. */
  readonly rows: number
  readonly paint: Paint
}

const gap = 1

/** The table in so many rows. */
export function tableLines<Row>(table: Table<Row>): readonly string[] {
  const { items, view, columns, rows, paint, nameOf, empty } = table
  const shown = columnsWithin(table.cells, columns)
  const widths = widthsOf(shown, columns)
  const room = Math.max(rows - 2, 0)
  const chosen = items.findIndex((row) => nameOf(row) === view.chosen)
  // The chosen row is always to be seen.
  const first = chosen < room ? 0 : chosen - room + 1
  const lines = items.slice(first, first + room).map((row, index) => {
    const line = joined(shown, widths, ({ text }) => text(row))
    return table.isChosen && first + index === chosen ? paint.inverse(line) : line
  })
  const heading = joined(shown, widths, ({ title }) => (title === view.sortedBy ? `${title}▼` : title))
  return [
    titleLine(table),
    paint.dim(heading),
    ...(lines.length === 0 && room > 0
      ? [paint.dim(view.filter === "" ? empty : "none that the filter lets through")]
      : lines),
    ...Array.from({ length: Math.max(room - Math.max(lines.length, 1), 0) }, () => ""),
  ].slice(0, rows)
}

function titleLine<Row>({ title, view, items, all, isChosen, columns, paint }: Table<Row>): string {
  const filter = view.filter === "" ? "" : `, ${items.length} with "${harmless(view.filter)}"`
  const name = `${title} (${all}${filter})`
  const rule = "─".repeat(Math.max(columns - Bun.stringWidth(name) - 4, 0))
  return fitted(`── ${isChosen ? paint.bold(paint.cyan(name)) : name} ${paint.dim(rule)}`, columns)
}

/** The one without a width takes what the others leave. */
function widthsOf<Row>(columns: readonly Column<Row>[], all: number): readonly number[] {
  const taken = columns.reduce((sum, { width = 0 }) => sum + width, 0) + gap * (columns.length - 1)
  return columns.map(({ width }) => width ?? Math.max(all - taken, 1))
}

function joined<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  textOf: (column: Column<Row>) => string,
): string {
  return columns
    .map((column, index) => cell(textOf(column), widths[index] ?? 0, column.align))
    .join(" ".repeat(gap))
}
