import { WatchedBroker } from "../../failure/watched-broker.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { FaultyDisk, noCompiler } from "./faulty-disk.ts"
import { readStore } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"

export const readOnlyDisk: Torture = {
  name: "disk read-only",
  promise:
    "on a disk that takes nothing a broker refuses to start in one line, and one that serves acknowledges nothing more",
  async run(trial) {
    const random = new Random(trial.seed)
    const rounds = trial.effort === "long" ? 10 : 1
    let refused = 0
    for (let round = 0; round < rounds; round++) {
      using disk = await FaultyDisk.make({ seed: trial.seed + round, recording: false })
      if (disk === undefined) return trial.skipped(noCompiler)
      refused += await becomeReadOnly(trial, disk, random)
    }
    trial.atLeast("starts refused", refused, 2 * rounds)
  },
}

const takesNothing = { calls: ["write", "create", "truncate"], error: "EROFS" } as const

/** @returns how many starts were refused */
async function becomeReadOnly(trial: Trial, disk: FaultyDisk, random: Random): Promise<number> {
  disk.fail(takesNothing)
  const refusedEmpty = await refusesToStart(trial, disk, "an empty directory")
  disk.heal()
  const load = new StoreLoad(disk.directory, random, { env: disk.env, mostBytes: 3000 })
  const broker = await load.serving()
  const work = await load.begin(broker)
  await work.until(50)
  disk.fail(takesNothing)
  // From here on every acknowledgement would be a lie.
  await load.refused(broker)
  const { witness } = load
  witness.forbid()
  const accepted = await load.refused(broker)
  await broker.kill()
  await work.end()
  trial.count("messages acknowledged", witness.accepted)
  trial.bounded("acknowledged on a read-only disk", accepted + witness.wronglyAccepted, 0)
  const refusedStore = await refusesToStart(trial, disk, "a store")
  disk.heal()
  const { found, wrong, errors } = await readStore(disk.directory, "full")
  for (const each of [...errors, ...wrong, ...load.ledger.wrong(found, 0)]) trial.wrong(each)
  return Number(refusedEmpty) + Number(refusedStore)
}

async function refusesToStart(trial: Trial, { directory, env }: FaultyDisk, what: string): Promise<boolean> {
  const broker = await WatchedBroker.launch({ words: ["--port", "0", "--data", directory], env })
  const ended = await Promise.race([
    broker.ended(),
    broker.says("serving").then(
      () => "serving",
      () => "ended",
    ),
  ])
  const code = ended === "serving" ? "serving" : await broker.ended()
  const lines = broker.lines.map(({ message }) => message)
  if (code === "serving") await broker.kill()
  if (code !== 1 || lines.length !== 1)
    trial.wrong(`on ${what} it ended with ${code}, saying ${JSON.stringify(lines)}`)
  else trial.tell(lines[0] ?? "")
  if (lines.some((line) => line.includes("bug")))
    trial.wrong(`${what} that cannot be written is called a bug: ${lines[0]}`)
  return code === 1
}
