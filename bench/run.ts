import { parseArgs } from "node:util"
import { type LoadOrder, type LoadReport } from "./load.ts"
import { installedPeers, type Peer, type RunningPeer, withPeer } from "./peers.ts"
import { type Row, table } from "./table.ts"
import { scenarios } from "./scenarios.ts"

/*
 * Ours beside others under the same load: `bun run bench/run.ts --only pairs --seconds 3 --rounds 5`.
 *
 * Each measurement has a fresh broker and a fresh load process, and the brokers take turns, so that a machine that
 * slows down slows all of them down. What is shown are medians.
 */

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    peers: { type: "string" },
    seconds: { type: "string", default: "2" },
    "warm-up": { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    /** A folder for CPU profiles of ours, one for each run; the figures are then worth less. */
    profile: { type: "string" },
  },
})

const names = Object.keys(scenarios).filter(
  (name) => values.only === undefined || values.only.some((part) => name.includes(part)),
)
const wanted = values.peers?.split(",")
const peers = (await installedPeers(values.profile)).filter(({ name }) => wanted?.includes(name) ?? true)
const rows: Row[] = []
for (const name of names) {
  const reports = new Map<string, LoadReport[]>(peers.map((peer) => [peer.name, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const peer of peers) {
      if (!values.json) process.stderr.write(`\r\u001B[K${name}, round ${round + 1}: ${peer.name}`)
      reports.get(peer.name)?.push(await measure(name, peer))
    }
  }
  rows.push({ name, what: scenarios[name]?.what ?? "", reports })
}
process.stderr.write("\r\u001B[K")
if (values.json) {
  const plain = rows.map(({ reports, ...row }) => ({ ...row, reports: Object.fromEntries(reports) }))
  console.log(JSON.stringify(plain, undefined, 2))
} else {
  console.log(table(rows, peers))
}

function measure(scenario: string, peer: Peer): Promise<LoadReport> {
  return withPeer(peer, scenarios[scenario]?.durable === true, ({ port, pid }: RunningPeer) =>
    load({
      scenario,
      port,
      pid,
      warmUpSeconds: Number(values["warm-up"]),
      seconds: Number(values.seconds),
    }),
  )
}

async function load(order: LoadOrder): Promise<LoadReport> {
  const script = new URL("load.ts", import.meta.url).pathname
  const cmd = [process.execPath, script, JSON.stringify(order)]
  const running = Bun.spawn({ cmd, stdout: "pipe", stderr: "inherit" })
  const text = await running.stdout.text()
  if ((await running.exited) !== 0) throw new Error(`the load of ${order.scenario} failed`)
  return JSON.parse(text) as LoadReport
}
