import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BrokerProcess, executable, portOf, startBroker } from "../../scripts/executable.ts"
import { everyoneDisconnected } from "./clients.ts"
import { emptyFilling, fill, type Filling } from "./filling.ts"

/** Limits that a broker full to the brim does not reach. */
const roomy = [
  "limits.connections=20000",
  "limits.retained_messages=2000000",
  "limits.retained_bytes=4294967296",
  "limits.queued_messages=2000000",
  "limits.queued_bytes=4294967296",
  "limits.subscriptions_per_client=1000000",
] as const

/** dist/bantam at work, with plenty of room. */
export interface Running {
  readonly pid: number
  readonly port: number
  /** From the start of the process until it said that it serves. */
  readonly startMs: number
  stop(): Promise<void>
}

/** @param directory undefined: everything is in memory alone */
export async function start(directory?: string, settings: readonly string[] = []): Promise<Running> {
  const path = await executable()
  const place = directory === undefined ? ["--ephemeral"] : ["--set", `storage.directory=${directory}`]
  const words = ["--port", "0", ...place, ...[...roomy, ...settings].flatMap((each) => ["--set", each])]
  const startedAt = performance.now()
  const broker: BrokerProcess = await startBroker(path, { words })
  const startMs = performance.now() - startedAt
  return {
    pid: broker.pid,
    port: portOf(broker, "tcp"),
    startMs,
    stop: async () => {
      await everyoneDisconnected()
      await broker.stop()
    },
  }
}

/** Runs with a directory that holds what is asked for, and takes it away afterwards. */
export async function withFilled<Result>(
  filling: Partial<Filling>,
  run: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-scale-"))
  try {
    await fill(join(directory, "store"), { ...emptyFilling, ...filling })
    return await run(join(directory, "store"))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
