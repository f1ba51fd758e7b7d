import { globSync, renameSync, writeFileSync } from "node:fs"

/** Stands between a process and the clock on its wall. Debian has it as libfaketime. */
const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1")

/** A wall that somebody puts back and forward; the steady clock of the machine goes on behind it. */
export class Wall {
  readonly #file: string

  /** @param file of its own */
  constructor(file: string) {
    this.#file = file
    this.put(0)
  }

  /** False: there is no such library here. */
  static get canBePut(): boolean {
    return library !== undefined
  }

  /** What a process is to find in its environment. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library ?? "",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    }
  }

  /** From now on, or a second later, it says so much more than the true time. */
  put(aheadSeconds: number): void {
    // Whoever reads it meanwhile finds the old or the new.
    writeFileSync(`${this.#file}.new`, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}\n`)
    renameSync(`${this.#file}.new`, this.#file)
  }
}
