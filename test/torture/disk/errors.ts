import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { WatchedBroker } from "../../failure/watched-broker.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { FaultyDisk, noCompiler, type DiskCall, type DiskError, type DiskFile } from "./faulty-disk.ts"
import { readStore } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"

const callsOf: readonly (readonly DiskCall[])[] = [
  ["write"],
  ["sync"],
  ["read"],
  ["write", "sync", "truncate"],
]
const filesOf: readonly (readonly DiskFile[])[] = [["log"], ["database"], ["database", "log"]]
const errorsOf: readonly DiskError[] = ["EIO", "ENOSPC", "EROFS"]

export const diskErrors: Torture = {
  name: "disk errors",
  promise:
    "whatever the disk refuses, nothing is acknowledged that is not kept, and when it is well again so is the broker",
  async run(trial) {
    const random = new Random(trial.seed)
    const { rounds, faults } = trial.effort === "long" ? { rounds: 12, faults: 8 } : { rounds: 1, faults: 2 }
    let calls = 0
    let recovered = 0
    for (let round = 1; round <= rounds; round++) {
      using disk = await FaultyDisk.make({ seed: trial.seed + round, recording: false })
      if (disk === undefined) return trial.skipped(noCompiler)
      const { failed, recoveries } = await sufferFaults(trial, disk, random, faults)
      calls += failed
      recovered += recoveries
      trial.tell(`${round} of ${rounds} brokers`)
    }
    // Of each broker at least the last fault, under which all writes fail.
    trial.atLeast("calls failed", calls, rounds)
    trial.atLeast("recovered by itself", recovered, rounds * faults)
  },
}

interface Suffered {
  /** Calls that failed. */
  readonly failed: number
  readonly recoveries: number
}

async function sufferFaults(
  trial: Trial,
  disk: FaultyDisk,
  random: Random,
  faults: number,
): Promise<Suffered> {
  const load = new StoreLoad(disk.directory, random, { env: disk.env, mostBytes: 3000 })
  const broker = await load.serving()
  const work = await load.begin(broker)
  const story: string[] = []
  let recoveries = 0
  for (let fault = 0; fault < faults; fault++) {
    await work.until(30)
    story.push(await fail(trial, disk, broker, load, random, fault === faults - 1))
    disk.heal()
    if (!broker.isRunning) break
    // By itself, and within seconds: it tries again each second.
    await work.until(30)
    recoveries += 1
  }
  trial.count("writes shortened", disk.shortened)
  const isKilled = random.oneIn(2)
  // No fault of the disk ends a broker: it refuses, and tries again. It stops when its files are taken away.
  if (!broker.isRunning) trial.wrong(`${story.join("; ")}: it ended by itself with ${await broker.ended()}`)
  else if (isKilled) await broker.kill()
  await work.end()
  if (!isKilled && (await broker.stop()) !== 0) trial.wrong(`${story.join("; ")}: it did not stop well`)
  trial.count("messages acknowledged", load.witness.accepted)
  trial.count("messages refused", load.witness.refused)
  for (const { level, message } of broker.lines) {
    if (level === "none" || message.includes("bug")) trial.wrong(`${story.join("; ")}: it says ${message}`)
  }
  const { found, wrong, errors } = await readStore(disk.directory, "full")
  for (const each of [...errors, ...wrong, ...load.ledger.wrong(found, 0)])
    trial.wrong(`${story.join("; ")}: ${each}`)
  return { failed: disk.failed, recoveries }
}

/** Lets calls fail for a while. @returns what was done, in words */
async function fail(
  trial: Trial,
  disk: FaultyDisk,
  broker: WatchedBroker,
  load: StoreLoad,
  random: Random,
  isLasting: boolean,
): Promise<string> {
  if (isLasting) {
    disk.fail({ calls: ["write"], error: errorsOf[random.below(errorsOf.length)] ?? "EIO" })
    await load.refused(broker)
    await refusedInThreeOneOne(trial, broker)
    return "all writes fail"
  }
  disk.shorten(random.oneIn(2) ? 200 : 0)
  const calls = callsOf[random.below(callsOf.length)] ?? ["write"]
  const files = filesOf[random.below(filesOf.length)] ?? ["log"]
  const error = errorsOf[random.below(errorsOf.length)] ?? "EIO"
  const atMost = 1 + random.below(20)
  disk.fail({ calls, files, error, perThousand: 1000 >> random.below(4), atMost })
  // For so long: a few may pass unseen, and some stop whoever waits for a PUBCOMP.
  await Promise.race([Bun.sleep(random.below(500)), broker.ended()])
  trial.count("faults")
  return `${atMost} calls to ${calls.join(", ")} of ${files.join(", ")} fail with ${error}`
}

/** Where there is no word for a refusal, the connection ends in place of an acknowledgement. */
async function refusedInThreeOneOne(trial: Trial, broker: WatchedBroker): Promise<void> {
  const old = await broker.client({ clientId: `old-${crypto.randomUUID()}`, version: 4 })
  const asked = old.publish({ topic: "load/none", payload: Buffer.from("refused"), qos: 1 })
  const answer = await asked.then(
    ({ reasonCode }) => reasonCode,
    () => undefined,
  )
  trial.count("clients of 3.1.1 closed on", answer === undefined ? 1 : 0)
  if (answer === ReasonCode.success) trial.wrong("a message was acknowledged that could not be written")
}
