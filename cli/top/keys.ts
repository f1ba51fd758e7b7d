import { unreachable } from "../../src/foundation/assert.ts"
import { clientColumns, columnsWithin, topicColumns } from "./columns.ts"
import type { Reading } from "./reading.ts"
import { type PaneView, rowNames, type View } from "./view.ts"

/** A key as node:readline tells it: of a letter both are the letter. */
export interface Key {
  readonly name: string
  readonly text: string
  readonly ctrl: boolean
}

/** What a key asks for beside another view. */
export type Wish =
  | { readonly for: "nothing" }
  | { readonly for: "leaving" | "suspending" | "redrawing" }
  | { readonly for: "kicking"; readonly clientId: string }

export interface Pressed {
  readonly view: View
  readonly wish: Wish
}

/** What can be done at the moment. */
export interface Reach {
  readonly reading: Reading
  /** Of the terminal. */
  readonly columns: number
  /** Whether connections of clients can be ended. */
  readonly kicks: boolean
}

const nothing = { for: "nothing" } as const
const longestFilter = 200

/** What a key makes of the view. */
export function press(before: View, key: Key, reach: Reach): Pressed {
  const view = { ...before, message: "" }
  if (key.ctrl) return { view, wish: controlled(key.name) }
  const { asking } = view
  switch (asking.for) {
    case "nothing":
      return pressPlain(view, key, reach)
    case "help":
      return { view: { ...view, asking: nothing }, wish: nothing }
    case "filter":
      return { view: typeFilter(view, key, asking.before), wish: nothing }
    case "kick": {
      const isMeant = key.text === "y" || key.text === "Y"
      const { clientId } = asking
      return { view: { ...view, asking: nothing }, wish: isMeant ? { for: "kicking", clientId } : nothing }
    }
    default:
      return unreachable(asking)
  }
}

function controlled(name: string): Wish {
  switch (name) {
    case "c":
    case "d":
      return { for: "leaving" }
    case "z":
      return { for: "suspending" }
    case "l":
      return { for: "redrawing" }
    default:
      return nothing
  }
}

function pressPlain(view: View, key: Key, reach: Reach): Pressed {
  const { pane, panes } = view
  const current = panes[pane]
  switch (key.name) {
    case "tab":
      return { view: { ...view, pane: pane === "topics" ? "clients" : "topics" }, wish: nothing }
    case "up":
      return { view: choose(view, reach, -1), wish: nothing }
    case "down":
      return { view: choose(view, reach, 1), wish: nothing }
    case "pageup":
      return { view: choose(view, reach, -10), wish: nothing }
    case "pagedown":
      return { view: choose(view, reach, 10), wish: nothing }
    case "left":
      return { view: withPane(view, { sortedBy: neighbour(view, reach.columns, -1) }), wish: nothing }
    case "right":
      return { view: withPane(view, { sortedBy: neighbour(view, reach.columns, 1) }), wish: nothing }
    case "escape":
      return { view: withPane(view, { chosen: undefined, filter: "" }), wish: nothing }
  }
  switch (key.text) {
    case "q":
      return { view, wish: { for: "leaving" } }
    case "p":
      return { view: { ...view, isPaused: !view.isPaused }, wish: nothing }
    case "/":
      return { view: { ...view, asking: { for: "filter", before: current.filter } }, wish: nothing }
    case "?":
    case "h":
      return { view: { ...view, asking: { for: "help" } }, wish: nothing }
    case "k":
      return { view: askToKick(view, reach), wish: nothing }
    default:
      return { view, wish: nothing }
  }
}

function typeFilter(view: View, key: Key, before: string): View {
  const { filter } = view.panes[view.pane]
  switch (key.name) {
    case "return":
    case "enter":
      return { ...view, asking: nothing }
    case "escape":
      return { ...withPane(view, { filter: before }), asking: nothing }
    case "backspace":
      return withPane(view, { filter: [...filter].slice(0, -1).join("") })
    default: {
      const isText = /^[^\p{Cc}\p{Cf}\p{Cs}]+$/u.test(key.text)
      return isText ? withPane(view, { filter: `${filter}${key.text}`.slice(0, longestFilter) }) : view
    }
  }
}

function askToKick(view: View, { reading, kicks }: Reach): View {
  if (view.pane !== "clients") return { ...view, message: "choose a client first: Tab, then up and down" }
  if (!kicks)
    return { ...view, message: "a client can be kicked only where the broker runs: see bantam top --help" }
  const { chosen } = view.panes.clients
  const clientId = rowNames(reading, view).find((name) => name === chosen)
  if (clientId === undefined) return { ...view, message: "choose a client first, with up and down" }
  return { ...view, asking: { for: "kick", clientId } }
}

/** The row so many below the chosen one, of those that there are by now. */
function choose(view: View, { reading }: Reach, step: number): View {
  const names = rowNames(reading, view)
  const { chosen } = view.panes[view.pane]
  const at = names.findIndex((name) => name === chosen)
  const next = at < 0 ? (step > 0 ? 0 : names.length - 1) : at + step
  return withPane(view, { chosen: names[Math.min(Math.max(next, 0), names.length - 1)] })
}

/** The column beside the one that is sorted by, round and round. */
function neighbour({ pane, panes }: View, columns: number, step: 1 | -1): string {
  const titles =
    pane === "topics"
      ? columnsWithin(topicColumns, columns).map(({ title }) => title)
      : columnsWithin(clientColumns, columns).map(({ title }) => title)
  const { sortedBy } = panes[pane]
  const at = titles.indexOf(sortedBy)
  return titles[(at + step + titles.length) % titles.length] ?? sortedBy
}

function withPane(view: View, change: Partial<PaneView>): View {
  return { ...view, panes: { ...view.panes, [view.pane]: { ...view.panes[view.pane], ...change } } }
}
