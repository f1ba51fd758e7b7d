import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The program as its sources stand. The compiled one is the subject of build.test.ts. */
export const fromSource: readonly string[] = [
  process.execPath,
  new URL("../../cli/main.ts", import.meta.url).pathname,
]

export interface Outcome {
  readonly exitCode: number
  readonly out: string
  readonly error: string
}

export interface Surroundings {
  readonly program?: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
}

/** A directory of its own for each test file; no settings of the machine may leak in. */
export function freshDirectory(): string {
  return mkdtempSync(join(tmpdir(), "bantam-cli-"))
}

export function start(
  words: readonly string[],
  { program = fromSource, cwd, env, stdin = "" }: Surroundings = {},
) {
  return Bun.spawn({
    cmd: [...program, ...words],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
    ...(cwd === undefined ? {} : { cwd }),
  })
}

/** Runs a command to its end. */
export async function run(words: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const running = start(words, surroundings)
  const [out, error, exitCode] = await Promise.all([
    running.stdout.text(),
    running.stderr.text(),
    running.exited,
  ])
  return { exitCode, out, error }
}

/** Reads a stream up to and including a text; what comes later can still be read. */
export async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let read = ""
  while (!read.includes(text)) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the stream ended without ${JSON.stringify(text)}: ${read}`)
    read += decoder.decode(value, { stream: true })
  }
  reader.releaseLock()
  return read
}

/** Reads what is left of a stream that `readUntil` has read from. */
export async function readRest(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read())
    chunks.push(value)
  return Buffer.concat(chunks).toString()
}
