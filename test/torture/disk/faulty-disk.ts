import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** As `enum`s in faulty-disk.c. */
const calls = { write: 1, sync: 2, read: 4, create: 8, truncate: 16 } as const
const files = { database: 1, log: 2, logIndex: 4, other: 8 } as const
const errors = { EIO: 5, ENOSPC: 28, EROFS: 30 } as const

export type DiskCall = keyof typeof calls
export type DiskFile = keyof typeof files
export type DiskError = keyof typeof errors

export interface DiskFault {
  readonly calls: readonly DiskCall[]
  /** All of them, if not said. */
  readonly files?: readonly DiskFile[]
  readonly error: DiskError
  /** Of a thousand calls so many fail; all of them, if not said. */
  readonly perThousand?: number
  /** After so many the disk is well again; never, if not said. */
  readonly atMost?: number
}

/** `struct control` of faulty-disk.c, in words of four bytes. */
const field = {
  calls: 0,
  files: 1,
  error: 2,
  perThousand: 3,
  atMost: 4,
  syncDelayMs: 5,
  shortWrites: 6,
  random: 7,
  failed: 8,
  shortened: 9,
  synced: 10,
} as const
const controlBytes = 4096

/** Why a torture was not tried for which `FaultyDisk.make` has no disk. */
export const noCompiler = "no gcc"

/**
 * A directory on a disk that fails when it is told to, and that remembers what was done to it: a library is laid between
 * the compiled broker and the system (faulty-disk.c).
 */
export class FaultyDisk implements Disposable {
  /** Of the store. It is not there yet. */
  readonly directory: string
  /** What the broker must find in its environment. */
  readonly env: Readonly<Record<string, string>>
  /** What disk-journal.ts reads; empty where nothing is recorded. */
  readonly journal: string
  readonly #parent: string
  readonly #control: Uint32Array
  readonly #recording: number | undefined

  private constructor(library: string, { seed, recording }: { seed: number; recording: boolean }) {
    this.#parent = mkdtempSync(join(tmpdir(), "bantam-faulty-"))
    this.directory = join(this.#parent, "disk", "store")
    mkdirSync(join(this.#parent, "disk"))
    const control = join(this.#parent, "control")
    writeFileSync(control, new Uint8Array(controlBytes))
    this.#control = new Uint32Array(Bun.mmap(control, { shared: true }).buffer)
    this.#set("random", seed)
    this.journal = recording ? join(this.#parent, "journal") : ""
    this.#recording = recording ? openSync(this.journal, "a") : undefined
    this.env = {
      LD_PRELOAD: library,
      FAULTY_DISK_DIRECTORY: this.directory,
      FAULTY_DISK_CONTROL: control,
      ...(recording && { FAULTY_DISK_JOURNAL: this.journal }),
    }
  }

  /** @returns undefined where there is no compiler for it */
  static async make(options: { seed: number; recording: boolean }): Promise<FaultyDisk | undefined> {
    library ??= compile()
    const path = await library
    return path === undefined ? undefined : new FaultyDisk(path, options)
  }

  /** How long the journal is: whatever is behind this has not happened yet. */
  get journalBytes(): number {
    return this.#recording === undefined ? 0 : fstatSync(this.#recording).size
  }

  /** Calls that failed because they were told to. */
  get failed(): number {
    return this.#get("failed")
  }

  /** Writes that took only a part of what they were given. */
  get shortened(): number {
    return this.#get("shortened")
  }

  get synced(): number {
    return this.#get("synced")
  }

  /** From now on, in place of what was told before. */
  fail(fault: DiskFault): void {
    const { error, perThousand = 1000, atMost = 0xffff_ffff } = fault
    this.#set("atMost", 0)
    this.#set("calls", sum(fault.calls.map((call) => calls[call])))
    this.#set(
      "files",
      sum((fault.files ?? ["database", "log", "logIndex", "other"]).map((file) => files[file])),
    )
    this.#set("error", errors[error])
    this.#set("perThousand", perThousand)
    this.#set("atMost", atMost)
  }

  /** Each sync takes so long. */
  slow(syncDelayMs: number): void {
    this.#set("syncDelayMs", syncDelayMs)
  }

  /** Of a thousand writes, so many take only half of their bytes. */
  shorten(perThousand: number): void {
    this.#set("shortWrites", perThousand)
  }

  heal(): void {
    this.#set("atMost", 0)
    this.slow(0)
    this.shorten(0)
  }

  [Symbol.dispose](): void {
    if (this.#recording !== undefined) closeSync(this.#recording)
    rmSync(this.#parent, { recursive: true, force: true })
  }

  #set(name: keyof typeof field, value: number): void {
    this.#control[field[name]] = value
  }

  #get(name: keyof typeof field): number {
    return this.#control[field[name]] ?? 0
  }
}

let library: Promise<string | undefined> | undefined

/** Once for each process. */
async function compile(): Promise<string | undefined> {
  if (process.platform !== "linux" || Bun.which("gcc") === null) return undefined
  const folder = mkdtempSync(join(tmpdir(), "bantam-faulty-library-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, "faulty-disk.so")
  const source = join(import.meta.dir, "faulty-disk.c")
  const compiling = Bun.spawn({
    cmd: ["gcc", "-O2", "-shared", "-fPIC", "-o", path, source, "-ldl", "-lpthread"],
    stderr: "pipe",
  })
  const said = await compiling.stderr.text()
  if ((await compiling.exited) !== 0 || !existsSync(path)) throw new Error(`faulty-disk.c: ${said}`)
  return path
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
