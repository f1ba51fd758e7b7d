import { existsSync, readFileSync } from "node:fs"
import { damage } from "../store-error.ts"
import { syncPath } from "./sync-path.ts"

/*
 * SQLite takes its write-ahead log for ended at the first frame that does not verify, for so a crash leaves the
 * transaction that was being written. Were the log damaged further up, all that follows would be lost without a word.
 * With durability full two things tell the one from the other:
 *
 * - A transaction is on the disk before the next one begins. So a crash breaks the last one only, and what is broken in
 *   front of another one was damaged later.
 * - The index of the log, which outlives a process that is killed, is brought up to date after the log itself. So the
 *   log has all the frames that its index knows.
 *
 * Both files are described at https://sqlite.org/walformat.html. A log is a header and frames of one page each; a frame
 * that tells the length of the database is the last of its transaction; all frames have the salts of the header, and
 * what an earlier use of the file has left behind has others.
 */

/**
 * Finds out whether the log has lost what was committed. Only for a database that was written with durability full.
 *
 * What a process that was killed had written and not synced, SQLite takes for committed. It is synced first: else a power
 * cut could take it from under what is going to be built upon it, and the two would no longer be told apart.
 *
 * @param file the database; another process may be writing it
 * @throws StoreError
 */
export function checkLog(file: string): void {
  if (existsSync(`${file}-wal`)) syncPath(`${file}-wal`)
  const lost = findLost(file)
  // Was it another process that we caught in the middle of its work? Damage is still there, and just there.
  if (lost === undefined || lost.at !== findLost(file)?.at) return
  throw damage(`${lost.pages} pages behind byte ${lost.at} can be read no more`, `${file}-wal`)
}

/** How many pages a damaged log keeps from us. */
export function lostLogPages(file: string): number {
  return findLost(file)?.pages ?? 0
}

interface Lost {
  /** Byte of the log from which on SQLite reads nothing. */
  readonly at: number
  readonly pages: number
}

const headerBytes = 32
const frameHeaderBytes = 24
/** Of every database of ours. */
const ourPageBytes = 4096

function findLost(file: string): Lost | undefined {
  // The index comes first: what it knows is in the log by then.
  const index = readIndex(contentOf(`${file}-shm`))
  const log = contentOf(`${file}-wal`)
  if (!headerIsIntact(log)) {
    // What was written back into the database needs no log; but a part of a log would be put on top of it.
    const missed = index === undefined ? 0 : index.frames - index.writtenBack
    const pages = Math.max(writtenFrames(log), missed)
    return pages === 0 ? undefined : { at: 0, pages }
  }
  const frameBytes = frameHeaderBytes + log.readUInt32BE(8)
  const intact = intactFrames(log, frameBytes)
  const isItsIndex = index?.salts.equals(log.subarray(16, 24)) === true
  const missed = isItsIndex ? index.frames - intact : 0
  const pages = Math.max(framesBehind(log, frameBytes, intact), missed)
  return pages === 0 ? undefined : { at: headerBytes + intact * frameBytes, pages }
}

/** A header is on the disk before the first frame is written, so where there are frames it was intact. */
function writtenFrames(log: Buffer): number {
  let pages = 0
  const frameBytes = frameHeaderBytes + ourPageBytes
  for (let frame = headerBytes; frame + frameBytes <= log.length; frame += frameBytes) {
    if (log.readUInt32BE(frame) !== 0) pages += 1
  }
  return pages
}

/** Frames from the broken one on, if there are more than a crash can have left there. */
function framesBehind(log: Buffer, frameBytes: number, intact: number): number {
  let pages = 0
  let anotherFollows = false
  for (let frame = headerBytes + intact * frameBytes; frame + frameBytes <= log.length; frame += frameBytes) {
    if (log.compare(log, 16, 24, frame + 8, frame + 16) !== 0) continue
    pages += 1
    if (log.readUInt32BE(frame + 4) !== 0 && isContinued(log, frame, frameBytes)) anotherFollows = true
  }
  return anotherFollows ? pages : 0
}

/**
 * Whether the frame behind this one was written on top of it. One that was not is left from a transaction that failed:
 * what came after that took its place only as far as it was long.
 */
function isContinued(log: Buffer, frame: number, frameBytes: number): boolean {
  const next = frame + frameBytes
  if (next + frameBytes > log.length) return false
  const { first, second } = storedChecksum(log, frame)
  const checksum = new Checksum(checksumsAreLittleEndian(log), first, second)
  return checksum.addsUpTo(log, next, frameBytes)
}

function contentOf(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0)
}

/** The lowest bit tells in which byte order the log's checksums are summed up. */
const magicNumber = 0x377f0682

function headerIsIntact(log: Buffer): boolean {
  if (log.length < headerBytes || (log.readUInt32BE(0) & ~1) >>> 0 !== magicNumber) return false
  const checksum = new Checksum(checksumsAreLittleEndian(log))
  checksum.add(log, 0, 24)
  return checksum.equals(log.readUInt32BE(24), log.readUInt32BE(28))
}

/** The frames that SQLite reads. Each is summed up on top of those before it. */
function intactFrames(log: Buffer, frameBytes: number): number {
  const checksum = new Checksum(checksumsAreLittleEndian(log))
  checksum.add(log, 0, 24)
  let frames = 0
  for (let frame = headerBytes; frame + frameBytes <= log.length; frame += frameBytes) {
    if (log.compare(log, 16, 24, frame + 8, frame + 16) !== 0) break
    if (!checksum.addsUpTo(log, frame, frameBytes)) break
    frames += 1
  }
  return frames
}

function storedChecksum(log: Buffer, frame: number): { readonly first: number; readonly second: number } {
  return { first: log.readUInt32BE(frame + 16), second: log.readUInt32BE(frame + 20) }
}

function checksumsAreLittleEndian(log: Buffer): boolean {
  return (log.readUInt32BE(0) & 1) === 0
}

interface LogIndex {
  /** Committed frames in the log. */
  readonly frames: number
  /** How many of them are in the database too. */
  readonly writtenBack: number
  /** As they stand in the log. */
  readonly salts: Buffer
}

/** The index is in the byte order of the machine, which is little-endian for all that we run on. */
function readIndex(index: Buffer): LogIndex | undefined {
  if (index.length < 136) return undefined
  const checksum = new Checksum(true)
  checksum.add(index, 0, 40)
  // Its head is there twice, so that nobody reads half of it.
  const isWhole = index.compare(index, 0, 48, 48, 96) === 0
  if (!isWhole || !checksum.equals(index.readUInt32LE(40), index.readUInt32LE(44))) return undefined
  return {
    frames: index.readUInt32LE(16),
    writtenBack: index.readUInt32LE(96),
    salts: index.subarray(32, 40),
  }
}

/** SQLite's sum of pairs of numbers. */
class Checksum {
  readonly #littleEndian: boolean
  #first: number
  #second: number

  constructor(littleEndian: boolean, first = 0, second = 0) {
    this.#littleEndian = littleEndian
    this.#first = first
    this.#second = second
  }

  /** Adds a frame. @returns whether that gives what stands in it */
  addsUpTo(log: Buffer, frame: number, frameBytes: number): boolean {
    this.add(log, frame, frame + 8)
    this.add(log, frame + frameHeaderBytes, frame + frameBytes)
    const { first, second } = storedChecksum(log, frame)
    return this.equals(first, second)
  }

  /** Adds `bytes[start, end)`, which eight must divide. */
  add(bytes: Buffer, start: number, end: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    for (let offset = start; offset < end; offset += 8) {
      this.#first = (this.#first + view.getUint32(offset, this.#littleEndian) + this.#second) >>> 0
      this.#second = (this.#second + view.getUint32(offset + 4, this.#littleEndian) + this.#first) >>> 0
    }
  }

  equals(first: number, second: number): boolean {
    return this.#first === first && this.#second === second
  }
}
