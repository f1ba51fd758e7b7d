import { Worker } from "node:worker_threads"
import type { Log } from "../../foundation/log.ts"
import { StoreError } from "../store-error.ts"
import type { FromWorker, QuestionKind, Questions, ToWorker, WorkerSettings } from "./exchange.ts"
import type { BatchWriter, WriteWay, Written } from "./group-commit.ts"
import type { SessionNumber } from "./operation.ts"
import type { RecoveredCounts } from "./recovery.ts"
import { storageWorkerRole } from "./worker.ts"

export interface OpenedWorker {
  readonly link: WorkerLink
  readonly lastSession: SessionNumber
  /** Of the clock that this run is to go by. */
  readonly nowMs: number
  readonly recovered: RecoveredCounts | undefined
}

interface Asker {
  answer(answer: unknown): void
  decline(error: StoreError): void
}

/** The main thread's end of the storage worker, which is started once and lives as long as the store. */
export class WorkerLink implements BatchWriter {
  readonly #worker: Worker
  readonly #log: Log
  readonly #askers = new Map<number, Asker>()
  readonly #opened = Promise.withResolvers<Omit<OpenedWorker, "link">>()
  readonly #exited = Promise.withResolvers<void>()
  #lastQuestion = 0
  #written: ((written: Written) => void) | undefined
  #troubles = 0
  /** Why no answer will come any more. */
  #ended: string | undefined
  #lost: ((why: string) => void) | undefined
  readonly #accountListeners: (() => void)[] = []

  private constructor(settings: WorkerSettings, log: Log) {
    this.#log = log
    // A compiled program has one entry for all its threads, and no file to point at.
    const entry = Bun.isStandaloneExecutable ? Bun.main : new URL("./worker-entry.ts", import.meta.url)
    this.#worker = new Worker(entry, { workerData: { role: storageWorkerRole, settings } })
    this.#worker.on("message", (message: FromWorker) => this.#receive(message))
    this.#worker.on("error", (error: Error) => this.#end(`the storage worker broke down: ${error.message}`))
    this.#worker.on("exit", () => {
      this.#end("the storage worker has ended")
      this.#exited.resolve()
    })
  }

  /** @throws StoreError as the worker's opening says */
  static async open(settings: WorkerSettings, log: Log): Promise<OpenedWorker> {
    const link = new WorkerLink(settings, log)
    try {
      return { link, ...(await link.#opened.promise) }
    } catch (error) {
      await link.#exited.promise
      throw error
    }
  }

  /** Calls should the worker end although nobody closed it: nothing can be written any more. */
  onLost(listener: (why: string) => void): void {
    this.#lost = listener
    if (this.#ended !== undefined) listener(this.#ended)
  }

  /** Calls after this process or another has changed accounts. */
  onAccountsChanged(listener: () => void): void {
    this.#accountListeners.push(listener)
  }

  write(packed: Uint8Array<ArrayBuffer>, way: WriteWay): Promise<Written> {
    if (this.#ended !== undefined) return Promise.resolve({ failure: this.#ended, buffer: undefined })
    return new Promise((resolve) => {
      this.#written = resolve
      this.#post({ type: "write", packed, way }, [packed.buffer])
    })
  }

  /** Answers see all that was written before. @throws StoreError */
  ask<Kind extends QuestionKind>(
    kind: Kind,
    asks: Questions[Kind]["asks"],
  ): Promise<Questions[Kind]["gives"]> {
    if (this.#ended !== undefined) return Promise.reject(new StoreError(this.#ended))
    const number = ++this.#lastQuestion
    return new Promise((answer, decline) => {
      this.#askers.set(number, { answer: (given) => answer(given as Questions[Kind]["gives"]), decline })
      this.#post({ type: "question", number, question: { kind, asks } as never }, [])
    })
  }

  /** A record that came from the worker says what no record of ours can say. */
  damaged(what: string): void {
    this.#trouble("a damaged record was left out; bantam serve --recover removes it", what)
  }

  /** Resolves when the worker has closed the database and is gone. */
  async close(): Promise<void> {
    this.#lost = undefined
    if (this.#ended === undefined) this.#post({ type: "close" }, [])
    await this.#exited.promise
  }

  #post(message: ToWorker, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer)
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "written": {
        const written = this.#written
        this.#written = undefined
        return written?.({ failure: message.failure, buffer: message.buffer })
      }
      case "answer":
        return this.#asker(message.number)?.answer(message.answer)
      case "declined":
        return this.#asker(message.number)?.decline(new StoreError(message.why, message.damaged))
      case "opened": {
        const { lastSession, nowMs, recovered } = message
        return this.#opened.resolve({ lastSession, nowMs, recovered })
      }
      case "refused":
        return this.#opened.reject(new StoreError(message.why, message.damaged))
      case "trouble":
        return this.#trouble(message.sentence, message.what)
      case "accounts-changed":
        for (const listener of this.#accountListeners) listener()
        return
      case "lost":
        return this.#end(message.why)
      case "closed":
        return
    }
  }

  #asker(number: number): Asker | undefined {
    const asker = this.#askers.get(number)
    this.#askers.delete(number)
    return asker
  }

  #trouble(sentence: string, what: string): void {
    this.#troubles += 1
    this.#log.error(sentence, { what, soFar: this.#troubles })
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return
    this.#ended = why
    this.#opened.reject(new StoreError(why))
    this.#written?.({ failure: why, buffer: undefined })
    for (const asker of this.#askers.values()) asker.decline(new StoreError(why))
    this.#askers.clear()
    this.#lost?.(why)
  }
}
