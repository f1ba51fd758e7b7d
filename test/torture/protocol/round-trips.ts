/** What an honest pair of clients saw while others misbehaved. */
export interface RoundTrips {
  readonly count: number
  readonly longestMs: number
  /** Undefined, or missing: neither lost its connection. */
  readonly lost?: string | undefined
}

const program = new URL("honest-pair.ts", import.meta.url).pathname

/** Measures the broker's round trip, from a process of its own, for as long as it is there. */
export class HonestPair implements Disposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">
  readonly #said: AsyncIterator<Uint8Array>
  readonly #decoder = new TextDecoder()

  private constructor(port: number) {
    this.#process = Bun.spawn({
      cmd: [process.execPath, "run", program, String(port)],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    })
    this.#said = this.#process.stdout[Symbol.asyncIterator]()
  }

  /** Resolves when it has begun. @throws Error when it cannot */
  static async begin(port: number): Promise<HonestPair> {
    const pair = new HonestPair(port)
    const word = await pair.#listen()
    if (word.trim() !== "ready") throw new Error(`the honest pair cannot begin: ${word}`)
    return pair
  }

  /** @throws Error when it broke down */
  async end(): Promise<RoundTrips> {
    await this.#process.stdin.end()
    return JSON.parse(await this.#listen()) as RoundTrips
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL")
  }

  /** The next it says, which is one line at a time and short. */
  async #listen(): Promise<string> {
    const { done, value } = await this.#said.next()
    if (done === true) throw new Error("the honest pair has broken down")
    return this.#decoder.decode(value)
  }
}
