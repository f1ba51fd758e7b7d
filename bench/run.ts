import { parseArgs } from "node:util"
import { CertificateAuthority } from "../test/support/certificates.ts"
import type { LoadReport } from "./load-report.ts"
import { measure } from "./measure.ts"
import { choosePeers } from "./peers.ts"
import { takesPart } from "./peers/peer.ts"
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
    peer: { type: "string", multiple: true },
    seconds: { type: "string", default: "2" },
    "warm-up": { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    /** A folder for CPU profiles of ours, one for each run; the figures are then worth less. */
    profile: { type: "string" },
  },
})

const span = { warmUpSeconds: Number(values["warm-up"]), seconds: Number(values.seconds) }
const peers = await choosePeers({
  names: values.peers?.split(","),
  templates: values.peer ?? [],
  base: undefined,
  profiles: values.profile,
})
using authority = new CertificateAuthority()
const certificate = authority.server()
const rows: Row[] = []
for (const [name, scenario] of Object.entries(scenarios)) {
  if (values.only !== undefined && !values.only.some((part) => name.includes(part))) continue
  const able = peers.filter((peer) => takesPart(peer, scenario.peers))
  const reports = new Map<string, LoadReport[]>(able.map((peer) => [peer.name, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const peer of able) {
      if (!values.json) process.stderr.write(`\r\u001B[K${name}, round ${round + 1}: ${peer.name}`)
      reports.get(peer.name)?.push(await measure(name, scenario, peer, certificate, span))
    }
  }
  rows.push({ name, what: scenario.what, reports })
}
process.stderr.write("\r\u001B[K")
if (values.json) {
  const plain = rows.map(({ reports, ...row }) => ({ ...row, reports: Object.fromEntries(reports) }))
  console.log(JSON.stringify(plain, undefined, 2))
} else {
  console.log(table(rows, peers))
}
