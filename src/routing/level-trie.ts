import { ChurnMap } from "../foundation/churn-map.ts"
import { endOfLevel } from "../protocol/topic.ts"

const slash = 0x2f

type ReadonlyWays<Value extends object> = Pick<
  ChurnMap<string, Fork<Value> | Value>,
  "get" | "size" | "values" | "places" | typeof Symbol.iterator
>

/** Where texts with the same first levels part. */
export class Fork<Value extends object> {
  /** The levels that all texts below have in common, behind the one that led here; undefined for none. */
  skipped: string | undefined
  #ways = new ChurnMap<string, Fork<Value> | Value>()
  /** The ways of filters that go on with `+` and with `#`: of a topic each fork is asked for both. */
  #any: Fork<Value> | Value | undefined
  #rest: Fork<Value> | Value | undefined
  /** Of the text that ends here. */
  value: Value | undefined

  constructor(skipped?: string) {
    this.skipped = skipped
  }

  /** By the next level: the one value there, or where several part again. */
  get ways(): ReadonlyWays<Value> {
    return this.#ways
  }

  get any(): Fork<Value> | Value | undefined {
    return this.#any
  }

  get rest(): Fork<Value> | Value | undefined {
    return this.#rest
  }

  set(level: string, way: Fork<Value> | Value): void {
    this.#ways.set(level, way)
    this.#note(level, way)
  }

  delete(level: string): void {
    this.#ways.delete(level)
    this.#note(level, undefined)
  }

  /** Takes over the ways of another, and what ends there. Whoever is on a walk in either goes on in what there is now. */
  become(other: Fork<Value>): void {
    this.value = other.value
    this.#ways = other.#ways
    this.#any = other.#any
    this.#rest = other.#rest
  }

  #note(level: string, way: Fork<Value> | Value | undefined): void {
    if (level === "+") this.#any = way
    else if (level === "#") this.#rest = way
  }

  /**
   * Hot. Where the levels behind it begin.
   *
   * @param end where the level that led here ends
   * @returns the length of the text and one more where it ends here; -1 for a text that parts from the others
   */
  behind(text: string, end: number): number {
    const { skipped } = this
    if (skipped === undefined) return end + 1
    const behind = end + 1 + skipped.length
    if (!text.startsWith(skipped, end + 1)) return -1
    return behind === text.length || text.charCodeAt(behind) === slash ? behind + 1 : -1
  }
}

/**
 * Values by a text of levels such as `a/b/c`, topic names or topic filters. A value stands as far up as it stands
 * alone, and there is a fork only where texts part: of a million devices that have one topic each, each costs an entry
 * in one map (bench:scale memory), and two topics of a hundred levels that differ in the last cost one fork, and not a
 * hundred (torture: overload deep topics).
 */
export class LevelTrie<Value extends object> {
  readonly root = new Fork<Value>()
  readonly #textOf: (value: Value) => string
  #mergers = 0

  /** @param textOf the text that a value was put under: the trie does not keep it a second time */
  constructor(textOf: (value: Value) => string) {
    this.#textOf = textOf
  }

  /** How often a fork went because nothing parted there any more. Whoever is on a walk may stand in one of them. */
  get mergers(): number {
    return this.#mergers
  }

  get(text: string): Value | undefined {
    let fork = this.root
    for (let start = 0; ;) {
      const end = endOfLevel(text, start)
      const way = fork.ways.get(text.slice(start, end))
      if (!(way instanceof Fork)) return way !== undefined && this.#textOf(way) === text ? way : undefined
      start = way.behind(text, end)
      if (start < 0) return undefined
      if (start > text.length) return way.value
      fork = way
    }
  }

  /** @returns the value that was there */
  put(text: string, value: Value): Value | undefined {
    return this.#put(text, value, true)
  }

  /** Puts the value there unless there is one. @returns the one that was there */
  putFirst(text: string, value: Value): Value | undefined {
    return this.#put(text, value, false)
  }

  #put(text: string, value: Value, replaces: boolean): Value | undefined {
    let fork = this.root
    for (let start = 0; ;) {
      const end = endOfLevel(text, start)
      const level = text.slice(start, end)
      let way = fork.ways.get(level)
      if (way === undefined) {
        fork.set(onItsOwn(level), value)
        return undefined
      }
      if (!(way instanceof Fork)) {
        const other = this.#textOf(way)
        if (other === text) {
          if (replaces) fork.set(level, value)
          return way
        }
        way = forkOf(other, text, end, way)
        fork.set(level, way)
      }
      let behind = way.behind(text, end)
      if (behind < 0) {
        way = forkBefore(way, text, end)
        fork.set(level, way)
        behind = way.behind(text, end)
      }
      if (behind > text.length) {
        const previous = way.value
        if (replaces || previous === undefined) way.value = value
        return previous
      }
      fork = way
      start = behind
    }
  }

  /** @returns the value that was there */
  remove(text: string): Value | undefined {
    let above: Fork<Value> | undefined
    let fork = this.root
    /** The one that leads from `above` to `fork`. */
    let levelAbove = ""
    for (let start = 0; ;) {
      const end = endOfLevel(text, start)
      const level = text.slice(start, end)
      const way = fork.ways.get(level)
      if (!(way instanceof Fork)) {
        if (way === undefined || this.#textOf(way) !== text) return undefined
        fork.delete(level)
        if (above !== undefined) this.#tidy(above, levelAbove, fork)
        return way
      }
      start = way.behind(text, end)
      if (start < 0) return undefined
      if (start > text.length) {
        const removed = way.value
        way.value = undefined
        if (removed !== undefined) this.#tidy(fork, level, way)
        return removed
      }
      above = fork
      levelAbove = level
      fork = way
    }
  }

  /** A fork where nothing parts is none: what is left of it stands one step further up. */
  #tidy(above: Fork<Value>, level: string, fork: Fork<Value>): void {
    const { value, ways } = fork
    if (ways.size + (value === undefined ? 0 : 1) > 1) return
    this.#mergers += 1
    if (value !== undefined) {
      above.set(level, value)
      return
    }
    for (const [next, way] of ways) {
      if (!(way instanceof Fork)) {
        above.set(level, way)
        return
      }
      fork.skipped = onItsOwn(joined(joined(fork.skipped, next), way.skipped))
      fork.become(way)
      return
    }
  }
}

/** Where two texts part that have the levels up to `end` in common; the value is that of the first. */
function forkOf<Value extends object>(text: string, other: string, end: number, value: Value): Fork<Value> {
  const parting = endOfCommon(text, other, end)
  const fork = new Fork<Value>(partOf(text, end, parting))
  if (parting === text.length) fork.value = value
  else fork.set(onItsOwn(text.slice(parting + 1, endOfLevel(text, parting + 1))), value)
  return fork
}

/** The text parts from the others within what they have skipped so far. */
function forkBefore<Value extends object>(fork: Fork<Value>, text: string, end: number): Fork<Value> {
  const whole = joined(text.slice(0, end), fork.skipped)
  const parting = endOfCommon(whole, text, end)
  const before = new Fork<Value>(partOf(text, end, parting))
  const endOfNext = endOfLevel(whole, parting + 1)
  before.set(onItsOwn(whole.slice(parting + 1, endOfNext)), fork)
  fork.skipped = partOf(whole, endOfNext, whole.length)
  return before
}

/** Where the last level ends that both have in common, if the levels up to `end` are the same. */
function endOfCommon(text: string, other: string, end: number): number {
  for (let common = end; ;) {
    if (common === text.length || common === other.length) return common
    const next = endOfLevel(text, common + 1)
    if (next !== endOfLevel(other, common + 1) || !other.startsWith(text.slice(common, next), common)) {
      return common
    }
    common = next
  }
}

/** The levels behind `end` up to `parting`, if there are any. */
function partOf(text: string, end: number, parting: number): string | undefined {
  return parting === end ? undefined : onItsOwn(text.slice(end + 1, parting))
}

function joined(levels: string | undefined, more: string): string
function joined(levels: string, more: string | undefined): string
function joined(levels: string | undefined, more: string | undefined): string {
  if (levels === undefined || more === undefined) return levels ?? more ?? ""
  return `${levels}/${more}`
}

const scratch = Buffer.alloc(256)

/** A part of a text keeps the whole of it alive, and what is a key here stays: so it is copied. */
function onItsOwn(level: string): string {
  const bytes = level.length * 3 > scratch.length ? scratch.length : scratch.write(level)
  return bytes === level.length ? scratch.toString("latin1", 0, bytes) : Buffer.from(level).toString()
}
