import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CertificateFiles } from "../test/support/certificates.ts"
import { executable } from "../scripts/executable.ts"
import { bantamPeer } from "./peers/bantam.ts"
import { mosquittoPeer } from "./peers/mosquitto.ts"
import { natsPeer } from "./peers/nats.ts"
import type { Peer, RunningPeer } from "./peers/peer.ts"
import { aedesPeer, forwarderPeer } from "./peers/scripts.ts"
import { templatePeer } from "./peers/template.ts"
import type { BrokerNeeds } from "./scenario-kinds.ts"

export interface PeerChoice {
  /** Names of those that take part beside ours; undefined: all that are installed. */
  readonly names: readonly string[] | undefined
  /** More peers, as `templatePeer` takes them. */
  readonly templates: readonly string[]
  /** Another executable of ours, which takes part as "base". */
  readonly base: string | undefined
  /** A folder for CPU profiles of ours. */
  readonly profiles: string | undefined
}

/**
 * Those that are installed; ours comes first.
 *
 * @throws Error about a name that none of them has
 */
export async function choosePeers({ names, templates, base, profiles }: PeerChoice): Promise<Peer[]> {
  const builds = [bantamPeer({ path: await executable(), profiles })]
  if (base !== undefined) builds.push(bantamPeer({ path: base, name: "base" }))
  const others = [
    ...installed("mosquitto", mosquittoPeer),
    ...templates.map(templatePeer),
    ...installed("nats-server", natsPeer),
    aedesPeer(),
    forwarderPeer(),
  ].filter((peer) => peer !== undefined)
  if (names === undefined) return [...builds, ...others]
  const known = [...builds, ...others].map(({ name }) => name)
  for (const name of names) {
    if (!known.includes(name)) throw new Error(`there is no peer ${name} here, only ${known.join(", ")}`)
  }
  return [...builds, ...others.filter(({ name }) => names.includes(name))]
}

function installed(program: string, peerOf: (path: string) => Peer): Peer[] {
  const path = Bun.which(program, { PATH: `${process.env["PATH"]}:/usr/sbin` })
  return path === null ? [] : [peerOf(path)]
}

/** Long enough to close ten thousand connections and to write what waits. */
const patienceMs = 10_000

/** Runs with a peer of its own, and fails as soon as the peer ends before its time. */
export async function withPeer<Result>(
  peer: Peer,
  needs: BrokerNeeds,
  certificate: CertificateFiles,
  run: (running: RunningPeer) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-bench-"))
  try {
    const running = await peer.start(needs, { directory, ...certificate })
    const endWithUs = () => {
      running.end("SIGKILL")
      rmSync(directory, { recursive: true, force: true })
    }
    process.once("exit", endWithUs)
    const tooSoon = running.ended.then((reason) => {
      throw new Error(reason)
    })
    try {
      return await Promise.race([run(running), tooSoon])
    } finally {
      // From here on it may end.
      tooSoon.catch(() => {})
      await stop(running)
      process.off("exit", endWithUs)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function stop(running: RunningPeer): Promise<void> {
  running.end("SIGTERM")
  const timer = setTimeout(() => running.end("SIGKILL"), patienceMs)
  await running.ended
  clearTimeout(timer)
}
