import { readFileSync } from "node:fs"

/** A change of the disk, as faulty-disk.c has written it down: a write when it was about to happen, all else when it had. */
export type DiskChange =
  | { readonly change: "write"; readonly file: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly change: "truncate"; readonly file: number; readonly length: number }
  | { readonly change: "sync"; readonly file: number }
  /** The file is called this from now on; whatever was called so is not any more. */
  | { readonly change: "enter"; readonly file: number; readonly name: string }
  | { readonly change: "remove"; readonly name: string }
  | { readonly change: "rename"; readonly from: string; readonly to: string }
  | { readonly change: "sync-directory" }
  /** The head of the log's index, which is mapped into memory: it may be on the disk from now on, or never. */
  | { readonly change: "log-index"; readonly head: Uint8Array }

export interface JournalRecord {
  /** Where it ends in the journal. */
  readonly position: number
  readonly change: DiskChange
}

const recordBytes = 24

export function readJournal(path: string): readonly JournalRecord[] {
  const journal = readFileSync(path)
  const records: JournalRecord[] = []
  for (let at = 0; at + recordBytes <= journal.length;) {
    const op = journal.readUInt32LE(at)
    const length = journal.readUInt32LE(at + 4)
    const file = Number(journal.readBigUInt64LE(at + 8))
    const number = Number(journal.readBigUInt64LE(at + 16))
    const bytes = journal.subarray(at + recordBytes, at + recordBytes + length)
    at += recordBytes + length
    records.push({ position: at, change: changeOf(op, file, number, bytes) })
  }
  return records
}

function changeOf(op: number, file: number, number: number, bytes: Buffer): DiskChange {
  const text = () => bytes.toString()
  switch (op) {
    case 1:
      return { change: "write", file, offset: number, bytes }
    case 2:
      return { change: "truncate", file, length: number }
    case 3:
      return { change: "sync", file }
    case 4:
      return { change: "enter", file, name: text() }
    case 5:
      return { change: "remove", name: text() }
    case 6: {
      const [from = "", to = ""] = text().split("\0")
      return { change: "rename", from, to }
    }
    case 7:
      return { change: "sync-directory" }
    case 8:
      return { change: "log-index", head: bytes }
    default:
      throw new Error(`a journal knows no ${op}`)
  }
}
