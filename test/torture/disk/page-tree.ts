/*
 * Where the rows of an SQLite database stand, as https://sqlite.org/fileformat2.html describes it. Read without SQLite,
 * for what that makes of a damaged file is what is judged by it.
 */

/** Of every database of ours. */
export const pageBytes = 4096

const tableInner = 0x05
const tableLeaf = 0x0d
const indexInner = 0x02
const indexLeaf = 0x0a
const kinds: readonly number[] = [tableInner, tableLeaf, indexInner, indexLeaf]
/** Page 1 begins with the header of the file. */
const fileHeaderBytes = 100

/** Longest rows that stand on a page as a whole, and how much of a longer one stays there at least. */
const mostInTable = pageBytes - 35
const mostInIndex = Math.floor(((pageBytes - 12) * 64) / 255) - 23
const leastOnPage = Math.floor(((pageBytes - 12) * 32) / 255) - 23

/** The tables and indexes of a sound database whose log is written back. */
export class PageTree {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /**
   * For each row of a table or an index, in the order of their keys, the numbers of the pages without which it cannot be
   * read: from the root to the one where it stands, and those on which it goes on.
   *
   * @param root number of a page; 1 is that of the schema
   */
  rows(root: number): readonly (readonly number[])[] {
    const rows: (readonly number[])[] = []
    this.#walk(root, [], rows)
    return rows
  }

  /** How many rows, or keys for finding the way, a page says that it holds; 0 when it could be in no tree. */
  cells(page: number): number {
    const head = this.#headOf(page)
    return kinds.includes(this.#bytes[head] ?? 0) ? this.#bytes.readUInt16BE(head + 3) : 0
  }

  #walk(page: number, above: readonly number[], rows: (readonly number[])[]): void {
    const bytes = this.#bytes
    const head = this.#headOf(page)
    const kind = bytes[head]
    const isInner = kind === tableInner || kind === indexInner
    const isTable = kind === tableInner || kind === tableLeaf
    const path = [...above, page]
    for (let cell = 0; cell < this.cells(page); cell++) {
      const at = startOf(page) + bytes.readUInt16BE(head + (isInner ? 12 : 8) + cell * 2)
      if (isInner) this.#walk(bytes.readUInt32BE(at), path, rows)
      // There stand only keys, for finding the way.
      if (isInner && isTable) continue
      rows.push([...path, ...this.#overflow(isInner ? at + 4 : at, isTable)])
    }
    if (isInner) this.#walk(bytes.readUInt32BE(head + 8), path, rows)
  }

  #overflow(at: number, isTable: boolean): readonly number[] {
    const bytes = this.#bytes
    const { value: length, end } = readVarint(bytes, at)
    const most = isTable ? mostInTable : mostInIndex
    if (length <= most) return []
    const start = isTable ? readVarint(bytes, end).end : end
    const fitting = leastOnPage + ((length - leastOnPage) % (pageBytes - 4))
    const pages: number[] = []
    const next = (offset: number) => bytes.readUInt32BE(offset)
    for (let page = next(start + (fitting <= most ? fitting : leastOnPage)); page !== 0;) {
      pages.push(page)
      page = next(startOf(page))
    }
    return pages
  }

  #headOf(page: number): number {
    return startOf(page) + (page === 1 ? fileHeaderBytes : 0)
  }
}

function startOf(page: number): number {
  return (page - 1) * pageBytes
}

/** Seven bits in each byte, the highest first. No number of ours is so long that its ninth byte would hold eight. */
function readVarint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let offset = at; ; offset++) {
    const byte = bytes[offset] ?? 0
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, end: offset + 1 }
  }
}
