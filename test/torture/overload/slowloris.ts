import { connectClient } from "../../../src/client/client.ts"
import type { ConnectTarget } from "../../../src/transport/connect.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { CertificateAuthority } from "../../support/certificates.ts"
import type { Torture, Trial } from "../torture.ts"
import { affordable } from "./affordable.ts"
import { endWell } from "./end-well.ts"
import { LoadProcess } from "./load-process.ts"
import { manners } from "./slow-peer.ts"
import type { SlowlorisSaid, SlowlorisTask } from "./slowloris-load.ts"
import { Watch, watchedWords } from "./watch.ts"

const mebibyte = 1024 * 1024

const sizes = {
  // More than guard.half_open, 1,000, at each listener.
  long: { peers: 600, timeoutSeconds: 5 },
  short: { peers: 40, timeoutSeconds: 1 },
} as const

export const slowloris: Torture = {
  name: "overload slowloris",
  promise:
    "who holds a connection and never says who it is, is closed on in time, and honest ones get in meanwhile",
  async run(trial) {
    using authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.server()
    const { timeoutSeconds } = sizes[trial.effort]
    const settings = [
      `limits.connect_timeout_seconds=${timeoutSeconds}`,
      `tls.cert_file=${certFile}`,
      `tls.key_file=${keyFile}`,
    ]
    const listeners = ["tls", "ws", "wss"].flatMap((scheme) => ["--listen", `${scheme}://127.0.0.1:0`])
    const broker = await WatchedBroker.serving({
      program: [trial.executable],
      words: ["--ephemeral", ...watchedWords, ...listeners, ...settings.flatMap((each) => ["--set", each])],
    })
    await withCrowd(broker, authority, trial)
    await endWell(broker, trial)
  },
}

async function withCrowd(
  broker: WatchedBroker,
  { caFile }: CertificateAuthority,
  trial: Trial,
): Promise<void> {
  const { timeoutSeconds, ...size } = sizes[trial.effort]
  const peers = Math.floor(affordable(size.peers * manners.length, trial) / manners.length)
  const [tcp, tls, ws, wss] = [broker.port("tcp"), broker.port("tls"), broker.port("ws"), broker.port("wss")]
  const watch = await Watch.begin(broker, trial, "fresh")
  const task: SlowlorisTask = { ports: { tcp, tls, ws, wss }, peers }
  using load = LoadProcess.start<SlowlorisSaid>("slowloris-load.ts", task, trial)
  await load.says("came")
  let isOver = false
  const closed = load.says("closed").finally(() => (isOver = true))
  const targets: readonly ConnectTarget[] = [
    { scheme: "tcp", host: "127.0.0.1", port: tcp },
    { scheme: "tls", host: "127.0.0.1", port: tls, tls: { caFile } },
    { scheme: "ws", host: "127.0.0.1", port: ws },
    { scheme: "wss", host: "127.0.0.1", port: wss, tls: { caFile } },
  ]
  const honest = targets.map((target) => comeAndGo(target, () => isOver))
  const visits = await Promise.all(honest)
  for (const { scheme, count, attempts, longestMs } of visits) {
    trial.count("honest clients let in", count)
    trial.count("attempts of theirs that failed", attempts - count)
    trial.tell(
      `${scheme}: ${count} let in, ${attempts - count} failed, ${longestMs.toFixed(0)} ms at the longest`,
    )
    if (count === 0) trial.wrong(`nobody honest came in by ${scheme}`)
  }
  trial.timed("longest until one is in (ms)", Math.max(...visits.map(({ longestMs }) => longestMs)), 5_000)
  const longest = (await closed).manners
  trial.figure("slow peers", peers * manners.length)
  // The greeting and the CONNECT have so much time each, and the patrol comes by once a second.
  const deadlineMs = 2 * timeoutSeconds * 1000 + 2_000
  trial.timed(
    "longest until closed on (ms)",
    Math.max(...longest.map(({ longestMs }) => longestMs)),
    deadlineMs,
  )
  for (const { what, longestMs } of longest) trial.tell(`${what}: closed within ${longestMs.toFixed(0)} ms`)
  await load.ended()

  for (const sentence of ["client refused", "TLS handshake refused", "WebSocket upgrade refused"]) {
    if (broker.all(sentence).length === 0) trial.wrong(`the log never says "${sentence}"`)
  }
  await watch.end({ roundTripMs: 2_000, growthBytes: 192 * mebibyte, keptBytes: 160 * mebibyte })
  const failed = visits.reduce((sum, { count, attempts }) => sum + attempts - count, 0)
  const uncounted = peers * manners.length + failed - refusalsOf(watch)
  trial.bounded("closed on and not counted once", Math.abs(uncounted), 0)
}

interface Visits {
  readonly scheme: string
  readonly count: number
  /** A client that is turned away comes again. */
  readonly attempts: number
  /** From the first attempt of a client to its acknowledged message. */
  readonly longestMs: number
}

/** One honest client after the other, each with one message, until it is over. */
async function comeAndGo(target: ConnectTarget, isOver: () => boolean): Promise<Visits> {
  const visits = { scheme: target.scheme, count: 0, attempts: 0, longestMs: 0 }
  let beganAt = performance.now()
  while (!isOver()) {
    visits.attempts += 1
    try {
      const options = { version: 5, clientId: `honest-${target.scheme}`, keepAliveSeconds: 0 } as const
      const client = await connectClient(target, options)
      await client.publish({ topic: "honest", payload: new Uint8Array(10), qos: 1 })
      visits.longestMs = Math.max(visits.longestMs, performance.now() - beganAt)
      visits.count += 1
      await client.disconnect()
      beganAt = performance.now()
    } catch {
      // Where too many are at the door one may be turned away: how often is counted, and how long it takes in the end.
      continue
    }
  }
  return visits
}

/** Everybody who was closed on before he was a client. */
function refusalsOf({ state }: Watch): number {
  return (
    state.value("clients/refused") +
    state.value("connections/greetings-refused") +
    state.value("connections/turned-away")
  )
}
