import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { cpuMicroseconds } from "../../../bench/process-usage.ts"
import type { Client } from "../../../src/client/client.ts"
import type { Publish } from "../../../src/protocol/packet.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { CertificateAuthority } from "../../support/certificates.ts"
import { patiently } from "../patience.ts"
import type { Torture, Trial } from "../torture.ts"
import { endWell } from "./end-well.ts"
import { LoadProcess } from "./load-process.ts"
import type { OpenFilesSaid, OpenFilesTask } from "./open-files-load.ts"
import { openFilesOf } from "./process-figures.ts"
import { Watch, watchedWords } from "./watch.ts"

const mebibyte = 1024 * 1024
/** What the broker may have open, so low that one load takes it all. */
const limit = 400

const sizes = {
  long: { callers: 1_000, peers: 40, seconds: 20 },
  short: { callers: 500, peers: 40, seconds: 1 },
} as const

export const openFiles: Torture = {
  name: "overload open files",
  promise: "where no more files may be opened, the broker turns away who is new, idles, writes, and recovers",
  async run(trial) {
    using authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.server()
    const directory = mkdtempSync(join(tmpdir(), "bantam-files-"))
    const settings = [
      `storage.directory=${directory}`,
      "limits.connect_timeout_seconds=1",
      `tls.cert_file=${certFile}`,
      `tls.key_file=${keyFile}`,
    ]
    const listeners = ["tls", "ws", "wss"].flatMap((scheme) => ["--listen", `${scheme}://127.0.0.1:0`])
    try {
      const broker = await WatchedBroker.serving({
        program: [trial.executable],
        shell: `ulimit -n ${limit}`,
        words: [...watchedWords, ...listeners, ...settings.flatMap((each) => ["--set", each])],
      })
      await atTheLimit(broker, trial)
      await endWell(broker, trial)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function atTheLimit(broker: WatchedBroker, trial: Trial): Promise<void> {
  const { callers, peers, seconds } = sizes[trial.effort]
  await broker.says("the limit for open files is too low")
  const lasting = { clientId: "absent", cleanStart: false, properties: { sessionExpiryInterval: 600 } }
  const absent = await broker.client(lasting)
  await absent.subscribe([
    { filter: "kept", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
  ])
  await absent.disconnect()
  const publisher = await broker.client({ clientId: "publisher" })
  const watch = await Watch.begin(broker, trial)
  const ports = {
    tcp: broker.port("tcp"),
    tls: broker.port("tls"),
    ws: broker.port("ws"),
    wss: broker.port("wss"),
  }
  const task: OpenFilesTask = { ports, callers, peers }
  using load = LoadProcess.start<OpenFilesSaid>("open-files-load.ts", task, trial)
  const { served, closed } = await load.says("came")
  trial.figure("clients let in", served)
  trial.figure("clients turned away", closed)
  if (served === 0 || closed === 0) trial.wrong("the limit was not reached")

  let mostFiles = 0
  let mostCpuMs = 0
  let kept = 0
  for (let second = 0; second < seconds; second++) {
    const cpuBefore = cpuMicroseconds(broker.pid)
    const beganAt = performance.now()
    const message = { topic: "kept", payload: Buffer.from(String(second)), qos: 1 } as const
    const answer = await patiently(publisher.publish(message), "the answer to a message")
    if (answer.reasonCode !== 0) trial.wrong(`a message is refused with ${answer.reasonCode}`)
    else kept += 1
    await watch.state.reported()
    mostFiles = Math.max(mostFiles, openFilesOf(broker.pid))
    const share = (cpuMicroseconds(broker.pid) - cpuBefore) / 1000 / (performance.now() - beganAt)
    mostCpuMs = Math.max(mostCpuMs, share * 1000)
  }
  trial.bounded("open files at most", mostFiles, limit - 1)
  // The watch's own traffic is most of it. A loop that spins uses all there is.
  trial.bounded("CPU in a second at most (ms)", mostCpuMs, 500)
  load.tell("leave")
  await load.says("left")
  await load.ended()
  const turnedAway = watch.state.value("connections/turned-away/full")
  if (turnedAway < closed) trial.wrong(`${closed} were turned away, and ${turnedAway} counted`)

  trial.bounded("kept messages that are missing", kept - (await heard(broker, publisher, lasting)), 0)
  await watch.end({ roundTripMs: 2_000, growthBytes: 96 * mebibyte, keptBytes: 64 * mebibyte })
  await publisher.disconnect()
}

/** Comes back as the client that was absent. @returns how many messages it gets before one that is published now */
async function heard(
  broker: WatchedBroker,
  publisher: Client,
  options: Parameters<WatchedBroker["client"]>[0],
): Promise<number> {
  let got = 0
  const ended = Promise.withResolvers<void>()
  const onMessage = ({ payload }: Publish) => {
    if (payload.length === 0) ended.resolve()
    else got += 1
  }
  const client = await broker.client({ ...options, onMessage })
  const last = { topic: "kept", payload: new Uint8Array(0), qos: 1 } as const
  await patiently(publisher.publish(last), "the answer to the last message")
  await patiently(ended.promise, "the last message")
  await client.disconnect()
  return got
}
