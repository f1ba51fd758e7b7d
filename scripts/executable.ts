import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { build } from "./build.ts"

/*
 * The compiled broker as another program meets it: what the bench, the crash script and the tests with real clients
 * start and end.
 */

const root = new URL("..", import.meta.url).pathname

/** @returns the path of dist/bantam, built anew when a source is younger */
export async function executable(): Promise<string> {
  const path = join(root, "dist/bantam")
  if (isStale(path)) await build({ outfile: "dist/bantam" })
  return path
}

function isStale(path: string): boolean {
  if (!existsSync(path)) return true
  const builtMs = statSync(path).mtimeMs
  const sources = ["src", "cli"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  return [...sources, "package.json", "scripts/build.ts"].some(
    (name) => statSync(join(root, name)).mtimeMs > builtMs,
  )
}

/** A broker in a process of its own. */
export interface BrokerProcess {
  readonly pid: number
  /** The real addresses, in the order of the settings. */
  readonly urls: readonly string[]
  /** The lines of its log that tell of an error, so far. */
  readonly errors: readonly string[]
  /** Resolves with the exit code when it ends, asked to or not. */
  readonly exited: Promise<number>
  /** @returns the exit code */
  stop(): Promise<number>
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>
}

export interface BrokerProcessOptions {
  /** More words behind `serve`, such as `--ephemeral`. */
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Starts `bantam serve` and waits until it serves.
 *
 * @param program its path, or what runs it with that at the end
 * @throws Error with what it said, when it ends before that
 */
export async function startBroker(
  program: string | readonly string[],
  { words, env = {} }: BrokerProcessOptions,
): Promise<BrokerProcess> {
  const broker = Bun.spawn({
    cmd: [...[program].flat(), "serve", "--log-format", "json", ...words],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  })
  const errors: string[] = []
  const serving = Promise.withResolvers<readonly string[]>()
  // Read to the end, or the broker would one day wait for room in the pipe.
  readLines(broker.stderr, (line) => {
    const { level, message, urls } = parseLine(line)
    if (level === "error") errors.push(line)
    if (message === "serving" && urls !== undefined) serving.resolve(urls.split(" "))
  }).then(() => serving.reject(new Error(`the broker ended: ${errors.join("\n")}`)), serving.reject)
  return {
    pid: broker.pid,
    urls: await serving.promise,
    errors,
    exited: broker.exited,
    stop: () => {
      broker.kill("SIGTERM")
      return broker.exited
    },
    kill: async () => {
      broker.kill("SIGKILL")
      await broker.exited
    },
  }
}

/** @throws Error when the broker has no address of that scheme */
export function portOf(broker: BrokerProcess, scheme: string): number {
  const url = broker.urls.find((each) => each.startsWith(`${scheme}://`))
  if (url === undefined) throw new Error(`no ${scheme} address among ${broker.urls.join(" ")}`)
  return Number(url.slice(url.lastIndexOf(":") + 1))
}

interface LogLine {
  readonly level?: string
  readonly message?: string
  readonly urls?: string
}

/** What is no JSON comes from the runtime, not from the log, and is worth hearing. */
function parseLine(line: string): LogLine {
  return line.startsWith("{") ? (JSON.parse(line) as LogLine) : { level: "error", message: line }
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ""
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) if (line !== "") take(line)
  }
}
