import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { unreachable } from "../../../src/foundation/assert.ts"
import type { Random } from "../../support/random.ts"
import type { DiskChange } from "./disk-journal.ts"

type Write = Extract<DiskChange, { change: "write" | "truncate" }>
type Entry =
  Extract<DiskChange, { change: "remove" | "rename" }> | { change: "enter"; name: string; file: File }

/** What is on the disk for certain, and what was told it since. */
class File {
  readonly synced = new Content()
  readonly unsynced: Write[] = []

  sync(): void {
    for (const write of this.unsynced.splice(0)) this.synced.apply(write)
  }
}

/** The bytes of a file, in room that grows. */
class Content {
  #bytes: Uint8Array
  #length: number

  constructor(bytes = new Uint8Array(0)) {
    this.#bytes = bytes
    this.#length = bytes.length
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  apply(write: Write): void {
    if (write.change === "truncate") this.#resize(write.length)
    else this.put(write.offset, write.bytes)
  }

  put(offset: number, bytes: Uint8Array): void {
    if (offset + bytes.length > this.#length) this.#resize(offset + bytes.length)
    this.#bytes.set(bytes, offset)
  }

  #resize(length: number): void {
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2))
      larger.set(this.bytes)
      this.#bytes = larger
    } else if (length < this.#length) this.#bytes.fill(0, length, this.#length)
    this.#length = length
  }
}

const sectorBytes = 512
const logIndexBytes = 32_768

/**
 * A directory and its files as the system has been told of them, and what of it a power cut leaves: all that was synced,
 * and of the rest whatever the disk had got to, in any order and torn at its sectors. Names that were given or taken
 * since the directory was synced may be there or not, in their order up to somewhere: file systems with a journal keep it.
 */
export class DiskImage {
  readonly #files = new Map<number, File>()
  /** As the directory stands, and as it stood when it was synced. */
  readonly #names = new Map<string, File>()
  readonly #syncedNames = new Map<string, File>()
  readonly #unsyncedEntries: Entry[] = []
  /** Of the log's index, since it was made. */
  #logIndexHeads: Uint8Array[] = []

  apply(change: DiskChange): void {
    switch (change.change) {
      case "write":
      case "truncate":
        this.#file(change.file).unsynced.push(change)
        return
      case "sync":
        return this.#file(change.file).sync()
      case "enter":
        return this.#enter(change.name, change.file)
      case "remove":
      case "rename":
        enter(this.#names, change)
        this.#unsyncedEntries.push(change)
        return
      case "sync-directory":
        for (const entry of this.#unsyncedEntries.splice(0)) enter(this.#syncedNames, entry)
        return
      case "log-index":
        this.#logIndexHeads.push(change.head)
        return
      default:
        return unreachable(change)
    }
  }

  /** Writes what is left into a directory of its own, which this makes. */
  cut(directory: string, random: Random): void {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const names = new Map(this.#syncedNames)
    const reached = random.below(this.#unsyncedEntries.length + 1)
    for (const entry of this.#unsyncedEntries.slice(0, reached)) enter(names, entry)
    for (const [name, file] of names) {
      const bytes = name.endsWith("-shm") ? this.#logIndex(random) : remains(file, random)
      writeFileSync(join(directory, name), bytes, { mode: 0o600 })
    }
  }

  #enter(name: string, inode: number): void {
    const known = this.#names.get(name)
    if (known !== undefined && known === this.#files.get(inode)) return
    // The system gives the number of a file that is gone to the next one.
    if (!this.#isNamed(inode)) this.#files.delete(inode)
    const file = this.#file(inode)
    if (name === "bantam.db-shm") this.#logIndexHeads = []
    const entry = { change: "enter", name, file } as const
    enter(this.#names, entry)
    this.#unsyncedEntries.push(entry)
  }

  #isNamed(inode: number): boolean {
    const file = this.#files.get(inode)
    return file !== undefined && [...this.#names.values()].includes(file)
  }

  #file(inode: number): File {
    let file = this.#files.get(inode)
    if (file === undefined) {
      file = new File()
      this.#files.set(inode, file)
    }
    return file
  }

  /** The system may write what is mapped whenever it likes, and need not ever. */
  #logIndex(random: Random): Uint8Array {
    const index = new Content(new Uint8Array(logIndexBytes))
    // The latest are the likeliest, and the likeliest to be wrong.
    const head = this.#logIndexHeads.at(-1 - (random.oneIn(2) ? 0 : random.below(10)))
    if (head !== undefined) index.put(0, head)
    return index.bytes
  }
}

function enter(names: Map<string, File>, entry: Entry): void {
  if (entry.change === "enter") names.set(entry.name, entry.file)
  else if (entry.change === "remove") names.delete(entry.name)
  else {
    const file = names.get(entry.from)
    if (file === undefined) return
    names.delete(entry.from)
    names.set(entry.to, file)
  }
}

/** A file's bytes after the cut. */
function remains({ synced, unsynced }: File, random: Random): Uint8Array {
  const content = new Content(synced.bytes.slice())
  const way = random.below(4)
  const reached = way === 0 ? 0 : way === 1 ? unsynced.length : random.below(unsynced.length + 1)
  for (const [index, write] of unsynced.entries()) {
    // Up to somewhere, and the last of it in part; or any of them, each in part.
    if (way < 3 ? index < reached : random.oneIn(2)) content.apply(write)
    else if (write.change === "write" && (way === 2 ? index === reached : way === 3)) {
      putTorn(content, write, random)
    }
  }
  return content.bytes
}

/** Each sector of the disk is written whole, or not at all. */
function putTorn(content: Content, { offset, bytes }: Write & { change: "write" }, random: Random): void {
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes))
    if (random.oneIn(2)) content.put(offset + at, bytes.subarray(at, end))
    at = end
  }
}
