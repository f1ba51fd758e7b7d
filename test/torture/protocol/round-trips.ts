import { patiently } from "../patience.ts"

/** What an honest pair of clients saw while others misbehaved. */
export interface RoundTrips {
  readonly count: number
  readonly longestMs: number
  /** Undefined, or missing: neither lost its connection. */
  readonly lost?: string | undefined
}

const program = new URL("honest-pair.ts", import.meta.url).pathname
/** Longer than the pair waits for an answer itself, which it then says. */
const patienceMs = 45_000

/** Measures the broker's round trip, from a process of its own, for as long as it is there. */
export class HonestPair implements Disposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">
  readonly #said: AsyncIterator<Uint8Array>
  readonly #decoder = new TextDecoder()

  private constructor(port: number, topic: string) {
    this.#process = Bun.spawn({
      cmd: [process.execPath, "run", program, String(port), topic],
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    })
    this.#said = this.#process.stdout[Symbol.asyncIterator]()
  }

  /**
   * Resolves when it has begun.
   *
   * @param topic what it talks about; with `$` before it nobody hears it whose filter begins with a wildcard [MQTT-4.7.2-1]
   * @throws Error when it cannot, or waits for that in vain
   */
  static async begin(port: number, topic = "honest/pair"): Promise<HonestPair> {
    const pair = new HonestPair(port, topic)
    try {
      const word = await pair.#listen()
      if (word.trim() !== "ready") throw new Error(`the honest pair cannot begin: ${word}`)
      return pair
    } catch (error) {
      pair[Symbol.dispose]()
      throw error
    }
  }

  /** @throws Error when it broke down, or says nothing any more */
  async end(): Promise<RoundTrips> {
    await this.#process.stdin.end()
    return JSON.parse(await this.#listen()) as RoundTrips
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL")
  }

  /** The next it says, which is one line at a time and short. */
  async #listen(): Promise<string> {
    const { done, value } = await patiently(this.#said.next(), "a word of the honest pair", patienceMs)
    if (done === true) throw new Error("the honest pair has broken down")
    return this.#decoder.decode(value)
  }
}
