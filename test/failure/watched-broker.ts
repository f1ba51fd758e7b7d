import { afterAll } from "bun:test"
import { executable } from "../../scripts/executable.ts"
import { type Client, connectClient } from "../../src/client/client.ts"
import type { ClientOptions } from "../../src/client/client-options.ts"

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly [field: string]: unknown
}

export interface WatchedBrokerOptions {
  /** More words behind `serve`. */
  readonly words?: readonly string[]
  /** Run by bash before it turns into the broker, such as `ulimit -n 200`. */
  readonly shell?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Runs this in place of the compiled broker. */
  readonly program?: readonly string[]
}

interface LineWaiter {
  readonly text: string
  found(line: LogLine): void
}

/** A broker in a process of its own that is going to be mistreated. Whatever its log says can be waited for. */
export class WatchedBroker {
  readonly lines: LogLine[] = []
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">
  readonly #waiters = new Set<LineWaiter>()
  readonly #readToTheEnd: Promise<void>

  private constructor(program: readonly string[], options: WatchedBrokerOptions) {
    const { words = [], shell = "", env = {}, cwd } = options
    this.#process = Bun.spawn({
      cmd: ["bash", "-c", `${shell}\nexec "$0" "$@"`, ...program, "serve", "--log-format", "json", ...words],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...(cwd === undefined ? {} : { cwd }),
    })
    started.add(this.#process)
    this.#readToTheEnd = this.#read()
  }

  /** Does not wait until it serves: it may be meant to refuse. */
  static async launch(options: WatchedBrokerOptions = {}): Promise<WatchedBroker> {
    return new WatchedBroker(options.program ?? [await executable()], options)
  }

  /** @throws Error with all it said, when it ends before it serves */
  static async serving(options: WatchedBrokerOptions = {}): Promise<WatchedBroker> {
    const broker = await WatchedBroker.launch(options)
    await broker.says("serving")
    return broker
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  get pid(): number {
    return this.#process.pid
  }

  /** The real addresses, in the order of the settings. */
  get urls(): readonly string[] {
    return String(this.all("serving")[0]?.["urls"] ?? "").split(" ")
  }

  /** The lines so far whose message contains the text. */
  all(text: string): readonly LogLine[] {
    return this.lines.filter(({ message }) => message.includes(text))
  }

  /**
   * The first line whose message contains the text, now or later.
   *
   * @param beyond leaves out what was said before that many lines
   * @throws Error with all it said, when it ends without
   */
  async says(text: string, beyond = 0): Promise<LogLine> {
    const said = this.lines.slice(beyond).find(({ message }) => message.includes(text))
    if (said !== undefined) return said
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>()
    this.#waiters.add({ text, found: resolve })
    const ended = () => reject(new Error(`it never said "${text}":\n${this.#told()}`))
    this.#readToTheEnd.then(ended, reject)
    return promise
  }

  /** A client of the first address that has the scheme. */
  client(options: Partial<ClientOptions> & { readonly clientId: string }): Promise<Client> {
    return connectClient(
      { scheme: "tcp", host: "127.0.0.1", port: this.port("tcp") },
      { version: 5, keepAliveSeconds: 0, ...options },
    )
  }

  port(scheme: string): number {
    const url = this.urls.find((each) => each.startsWith(`${scheme}://`)) ?? ""
    return Number(url.slice(url.lastIndexOf(":") + 1))
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** @returns the exit code, 128 and more after a signal that it did not survive; all it said is in `lines` then */
  async ended(): Promise<number> {
    await this.#process.exited
    await this.#readToTheEnd
    const { exitCode, signalCode } = this.#process
    return signalCode === null ? (exitCode ?? -1) : 128
  }

  /** SIGTERM. @returns the exit code */
  stop(): Promise<number> {
    this.signal("SIGTERM")
    return this.ended()
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.signal("SIGKILL")
    await this.ended()
  }

  async #read(): Promise<void> {
    let rest = ""
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) if (line !== "") this.#take(parse(line))
    }
    started.delete(this.#process)
  }

  #take(line: LogLine): void {
    this.lines.push(line)
    for (const waiter of this.#waiters) {
      if (!line.message.includes(waiter.text)) continue
      this.#waiters.delete(waiter)
      waiter.found(line)
    }
  }

  #told(): string {
    return this.lines.map((line) => JSON.stringify(line)).join("\n")
  }
}

/** What is no JSON is a refusal on standard error, or comes from the runtime. */
function parse(line: string): LogLine {
  return line.startsWith("{") ? (JSON.parse(line) as LogLine) : { level: "none", message: line }
}

/** Those that still run: a test that fails leaves none behind. */
const started = new Set<Bun.Subprocess>()
afterAll(() => {
  for (const each of started) each.kill("SIGKILL")
})
