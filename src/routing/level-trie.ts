import { ChurnMap } from "../foundation/churn-map.ts"

/** Where texts with the same first levels part. */
export class Fork<Value extends object> {
  /** By the next level: the one value there, or where several part again. */
  readonly ways = new ChurnMap<string, Fork<Value> | Value>()
  /** Of the text that ends here. */
  value: Value | undefined
}

/**
 * Values by a text of levels such as `a/b/c`, topic names or topic filters. A value stands as far up as it stands
 * alone: of a million devices that have one topic each, each costs an entry in one map, and no node for the levels
 * beneath it (bench:scale memory).
 */
export class LevelTrie<Value extends object> {
  readonly root = new Fork<Value>()
  readonly #textOf: (value: Value) => string

  /** @param textOf the text that a value was put under: the trie does not keep it a second time */
  constructor(textOf: (value: Value) => string) {
    this.#textOf = textOf
  }

  get(text: string): Value | undefined {
    let fork = this.root
    for (let start = 0; ;) {
      const end = endOfLevel(text, start)
      const way = fork.ways.get(text.slice(start, end))
      if (!(way instanceof Fork)) return way !== undefined && this.#textOf(way) === text ? way : undefined
      if (end === text.length) return way.value
      fork = way
      start = end + 1
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
        fork.ways.set(onItsOwn(level), value)
        return undefined
      }
      if (!(way instanceof Fork)) {
        const other = this.#textOf(way)
        if (other === text) {
          if (replaces) fork.ways.set(level, value)
          return way
        }
        way = forkWith(other, end, way)
        fork.ways.set(level, way)
      }
      if (end === text.length) {
        const previous = way.value
        if (replaces || previous === undefined) way.value = value
        return previous
      }
      fork = way
      start = end + 1
    }
  }

  /** @returns the value that was there */
  remove(text: string): Value | undefined {
    const path: { readonly fork: Fork<Value>; readonly level: string }[] = []
    let fork = this.root
    let removed: Value | undefined
    for (let start = 0; ;) {
      const end = endOfLevel(text, start)
      const level = text.slice(start, end)
      const way = fork.ways.get(level)
      if (!(way instanceof Fork)) {
        if (way === undefined || this.#textOf(way) !== text) return undefined
        fork.ways.delete(level)
        removed = way
        break
      }
      path.push({ fork, level })
      fork = way
      if (end === text.length) {
        removed = way.value
        way.value = undefined
        break
      }
      start = end + 1
    }
    for (let step = path.pop(); step !== undefined; step = path.pop()) {
      if (fork.value !== undefined || fork.ways.size > 0) break
      step.fork.ways.delete(step.level)
      fork = step.fork
    }
    return removed
  }
}

/** What stood alone behind the levels that end at `end` stands one step further down. */
function forkWith<Value extends object>(text: string, end: number, value: Value): Fork<Value> {
  const fork = new Fork<Value>()
  if (end === text.length) fork.value = value
  else fork.ways.set(onItsOwn(text.slice(end + 1, endOfLevel(text, end + 1))), value)
  return fork
}

function endOfLevel(text: string, start: number): number {
  const end = text.indexOf("/", start)
  return end < 0 ? text.length : end
}

const scratch = Buffer.alloc(256)

/** A part of a text keeps the whole of it alive, and what is a key here stays: so it is copied. */
function onItsOwn(level: string): string {
  const bytes = level.length * 3 > scratch.length ? scratch.length : scratch.write(level)
  return bytes === level.length ? scratch.toString("latin1", 0, bytes) : Buffer.from(level).toString()
}
