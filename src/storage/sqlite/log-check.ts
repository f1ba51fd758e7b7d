import { existsSync, readFileSync } from "node:fs"
import { damage } from "../store-error.ts"

/*
 * The write-ahead log, as https://sqlite.org/fileformat2.html#walformat describes it: a header, then frames of one page
 * each. A frame that changes the length of the database is the last of its transaction. Numbers are big-endian.
 */
const headerBytes = 32
const frameHeaderBytes = 24
/** Its lowest bit tells in which byte order the checksums are summed up. */
const magicNumber = 0x377f0682

/**
 * SQLite takes its log for ended at the first frame that does not verify, as a crash leaves one in the transaction that
 * was being written. But with durability full a transaction is on the disk before the next one begins: where others
 * follow the broken one, the file was damaged later, and they would be lost without a word.
 *
 * @param file the database; another process may be writing it
 * @throws StoreError
 */
export function checkLog(file: string): void {
  const log = `${file}-wal`
  const found = findLost(log)
  if (found === undefined) return
  // Was it a transaction of another process that we caught half written? Damage is still there, and just there.
  if (found.at !== findLost(log)?.at) return
  throw damage(`${found.commits} transactions behind byte ${found.at} can be read no more`, log)
}

/** How many transactions a damaged log keeps from us, at least. */
export function lostCommits(file: string): number {
  return findLost(`${file}-wal`)?.commits ?? 0
}

interface Lost {
  /** Byte of the log from which on SQLite reads nothing. */
  readonly at: number
  readonly commits: number
}

function findLost(log: string): Lost | undefined {
  if (!existsSync(log)) return undefined
  const bytes = readFileSync(log)
  if (bytes.length < headerBytes + frameHeaderBytes) return undefined
  const at = intactBytes(bytes)
  // A log that was written before, and is overwritten from its beginning, has other salts from there on.
  const salts = bytes.subarray(...(at === 0 ? [headerBytes + 8, headerBytes + 16] : [16, 24]))
  const frameBytes = frameHeaderBytes + pageSizeOf(bytes)
  let commits = 0
  let follows = false
  for (let frame = Math.max(at, headerBytes); frame + frameBytes <= bytes.length; frame += frameBytes) {
    if (!salts.equals(bytes.subarray(frame + 8, frame + 16))) continue
    if (commits > 0) follows = true
    if (bytes.readUInt32BE(frame + 4) !== 0) commits += 1
  }
  return follows ? { at, commits } : undefined
}

/** How much of the log SQLite reads: 0 when its header is no good. */
function intactBytes(bytes: Buffer): number {
  const magic = bytes.readUInt32BE(0)
  if ((magic & ~1) >>> 0 !== magicNumber) return 0
  const checksum = new Checksum((magic & 1) === 0)
  checksum.add(bytes, 0, 24)
  if (!checksum.isAt(bytes, 24)) return 0
  const pageBytes = pageSizeOf(bytes)
  let frame = headerBytes
  for (; frame + frameHeaderBytes + pageBytes <= bytes.length; frame += frameHeaderBytes + pageBytes) {
    if (bytes.compare(bytes, 16, 24, frame + 8, frame + 16) !== 0) break
    checksum.add(bytes, frame, frame + 8)
    checksum.add(bytes, frame + frameHeaderBytes, frame + frameHeaderBytes + pageBytes)
    if (!checksum.isAt(bytes, frame + 16)) break
  }
  return frame
}

/** A log whose header does not say has the size that SQLite gives every new database. */
function pageSizeOf(bytes: Buffer): number {
  const size = bytes.readUInt32BE(8)
  const isPossible = size >= 512 && size <= 65_536 && (size & (size - 1)) === 0
  return isPossible ? size : 4096
}

/** Sums up the whole log, each frame on top of those before it. */
class Checksum {
  readonly #littleEndian: boolean
  #first = 0
  #second = 0

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian
  }

  /** @param end so many bytes behind `start` that eight divide them */
  add(bytes: Buffer, start: number, end: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    for (let offset = start; offset < end; offset += 8) {
      this.#first = (this.#first + view.getUint32(offset, this.#littleEndian) + this.#second) >>> 0
      this.#second = (this.#second + view.getUint32(offset + 4, this.#littleEndian) + this.#first) >>> 0
    }
  }

  /** Whether the eight bytes there are this sum. */
  isAt(bytes: Buffer, offset: number): boolean {
    return bytes.readUInt32BE(offset) === this.#first && bytes.readUInt32BE(offset + 4) === this.#second
  }
}
