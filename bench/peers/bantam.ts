import { join } from "node:path"
import { type BrokerProcess, portOf, startBroker } from "../../scripts/executable.ts"
import type { BrokerNeeds } from "../scenario-kinds.ts"
import { storeUsers } from "../access.ts"
import type { Peer, Place, RunningPeer } from "./peer.ts"
import { versionOf } from "./peer-process.ts"

export interface BantamOptions {
  /** The executable. */
  readonly path: string
  readonly name?: string
  /** A folder where each run leaves a CPU profile, if it is to. */
  readonly profiles?: string | undefined
}

/** A build of ours. */
export function bantamPeer({ path, name = "bantam", profiles }: BantamOptions): Peer {
  return {
    name,
    kind: "bantam",
    version: versionOf([path, "--version"]),
    about: "on disk with durability full: what it acknowledged survives a power cut",
    start: async (needs, place) => {
      const env: Record<string, string> =
        profiles === undefined ? {} : { BUN_OPTIONS: `--cpu-prof-md --cpu-prof-dir=${profiles}` }
      if (needs.accessRules === true) await storeUsers(storeIn(place))
      const broker = await startBroker(path, { words: wordsFor(needs, place), env })
      try {
        return running(broker, needs)
      } catch (error) {
        await broker.kill()
        throw error
      }
    },
  }
}

/** @throws Error when it has no listener that is needed */
function running(broker: BrokerProcess, needs: BrokerNeeds): RunningPeer {
  return {
    pid: broker.pid,
    tcpPort: portOf(broker, "tcp"),
    tlsPort: needs.tls ? portOf(broker, "tls") : undefined,
    webSocketPort: needs.webSocket ? portOf(broker, "ws") : undefined,
    ended: broker.exited.then(
      (code) => `the broker ended with exit code ${code}: ${broker.errors.at(-1) ?? "without a word"}`,
    ),
    end: (signal) => void (signal === "SIGTERM" ? broker.stop() : broker.kill()),
  }
}

function storeIn({ directory }: Place): string {
  return join(directory, "store")
}

function wordsFor(needs: BrokerNeeds, place: Place): string[] {
  const { certFile, keyFile } = place
  const words = ["--listen", "tcp://127.0.0.1:0"]
  if (needs.tls) words.push("--listen", "tls://127.0.0.1:0")
  if (needs.webSocket) words.push("--listen", "ws://127.0.0.1:0")
  if (!needs.stores) words.push("--ephemeral")
  const settings = [
    ...(needs.stores ? [`storage.directory=${storeIn(place)}`, "storage.durability=full"] : []),
    ...(needs.tls ? [`tls.cert_file=${certFile}`, `tls.key_file=${keyFile}`] : []),
    ...(needs.queuedMessages === undefined ? [] : [`limits.queued_messages=${needs.queuedMessages}`]),
    ...(needs.connections === undefined ? [] : [`limits.connections=${needs.connections}`]),
  ]
  return [...words, ...settings.flatMap((setting) => ["--set", setting])]
}
