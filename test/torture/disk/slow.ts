import { readFileSync } from "node:fs"
import { Random } from "../../support/random.ts"
import type { Client } from "../../../src/client/client.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import type { Torture } from "../torture.ts"
import { FaultyDisk, noCompiler } from "./faulty-disk.ts"
import { Ledger } from "./ledger.ts"
import { numberedMessage } from "./numbered-message.ts"
import { patiently } from "../patience.ts"
import { readStore } from "./store-content.ts"
import { Witness } from "./witness.ts"

/** What the broker may take while tens of megabytes wait for the disk. */
const mostMemoryMiB = 500

export const slowDisk: Torture = {
  name: "disk slow",
  promise: "a slow disk holds up what must be on it and those who flood it, and nobody else",
  async run(trial) {
    const { syncMs, syncs, floods, megabytes } =
      trial.effort === "long"
        ? { syncMs: 2000, syncs: 10, floods: 4, megabytes: 250 }
        : { syncMs: 300, syncs: 2, floods: 1, megabytes: 60 }
    using disk = await FaultyDisk.make({ seed: trial.seed, recording: false })
    if (disk === undefined) return trial.skipped(noCompiler)
    const words = ["--port", "0", "--data", disk.directory, "--set", "limits.queued_bytes=1073741824"]
    const broker = await WatchedBroker.serving({ words, env: disk.env })
    const ledger = new Ledger(() => 0)
    const witness = new Witness(ledger, ["absent"])
    const absent = await broker.client(witness.lasting("absent"))
    await absent.subscribe([to("load/#", 2)])
    await absent.disconnect()
    const bystanders = await Bystanders.join(broker)
    disk.slow(syncMs)
    const random = new Random(trial.seed)
    const publishers = await Promise.all(
      Array.from({ length: floods }, async (_, index) => {
        const options = { ...witness.lasting(`flood-${index}`), maximumInFlight: 65_535 }
        return flood(await broker.client(options), `load/${index}`, random, (megabytes / floods) * 1e6)
      }),
    )
    let mostMiB = 0
    const sampling = setInterval(() => {
      mostMiB = Math.max(mostMiB, residentMiB(broker.pid))
    }, 20)
    const syncedBefore = disk.synced
    const allSent = Promise.all(publishers.map(({ done }) => done))
    const behind = broker.says("the disk is behind; publishers are slowed").then(() => true)
    if (!(await Promise.race([behind, allSent.then(() => false)]))) trial.wrong("the broker took all at once")
    // What was told since is gathered while the disk syncs; each sync is waited for.
    const acknowledgedEarly = witness.accepted
    await bystanders.talk(() => disk.synced >= syncedBefore + syncs)
    trial.atLeast("syncs meanwhile", disk.synced - syncedBefore, syncs)
    trial.figure("messages acknowledged when it was behind", acknowledgedEarly)
    disk.heal()
    await patiently(allSent, "the publishers to be done")
    clearInterval(sampling)
    trial.figure("megabytes published", megabytes)
    trial.figure("sync (ms)", syncMs)
    trial.bounded("largest memory of the broker (MiB)", Math.round(mostMiB), mostMemoryMiB)
    trial.timed("longest delay at QoS 0 (ms)", bystanders.longestMs, syncMs / 2)
    trial.atLeast("messages at QoS 0", bystanders.heard, syncs)
    if (publishers.every(({ wasSlowed }) => !wasSlowed())) trial.wrong("no publisher was slowed")
    await bystanders.leave()
    await broker.kill()
    trial.atLeast("messages acknowledged", witness.accepted, Math.floor((megabytes * 1e6) / mostBytes))
    const { found, wrong, errors } = await readStore(disk.directory, "full")
    for (const each of [...errors, ...wrong, ...ledger.wrong(found, 0)]) trial.wrong(each)
  },
}

interface Flood {
  readonly done: Promise<void>
  wasSlowed(): boolean
}

/** Of one message; the smallest has half of it. */
const mostBytes = 8000

/** As much as the broker takes, as fast as it takes it. */
function flood(client: Client, topic: string, random: Random, bytes: number): Flood {
  let isSlowed = false
  const publish = async () => {
    const answers: Promise<unknown>[] = []
    for (let sent = 0, number = 0; sent < bytes; number++) {
      if (!client.writable) {
        isSlowed = true
        await client.whenWritable()
      }
      const payload = numberedMessage(topic, number, mostBytes / 2 + random.below(mostBytes / 2))
      sent += payload.length
      answers.push(client.publish({ topic, payload, qos: 1 }))
    }
    await Promise.all(answers)
    await client.disconnect()
  }
  return { done: publish(), wasSlowed: () => isSlowed }
}

/** Two clients who need no disk, and measure whether they feel it. */
class Bystanders {
  readonly #talker: Client
  readonly #listener: Client
  #heard: (() => void) | undefined
  longestMs = 0
  heard = 0

  private constructor(talker: Client, listener: Client) {
    this.#talker = talker
    this.#listener = listener
  }

  static async join(broker: WatchedBroker): Promise<Bystanders> {
    const talker = await broker.client({ clientId: "talker" })
    const listener = await broker.client({
      clientId: "listener",
      onMessage: () => bystanders.#heard?.(),
    })
    await listener.subscribe([to("talk", 0)])
    const bystanders = new Bystanders(talker, listener)
    return bystanders
  }

  /** One message after the other. */
  async talk(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#heard = resolve
      const sentAt = performance.now()
      await this.#talker.publish({ topic: "talk", payload: Buffer.from("word"), qos: 0 })
      await promise
      this.heard += 1
      this.longestMs = Math.max(this.longestMs, performance.now() - sentAt)
    }
  }

  async leave(): Promise<void> {
    await Promise.all([this.#talker.disconnect(), this.#listener.disconnect()])
  }
}

function residentMiB(pid: number): number {
  try {
    const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")
    return (Number(pages) * 4096) / 1_048_576
  } catch {
    return 0
  }
}

function to(filter: string, qos: 0 | 2) {
  return { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
}
