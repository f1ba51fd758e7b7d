import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { isMainThread, parentPort, workerData } from "node:worker_threads"
import { unreachable } from "../../foundation/assert.ts"
import { errorText } from "../../foundation/log.ts"
import type { AdministrativeChange } from "../account-store.ts"
import { StoreError } from "../store-error.ts"
import { Accounts } from "./accounts.ts"
import { DropTable } from "./drops.ts"
import type { BatchLog } from "./batch-log.ts"
import { asStoreError, type Database } from "./database.ts"
import { databaseFile, type DirectoryLock } from "./directory.ts"
import type {
  AccountQuestion,
  FromWorker,
  Question,
  QuestionKind,
  Questions,
  ToWorker,
  WorkerSettings,
} from "./exchange.ts"
import type { WriteWay } from "./group-commit.ts"
import { closeHead } from "./head.ts"
import { openServed, type Opened } from "./opening.ts"
import { putBack } from "./put-back.ts"
import { StoreReader } from "./reader.ts"
import { StandingFiles } from "./standing-files.ts"
import type { TimeKeeper } from "./time-keeper.ts"

/** Tells the storage worker from any other one that the program may start. */
export const storageWorkerRole = "bantam-storage"

/** The log is written back once it holds this many pages: 4 MiB, a few milliseconds. */
const checkpointPages = 1000

/** Between two looks whether another process has written, or taken the files away. */
const lookoutMs = 100

/**
 * Whether this thread was started to be the storage worker. In the compiled program every thread begins with the
 * program's own entry, so that asks first of all, and then calls `runStorageWorker` instead of reading the command line.
 * Run from its sources, the worker begins in worker-entry.ts.
 */
export function isStorageWorker(): boolean {
  return !isMainThread && (workerData as { role?: unknown } | null)?.role === storageWorkerRole
}

/** Opens the database and serves the thread that started this one until it says close. */
export function runStorageWorker(): void {
  const { settings } = workerData as { settings: WorkerSettings }
  const port = parentPort
  if (port === null) throw new Error("assertion failed: the storage worker is a worker")
  const send = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  try {
    const { recovered, ...opened } = openServed(settings)
    const end = () => port.close()
    const worker = new StorageWorker(databaseFile(settings.directory), opened, send, end)
    port.on("message", (message: ToWorker) => {
      if (message.type !== "close") return worker.take(message)
      worker.close()
      send({ type: "closed" })
      end()
    })
    const [lastSession, nowMs] = [worker.lastSession(), worker.now()]
    send({ type: "opened", lastSession, nowMs, ...(recovered && { recovered }) })
  } catch (error) {
    const damaged = error instanceof StoreError && error.damaged
    send({ type: "refused", why: errorText(error), damaged })
    port.close()
  }
}

class StorageWorker {
  readonly #file: string
  readonly #database: Database
  readonly #log: BatchLog
  readonly #lock: DirectoryLock
  readonly #send: (message: FromWorker, transfer?: ArrayBuffer[]) => void
  readonly #end: () => void
  readonly #reader: StoreReader
  readonly #files: StandingFiles
  readonly #accounts: Accounts
  readonly #drops: DropTable
  readonly #time: TimeKeeper
  readonly #lookout: NodeJS.Timeout
  #dataVersion: number | undefined
  #moreIsDue: NodeJS.Immediate | undefined
  #upkeepFails = false
  #timeIsLost = false
  #isLost = false
  /** Since a write failed, the log has not been written back to its end. */
  #isOverdue = false

  constructor(
    file: string,
    { database, log, time, lock }: Omit<Opened, "recovered">,
    send: (message: FromWorker, transfer?: ArrayBuffer[]) => void,
    end: () => void,
  ) {
    this.#file = file
    this.#end = end
    this.#files = new StandingFiles([file, `${file}-wal`, `${file}-shm`, lock.file])
    this.#database = database
    this.#log = log
    this.#lock = lock
    this.#send = send
    this.#reader = new StoreReader(database, (what) => {
      send({
        type: "trouble",
        sentence: "a damaged record was left out; bantam serve --recover removes it",
        what,
      })
    })
    this.#accounts = new Accounts(database)
    this.#drops = new DropTable(database)
    this.#time = time
    this.#dataVersion = dataVersion(database)
    this.#lookout = setInterval(() => this.#lookOut(), lookoutMs)
  }

  lastSession(): number {
    return this.#reader.lastSession()
  }

  now(): number {
    return this.#time.now()
  }

  take(message: Exclude<ToWorker, { type: "close" }>): void {
    // It was on its way when the end of the port was decided.
    if (this.#isLost) return
    if (message.type === "write") this.#write(message.packed, message.way)
    else this.#answer(message.number, message.question)
  }

  close(): void {
    if (this.#isLost) return
    this.#rest()
    this.#writeHead()
    this.#database.close()
    this.#lock.release()
  }

  #rest(): void {
    clearImmediate(this.#moreIsDue)
    clearInterval(this.#lookout)
  }

  #writeHead(): void {
    try {
      this.#log.foldAll()
      this.#time.keep()
      closeHead(this.#database)
    } catch (error) {
      const sentence = "the head record could not be written, so the next start cannot compare with it"
      this.#send({ type: "trouble", sentence, what: errorText(error) })
    }
  }

  /**
   * Nobody will find what is written to a file that is removed, so nothing of it is promised any more, and the broker is
   * to stop. What is committed is still at hand: it goes where the next one finds it.
   */
  #lose(missing: string): void {
    this.#isLost = true
    this.#send({ type: "lost", why: `${missing} was removed or replaced while it was served` })
    this.#rest()
    // Without the lock another may serve the database by now, in which we must not write then.
    if (missing === this.#file || this.#holdsDirectory()) this.#writeHead()
    try {
      this.#send({ type: "trouble", ...this.#leave(missing) })
    } catch (error) {
      const sentence = "what was stored is lost, for it could not be written again"
      this.#send({ type: "trouble", sentence, what: errorText(error) })
    }
    this.#lock.release()
    this.#end()
  }

  /** Closes the database. @returns where what it holds is */
  #leave(missing: string): { sentence: string; what: string } {
    const directory = dirname(this.#file)
    if (!existsSync(directory)) {
      this.#database.close()
      const sentence = "what was stored is where its directory was moved to; if that was removed, it is lost"
      return { sentence, what: directory }
    }
    if (missing !== this.#file) {
      // Closing writes the log back, if that alone is missing.
      this.#database.close()
      return { sentence: "what was stored is in its place, for the next start", what: this.#file }
    }
    const place = this.#putBack()
    const where =
      place === this.#file ? "in its place again, for the next start" : "beside what is in its place"
    return { sentence: `what was stored is ${where}`, what: place }
  }

  #holdsDirectory(): boolean {
    return this.#files.standing().includes(this.#lock.file)
  }

  #putBack(): string {
    const left = this.#files.standing().filter((path) => path !== this.#lock.file)
    return putBack(this.#database, this.#file, left, Date.now())
  }

  #write(packed: Uint8Array<ArrayBuffer>, way: WriteWay): void {
    let failure: string | undefined
    try {
      if (way === "probe") this.#log.probe()
      if (way === "log") this.#log.append(packed)
      else this.#log.applyAtOnce(packed)
    } catch (error) {
      failure = errorText(asStoreError(error, this.#file))
    }
    // Before what is committed is promised to anybody.
    const missing = this.#files.missing()
    if (missing !== undefined) return this.#lose(missing)
    this.#send({ type: "written", failure, buffer: packed.buffer }, [packed.buffer])
    // Only now, so that the acknowledgements of this batch do not wait for it.
    this.#keepUp(failure !== undefined)
  }

  /** Folds what is due, one part in a turn, and writes the log back. A failed write tells more than we could here. */
  #keepUp(writeFailed: boolean): void {
    clearImmediate(this.#moreIsDue)
    try {
      if (!writeFailed && this.#log.foldDue()) this.#moreIsDue = setImmediate(() => this.#keepUp(false))
      this.#checkpoint(writeFailed)
      this.#upkeepFails = false
    } catch (error) {
      // What is committed is safe in the log, which grows until this succeeds.
      if (writeFailed || this.#upkeepFails) return
      this.#upkeepFails = true
      const sentence = "the log of the database cannot be written back, and grows"
      this.#send({ type: "trouble", sentence, what: errorText(error) })
    }
  }

  #lookOut(): void {
    const missing = this.#files.missing()
    if (missing !== undefined) return this.#lose(missing)
    this.#keepTime()
    this.#noticeOthers()
  }

  /** SQLite counts what others commit. Of them only the command line writes, and that only accounts. */
  #noticeOthers(): void {
    const version = dataVersion(this.#database)
    if (version === undefined || version === this.#dataVersion) return
    this.#dataVersion = version
    this.#send({ type: "accounts-changed" })
  }

  #keepTime(): void {
    try {
      this.#time.look()
      this.#timeIsLost = false
    } catch (error) {
      if (this.#timeIsLost) return
      this.#timeIsLost = true
      const sentence = "the time cannot be kept for the next start"
      this.#send({ type: "trouble", sentence, what: errorText(error) })
    }
  }

  /**
   * A log that cannot grow is written back early: then it is begun anew, in the room that it has. For that the database
   * may have to grow itself, so the first room that there is again is not left to the log.
   */
  #checkpoint(early: boolean): void {
    if (early) this.#isOverdue = true
    const log = this.#database.query<WrittenBack, []>("PRAGMA wal_checkpoint(NOOP)").get()?.log ?? 0
    if (log < checkpointPages && !this.#isOverdue) return
    const done = this.#database.query<WrittenBack, []>("PRAGMA wal_checkpoint(PASSIVE)").get()
    this.#isOverdue = done !== null && done.checkpointed < done.log
  }

  #answer(number: number, question: Question): void {
    try {
      const answer = this.#find(question)
      const missing = writes(question) ? this.#files.missing() : undefined
      if (missing !== undefined) return this.#lose(missing)
      const transfer = isPage(answer) ? [answer.packed.buffer] : []
      this.#send({ type: "answer", number, answer }, transfer)
    } catch (error) {
      const storeError = asStoreError(error, this.#file)
      const damaged = storeError instanceof StoreError && storeError.damaged
      this.#send({ type: "declined", number, why: errorText(storeError), damaged })
      return
    }
    // A broker that only refuses and drops writes nothing else, and its log would grow for ever.
    if (writes(question)) this.#keepUp(false)
  }

  #find({ kind, asks }: Question): Questions[QuestionKind]["gives"] {
    switch (kind) {
      case "queue":
        this.#log.foldAll()
        return this.#reader.queue(asks.session, asks.after, asks.limit)
      case "sessions":
        this.#log.foldAll()
        return this.#reader.sessions(asks.after, asks.limit)
      case "retained":
        this.#log.foldAll()
        return this.#reader.retained(asks.after, asks.limit)
      case "accounts":
        return this.#account(asks)
      case "addDrops":
        this.#drops.addDrops(asks)
        return undefined
      case "drops":
        return this.#drops.drops(asks)
      default:
        return unreachable(kind)
    }
  }

  /** Whoever asks has typed verb and words against the contract, which two threads cannot. */
  #account({ verb, words }: AccountQuestion): unknown {
    const ask = this.#accounts[verb] as (...words: readonly unknown[]) => unknown
    const given = ask.apply(this.#accounts, [...words])
    if (verb === "change" && !isMereRehash(words[1])) this.#send({ type: "accounts-changed" })
    return given
  }
}

/** Pages that the log holds, and how many of them the database has. */
interface WrittenBack {
  readonly log: number
  readonly checkpointed: number
}

function writes({ kind, asks }: Question): boolean {
  return kind === "addDrops" || (kind === "accounts" && (asks.verb === "change" || asks.verb === "record"))
}

/** The same passwords hashed in another way: that changes nothing for anybody. */
function isMereRehash(changes: unknown): boolean {
  return (changes as readonly AdministrativeChange[]).every(({ change }) => change.change === "rehash")
}

function isPage(answer: unknown): answer is { readonly packed: Uint8Array<ArrayBuffer> } {
  return answer instanceof Object && "packed" in answer
}

/** @returns undefined when it cannot be read now: whoever writes next will say why */
function dataVersion(database: Database): number | undefined {
  try {
    return database.query<{ data_version: number }, []>("PRAGMA data_version").get()?.data_version
  } catch {
    return undefined
  }
}
