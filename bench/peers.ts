import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executable, portOf, startBroker } from "../scripts/executable.ts"

/** A broker that runs for the bench on a free port. */
export interface RunningPeer {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

export interface Peer {
  readonly name: string
  /** What it is, for the foot of the table. */
  readonly about: string
  /** @param directory where it stores; undefined: it stores nothing */
  start(directory: string | undefined): Promise<RunningPeer>
}

/**
 * Those that are installed; ours comes first.
 *
 * @param profiles the folder where ours leaves a CPU profile of each run, if it is to
 */
export async function installedPeers(profiles?: string): Promise<Peer[]> {
  const peers = [await bantam([], profiles)]
  const mosquitto = Bun.which("mosquitto", { PATH: `${process.env["PATH"]}:/usr/sbin` })
  if (mosquitto !== null) peers.push(mosquittoPeer(mosquitto))
  peers.push(aedesPeer())
  return peers
}

/** Runs with a peer and a directory of its own. */
export async function withPeer<Result>(
  peer: Peer,
  stores: boolean,
  run: (running: RunningPeer) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-bench-"))
  try {
    const running = await peer.start(stores ? directory : undefined)
    try {
      return await run(running)
    } finally {
      await running.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export async function bantam(settings: readonly string[] = [], profiles?: string): Promise<Peer> {
  const path = await executable()
  return {
    name: "bantam",
    about: "dist/bantam; on disk with the default durability, an acknowledgement survives a power cut",
    start: async (directory) => {
      const place =
        directory === undefined ? ["--ephemeral"] : ["--set", `storage.directory=${join(directory, "store")}`]
      const words = ["--port", "0", ...place, ...settings.flatMap((setting) => ["--set", setting])]
      const env: Record<string, string> =
        profiles === undefined ? {} : { BUN_OPTIONS: `--cpu-prof-md --cpu-prof-dir=${profiles}` }
      const broker = await startBroker(path, { words, env })
      return { pid: broker.pid, port: portOf(broker, "tcp"), stop: async () => void (await broker.stop()) }
    },
  }
}

function mosquittoPeer(path: string): Peer {
  const [, version = ""] = /version (\S+)/.exec(Bun.spawnSync([path, "-h"]).stdout.toString()) ?? []
  return {
    name: "mosquitto",
    about: `${version}; on disk it acknowledges before it stores, and saves once in half an hour`,
    start: async (directory) => {
      const port = freePort()
      const folder = mkdtempSync(join(tmpdir(), "mosquitto-"))
      const file = join(folder, "mosquitto.conf")
      const persistence =
        directory === undefined
          ? ["persistence false"]
          : ["persistence true", `persistence_location ${directory}/`]
      const lines = [
        `listener ${port} 127.0.0.1`,
        "allow_anonymous true",
        "max_queued_messages 0",
        "max_inflight_messages 1000",
        "user root",
        "log_dest stderr",
        ...persistence,
      ]
      writeFileSync(file, `${lines.join("\n")}\n`)
      const broker = Bun.spawn({ cmd: [path, "-c", file], stdout: "ignore", stderr: "pipe" })
      await textFrom(broker.stderr, / running/)
      return { pid: broker.pid, port, stop: () => end(broker, () => rmSync(folder, { recursive: true })) }
    },
  }
}

function aedesPeer(): Peer {
  const runtime = Bun.which("node") ?? process.execPath
  return {
    name: "aedes",
    about: `on ${runtime.endsWith("node") ? "Node" : "Bun"}; keeps everything in memory`,
    start: async () => {
      const script = new URL("aedes.mjs", import.meta.url).pathname
      const broker = Bun.spawn({ cmd: [runtime, script], stdout: "pipe", stderr: "inherit" })
      const port = Number(await textFrom(broker.stdout, /\d+\n/))
      return { pid: broker.pid, port, stop: () => end(broker) }
    },
  }
}

async function end(broker: Bun.Subprocess, clean: () => void = () => {}): Promise<void> {
  broker.kill("SIGTERM")
  await broker.exited
  clean()
}

/** For a peer that cannot choose its port by itself. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const { port } = listener
  listener.stop(true)
  return port
}

/** Reads on until the pattern is there; what comes later is thrown away, so that nobody waits for room in the pipe. */
async function textFrom(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const read = async () => {
    const decoder = new TextDecoder()
    let text = ""
    for await (const chunk of stream) {
      if (pattern.test(text)) continue
      text += decoder.decode(chunk, { stream: true })
      if (pattern.test(text)) resolve(text)
    }
    reject(new Error(`the broker ended: ${text}`))
  }
  read().catch(reject)
  return promise
}
