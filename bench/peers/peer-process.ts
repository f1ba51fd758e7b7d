import type { RunningPeer } from "./peer.ts"

/** What a broker printed on the way to its readiness, and how it ends. */
export interface PeerProcess extends Pick<RunningPeer, "pid" | "ended" | "end"> {
  /** Resolves with all that it printed, once the pattern is in it; rejects when it ends before. */
  printed(pattern: RegExp): Promise<string>
}

const startMs = 30_000

/** Longest text of a process that is kept in search of a pattern, and for the reason of its end. */
const keptCharacters = 10_000

/** Starts a broker; what it prints on either stream is read to the end, or it would one day wait for room. */
export function startProcess(cmd: readonly string[], env: Record<string, string> = {}): PeerProcess {
  const broker = Bun.spawn({
    cmd: [...cmd],
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  let text = ""
  const waiting = new Set<() => void>()
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      text = (text + decoder.decode(chunk, { stream: true })).slice(-keptCharacters)
      for (const look of waiting) look()
    }
  }
  const ended = Promise.all([broker.exited, read(broker.stdout), read(broker.stderr)]).then(() =>
    reasonOf(String(broker.signalCode ?? `exit code ${broker.exitCode}`), text),
  )
  const printed = async (pattern: RegExp) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const look = () => {
      if (pattern.test(text)) resolve(text)
    }
    waiting.add(look)
    look()
    await ready(running, promise)
    waiting.delete(look)
    return promise
  }
  const running: PeerProcess = { pid: broker.pid, ended, end: (signal) => broker.kill(signal), printed }
  return running
}

/** A port that was free a moment ago, for a broker that cannot choose one by itself. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const { port } = listener
  listener.stop(true)
  return port
}

/** Resolves when somebody listens there; rejects when the process ends before, or takes too long. */
export async function untilListening(port: number, broker: PeerProcess): Promise<void> {
  const stopped = new AbortController()
  const tries = async () => {
    while (!stopped.signal.aborted && !(await listens(port))) await Bun.sleep(20)
  }
  try {
    await ready(broker, tries())
  } finally {
    stopped.abort()
  }
}

/** Waits for what shows that a broker is ready; one that takes too long is ended. */
async function ready(broker: PeerProcess, sign: Promise<unknown>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`the broker was not ready within ${startMs / 1000} s`))
    broker.end("SIGKILL")
  }, startMs)
  const tooSoon = broker.ended.then((reason) => Promise.reject(new Error(reason)))
  try {
    await Promise.race([sign, tooSoon, late])
  } finally {
    // It may end later, and nobody asks any more.
    tooSoon.catch(() => {})
    clearTimeout(timer)
  }
}

/** The first line of what a program prints about itself that has a version number in it; empty if none has. */
export function versionOf(cmd: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...cmd])
  const [version = ""] = /\d+\.\d+[\w.+-]*/.exec(`${stdout.toString()}\n${stderr.toString()}`) ?? []
  return version
}

async function listens(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
    socket.end()
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ECONNREFUSED") return false
    throw error
  }
}

/** The last thing it said tells most, after the way it ended. */
function reasonOf(how: string, text: string): string {
  const last = text.trimEnd().split("\n").at(-1) ?? ""
  return `the broker ended with ${how}${last === "" ? "" : `: ${last.trim()}`}`
}
