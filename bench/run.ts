import { closeSync, openSync, readSync, writeFileSync } from "node:fs"
import { CertificateAuthority } from "../test/support/certificates.ts"
import { comparison, type Difference, differences, leastRounds } from "./compare.ts"
import { thisMachine } from "./machine.ts"
import { measure } from "./measure.ts"
import { chooseRows, type Options, parseOptions, usage } from "./options.ts"
import { choosePeers } from "./peers.ts"
import type { Peer } from "./peers/peer.ts"
import { Progress } from "./progress.ts"
import { page } from "./report.ts"
import { type BenchRun, readRun } from "./results.ts"
import { runRounds } from "./rounds.ts"
import { scenarios } from "./scenarios.ts"
import { markdown, table } from "./table.ts"

/*
 * `npm run bench`: each measurement has a fresh broker and a fresh load process, and the brokers take turns.
 * Exit code 1: ours failed, had faults, or became worse than what it was compared with; 2: a wrong word.
 */

const words = process.argv.slice(2)
const colored = process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === ""
// What runs for us ends with us.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130))
try {
  // Whatever may still be open must not keep us, and the next who waits for a quiet machine.
  process.exit(await bench(parseOptions(words)))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(2)
}

async function bench(options: Options): Promise<number> {
  if (options.help) return print(usage)
  const earlier = earlierRun(options)
  const peers = await choosePeers({
    // Two builds beside each other are what is asked for; others only cost time.
    names: options.peers ?? (options.compare === undefined ? undefined : []),
    templates: options.templates,
    base: earlier === undefined ? options.compare : undefined,
    profiles: options.profile,
  })
  if (options.list) return print(listOf(peers))
  const run = await measured(options, peers)
  show(run, options)
  const found = comparedWith(run, earlier, options)
  const ours = run.rows.map(({ results }) => results[run.peers[0]?.name ?? ""])
  const good = ours.every((result) => result?.failure === undefined && (result?.faults ?? 0) === 0)
  return good && !found.some(({ verdict }) => verdict === "worse") ? 0 : 1
}

async function measured(options: Options, peers: readonly Peer[]): Promise<BenchRun> {
  const { rounds, seconds, warmUpSeconds } = options
  const date = new Date().toISOString()
  const names = chooseRows(Object.keys(scenarios), options.only)
  const chosen = Object.entries(scenarios).filter(([name]) => names.has(name))
  using authority = new CertificateAuthority()
  const certificate = authority.server()
  const progress = new Progress({
    rows: chosen.length,
    rounds,
    secondsEach: seconds + warmUpSeconds + 1,
    ours: peers[0]?.name ?? "",
  })
  const rows = await runRounds(
    { scenarios: chosen, peers, rounds },
    (name, scenario, peer) => measure(name, scenario, peer, certificate, { seconds, warmUpSeconds }),
    progress,
  )
  progress.end()
  const facts = peers.map(({ name, version, about }) => ({ name, version, about }))
  return {
    format: 1,
    date,
    command: words,
    machine: thisMachine(),
    rounds,
    warmUpSeconds,
    seconds,
    peers: facts,
    rows,
  }
}

/** @returns the run that ours is compared with, if that is a file of one and no executable */
function earlierRun({ compare, rounds }: Options): BenchRun | undefined {
  if (compare === undefined) return undefined
  if (rounds < leastRounds) throw new Error(`--compare needs at least ${leastRounds} rounds`)
  const start = Buffer.alloc(1)
  const file = openSync(compare, "r")
  readSync(file, start)
  closeSync(file)
  if (start.toString() !== "{") return undefined
  const run = readRun(compare)
  if (run.rounds < leastRounds) throw new Error(`${compare} has fewer than ${leastRounds} rounds`)
  return run
}

/** Prints what became better and worse, if that is asked for. */
function comparedWith(
  run: BenchRun,
  earlier: BenchRun | undefined,
  { compare, json }: Options,
): readonly Difference[] {
  if (compare === undefined) return []
  const ours = run.peers[0]?.name ?? ""
  const found =
    earlier === undefined
      ? differences(run.rows, ours, run.rows, "base")
      : differences(run.rows, ours, earlier.rows, earlier.peers[0]?.name ?? "")
  if (found.length === 0) throw new Error(`${compare} showed nothing in these rows to compare with`)
  // Where a program reads, the words are for whoever watches.
  const write = json === "-" ? console.error : console.log
  write(`\n${comparison(found, json !== "-" && colored)}`)
  return found
}

function show(run: BenchRun, options: Options): void {
  const text = JSON.stringify(run, undefined, 1)
  if (options.json === "-") console.log(text)
  else print(options.markdown ? markdown(run) : table(run, colored))
  if (options.json !== undefined && options.json !== "-") writeFileSync(options.json, `${text}\n`)
  if (options.report !== undefined) writeFileSync(options.report, page(run))
}

function listOf(peers: readonly Peer[]): string {
  const rows = Object.entries(scenarios).map(([name, { what }]) => `  ${name.padEnd(19)} ${what}`)
  const others = peers.map(({ name, version, about }) => `  ${`${name} ${version}`.padEnd(19)} ${about}`)
  return ["rows", ...rows, "", "peers", ...others].join("\n")
}

function print(text: string): number {
  console.log(text)
  return 0
}
