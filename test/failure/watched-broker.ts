import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
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
  /** Open files that it gets from us, as number 3 and on. */
  readonly descriptors?: readonly number[]
  /** Runs this in place of the compiled broker. */
  readonly program?: readonly string[]
}

interface Waiter {
  readonly text: string
  found(line: LogLine): void
  /** There will be no more lines. */
  missed(): void
}

/**
 * A broker in a process of its own that is going to be mistreated. Whatever its log says can be waited for.
 *
 * The log goes to a file, for that is written before the broker does anything else: when it has answered a client, what
 * it had to say until then is in `lines`.
 */
export class WatchedBroker {
  readonly #process: Bun.Subprocess
  readonly #folder = mkdtempSync(join(tmpdir(), "bantam-log-"))
  readonly #log: number
  readonly #waiters = new Set<Waiter>()
  readonly #lines: LogLine[] = []
  readonly #ended: Promise<void>
  readonly #decoder = new TextDecoder()
  #unfinished = ""
  #looking: ReturnType<typeof setInterval> | undefined

  private constructor(
    program: readonly string[],
    { words = [], shell = "", env = {}, descriptors = [] }: WatchedBrokerOptions,
  ) {
    const file = join(this.#folder, "log")
    this.#process = Bun.spawn({
      cmd: [
        ...["bash", "-c", `${shell}\nexec "$0" "$@" 2>>"$LOG_FILE"`],
        ...[...program, "serve", "--log-format", "json", ...words],
      ],
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", LOG_FILE: file, ...env },
      stdio: ["ignore", "ignore", "inherit", ...descriptors],
    })
    started.add(this.#process)
    this.#log = openSync(file, "a+")
    this.#ended = this.#process.exited.then(() => this.#finish())
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

  /** All it said until now. */
  get lines(): readonly LogLine[] {
    if (this.isRunning) this.#read()
    return this.#lines
  }

  /** The lines until now whose message contains the text. */
  all(text: string): readonly LogLine[] {
    return this.lines.filter(({ message }) => message.includes(text))
  }

  /**
   * The first line whose message contains the text, now or later.
   *
   * @throws Error with all it said, when it ends without
   */
  says(text: string): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>()
    const missed = () => reject(new Error(`it never said "${text}":\n${this.#told()}`))
    const [said] = this.all(text)
    if (said !== undefined) resolve(said)
    else if (this.isRunning) this.#await({ text, found: resolve, missed })
    else this.#ended.then(missed, reject)
    return promise
  }

  port(scheme: string): number {
    const urls = String(this.all("serving")[0]?.["urls"] ?? "").split(" ")
    const url = urls.find((each) => each.startsWith(`${scheme}://`)) ?? ""
    return Number(url.slice(url.lastIndexOf(":") + 1))
  }

  /** A client of its TCP address. */
  client(options: Partial<ClientOptions> & { readonly clientId: string }): Promise<Client> {
    return connectClient(
      { scheme: "tcp", host: "127.0.0.1", port: this.port("tcp") },
      { version: 5, keepAliveSeconds: 0, ...options },
    )
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** @returns the exit code, undefined when a signal killed it; all it said is in `lines` then */
  async ended(): Promise<number | undefined> {
    await this.#ended
    return this.#process.exitCode ?? undefined
  }

  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | undefined> {
    this.signal("SIGTERM")
    return this.ended()
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.signal("SIGKILL")
    await this.ended()
  }

  /** Looks into the file while somebody waits: Bun's `fs.watch` keeps the second of two quick changes to itself. */
  #await(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#looking ??= setInterval(() => this.#read(), 2)
  }

  #read(): void {
    const bytes = new Uint8Array(65_536)
    for (let length; (length = readSync(this.#log, bytes)) > 0;) {
      this.#unfinished += this.#decoder.decode(bytes.subarray(0, length), { stream: true })
    }
    const lines = this.#unfinished.split("\n")
    this.#unfinished = lines.pop() ?? ""
    for (const line of lines) if (line !== "") this.#take(parse(line))
  }

  #take(line: LogLine): void {
    this.#lines.push(line)
    for (const waiter of this.#waiters) {
      if (!line.message.includes(waiter.text)) continue
      this.#waiters.delete(waiter)
      waiter.found(line)
    }
    if (this.#waiters.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  #finish(): void {
    clearInterval(this.#looking)
    this.#read()
    closeSync(this.#log)
    rmSync(this.#folder, { recursive: true })
    started.delete(this.#process)
    for (const waiter of this.#waiters) waiter.missed()
  }

  #told(): string {
    return this.#lines.map((line) => JSON.stringify(line)).join("\n")
  }
}

/** What is no JSON is a refusal on standard error, or comes from the runtime, or had no room on a full disk. */
function parse(line: string): LogLine {
  if (!line.startsWith("{")) return { level: "none", message: line }
  try {
    return JSON.parse(line) as LogLine
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { level: "none", message: line }
  }
}

const started = new Set<Bun.Subprocess>()

/** For each file's `afterAll`: a test that fails may leave a broker running. */
export function killWhatIsLeft(): void {
  for (const each of started) each.kill("SIGKILL")
}
