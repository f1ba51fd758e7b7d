import type { Trial } from "../torture.ts"

/*
 * Load in a process of its own, so that its work is not measured with the watch's. It is told what to do in one JSON
 * argument, says what it has done in lines of JSON, and is told to go on by lines on its standard input.
 */

const patienceMs = { short: 60_000, long: 300_000 } as const satisfies Record<Trial["effort"], number>

/** Runs a file of this folder. `Said` is a union, told apart by `did`. */
export class LoadProcess<Said extends { readonly did: string }> {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">
  readonly #said: Said[] = []
  readonly #ended: Promise<void>
  #heard: (() => void) | undefined

  private constructor(file: string, task: unknown, { effort }: Trial) {
    this.#process = Bun.spawn({
      cmd: [process.execPath, "run", new URL(file, import.meta.url).pathname, JSON.stringify(task)],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    })
    this.#ended = this.#listen()
    // What a broker never answers must not be waited for without end.
    const patience = setTimeout(() => this.#process.kill("SIGKILL"), patienceMs[effort])
    void this.#process.exited.then(() => clearTimeout(patience))
  }

  /**
   * It is ended when it has not come to its own end after a minute, or after five in a long trial.
   *
   * @param file such as `slow-readers-load.ts`
   */
  static start<Said extends { readonly did: string }>(
    file: string,
    task: unknown,
    trial: Trial,
  ): LoadProcess<Said> {
    return new LoadProcess<Said>(file, task, trial)
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Tells it to go on: what it awaits with `Told.next`. */
  tell(word: string): void {
    this.#process.stdin.write(`${word}\n`)
    this.#process.stdin.flush()
  }

  /** The first that it said of the kind, now or later. @throws Error when it ends without */
  async says<Did extends Said["did"]>(did: Did): Promise<Extract<Said, { readonly did: Did }>> {
    let isOver = false
    void this.#ended.then(() => (isOver = true))
    for (;;) {
      const said = this.#said.find((each) => each.did === did)
      if (said !== undefined) return said as Extract<Said, { readonly did: Did }>
      if (isOver) throw new Error(`the load ended before it said "${did}"`)
      const heard = Promise.withResolvers<void>()
      const earlier = this.#heard
      this.#heard = () => {
        earlier?.()
        heard.resolve()
      }
      await Promise.race([heard.promise, this.#ended])
    }
  }

  /** @throws Error when it failed */
  async ended(): Promise<void> {
    const code = await this.#process.exited
    await this.#ended
    if (code !== 0) throw new Error(`the load ended with ${code}`)
  }

  /** Whatever becomes of the torture, it does not stay behind. */
  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL")
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ""
    for await (const chunk of this.#process.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) this.#said.push(JSON.parse(line) as Said)
      this.#heard?.()
      this.#heard = undefined
    }
  }
}
