import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Client } from "../../../src/client/client.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { RawPeer } from "../../failure/raw-peer.ts"
import type { Torture, Trial } from "../torture.ts"
import { Monitor } from "./monitor.ts"
import { patiently } from "../patience.ts"
import { Wall } from "./wall.ts"

export const timeSteps: Torture = {
  name: "time steps",
  promise: "a wall that is put back or forward ends nothing before its time, and stops nothing",
  async run(trial) {
    if (!Wall.canBePut) return trial.skipped("no libfaketime")
    const folder = mkdtempSync(join(tmpdir(), "bantam-steps-"))
    try {
      const steps = trial.effort === "long" ? allSteps : fewSteps
      // Side by side, for most of it is waiting.
      const runs = steps.map((bySeconds) => new StepRun(trial, bySeconds, join(folder, `by${bySeconds}`)))
      await Promise.all(runs.map((run) => run.run()))
      const looks = runs.reduce((sum, run) => sum + run.looks, 0)
      trial.atLeast("looks", looks, steps.length * looksEach)
      const seen = runs.filter((run) => run.stepWasSeen).length
      trial.atLeast("steps that the broker saw", seen, steps.length)
      trial.timed("longest wait (ms)", Math.round(Math.max(...runs.map((run) => run.longestMs))), 6_000)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

const hour = 3_600
const year = 8_760 * hour
const fewSteps = [-3 * hour, 3 * hour]
const allSteps = [-10 * year, -hour, -30, 30, hour, 10 * year]

/** Much longer than it may take on a machine that others use as well, and much less than any step. */
const patienceMs = 25_000

/** An honest CONNECT of MQTT 3.1.1 by `silent`, with a keep alive of a second, and no word after it. */
const silentConnect = [0x10, 18, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 1, 0, 6, ...Buffer.from("silent")]

/** Six on the broker whose wall is put, and one on the next. */
const looksEach = 7

class StepRun {
  longestMs = 0
  looks = 0
  stepWasSeen = false
  readonly #trial: Trial
  readonly #bySeconds: number
  readonly #wall: Wall
  readonly #directory: string

  constructor(trial: Trial, bySeconds: number, folder: string) {
    mkdirSync(folder)
    this.#trial = trial
    this.#bySeconds = bySeconds
    this.#wall = new Wall(join(folder, "wall"))
    this.#directory = join(folder, "data")
  }

  async run(): Promise<void> {
    const trial = this.#trial
    const broker = await this.#start()
    await this.#step(broker)
    trial.count(this.#bySeconds < 0 ? "steps back" : "steps forward")
    await this.#stop(broker)
    this.stepWasSeen = this.#wasSeenBy(broker)
    // What the first run has dated is older or younger by the wall than it is.
    const next = await this.#start()
    await this.#findAgain(next)
    trial.count("restarts with another time")
    await this.#stop(next)
    for (const line of [...broker.lines, ...next.lines]) {
      if (line.level === "error") this.#wrong(JSON.stringify(line))
    }
  }

  async #step(broker: WatchedBroker): Promise<void> {
    const wrong = (what: string) => this.#wrong(what)
    const monitor = await Monitor.of(broker.port("tcp"), wrong)
    const publisher = await broker.client({ clientId: "publisher", keepAliveSeconds: 60 })
    await leaveSession(broker, "lasting", hour / 2)
    await publisher.publish({ topic: "to/lasting", payload, qos: 1, properties: expiring(hour / 2) })
    let wills = 0
    const willCame = Promise.withResolvers<void>()
    const heir = await broker.client({
      clientId: "heir",
      keepAliveSeconds: 60,
      onMessage: () => {
        wills += 1
        willCame.resolve()
      },
    })
    await subscribe(heir, "will")

    this.#wall.put(this.#bySeconds)
    // A report of $SYS takes a second, and then the wall has been put.
    await this.#happens(monitor.nextReport(), "$SYS reports")
    await leaveSession(broker, "passing", 1)
    await publisher.publish({ topic: "retained", payload, qos: 1, retain: true, properties: expiring(1) })
    const mortal = await broker.client({
      clientId: "mortal",
      properties: { sessionExpiryInterval: 60 },
      will: { topic: "will", payload, qos: 1, retain: false, properties: { willDelayInterval: 1 } },
    })
    mortal.terminate()
    const silent = await RawPeer.connect(broker.port("tcp"))
    silent.send(silentConnect)

    await this.#happens(silent.closed, "a connection that has fallen silent is ended")
    await this.#happens(willCame.promise, "a will is published after its delay")
    await this.#happens(
      untilReported(monitor, () => monitor.number("clients/expired") > 0 && monitor.remains.retained === 0),
      "a session and a retained message expire",
    )
    if (wills !== 1) wrong(`a will came ${wills} times`)
    for (const client of [publisher, heir]) {
      // Who is not there any more cannot be answered.
      await this.#happens(subscribe(client, "anything"), "who is connected stays connected")
    }
    await monitor.close()
    for (const client of [publisher, heir]) await client.disconnect()
  }

  /** The session that had half an hour, and the message in it, are seconds old. */
  async #findAgain(broker: WatchedBroker): Promise<void> {
    const came = Promise.withResolvers<void>()
    const client = await broker.client({
      clientId: "lasting",
      cleanStart: false,
      onMessage: () => came.resolve(),
      onPacket: (direction, packet) => {
        if (direction === "received" && packet.type === "connack" && !packet.sessionPresent) {
          this.#wrong("a session is gone that had half an hour")
          came.resolve()
        }
      },
    })
    await this.#happens(came.promise, "a message that has half an hour is delivered")
    await client.disconnect()
  }

  async #happens(what: Promise<unknown>, sentence: string): Promise<void> {
    const beganAtMs = performance.now()
    try {
      await patiently(what, sentence, patienceMs)
    } catch (error) {
      this.#wrong(error instanceof Error ? error.message : String(error))
    }
    this.looks += 1
    this.longestMs = Math.max(this.longestMs, performance.now() - beganAtMs)
  }

  async #stop(broker: WatchedBroker): Promise<void> {
    const exitCode = await broker.stop()
    if (exitCode !== 0) this.#wrong(`a broker ended with ${exitCode}`)
  }

  /** Whether the last line of its log, which is seconds old, is dated by the wall that was put. */
  #wasSeenBy(broker: WatchedBroker): boolean {
    const writtenAtMs = Date.parse(String(broker.lines.at(-1)?.["time"]))
    return Math.abs(writtenAtMs - Date.now() - this.#bySeconds * 1000) < patienceMs
  }

  #wrong(what: string): void {
    this.#trial.wrong(`by ${this.#bySeconds} seconds: ${what}`)
  }

  #start(): Promise<WatchedBroker> {
    return WatchedBroker.serving({
      program: [this.#trial.executable],
      words: ["--port", "0", "--data", this.#directory, "--set", "mqtt.sys_interval_seconds=1"],
      env: this.#wall.environment,
    })
  }
}

const payload = Buffer.from("so it is")

function expiring(seconds: number) {
  return { messageExpiryInterval: seconds }
}

async function leaveSession(broker: WatchedBroker, clientId: string, expirySeconds: number): Promise<void> {
  const client = await broker.client({
    clientId,
    cleanStart: false,
    properties: { sessionExpiryInterval: expirySeconds },
  })
  await subscribe(client, `to/${clientId}`)
  await client.disconnect()
  await client.ended
}

async function subscribe(client: Client, filter: string): Promise<void> {
  await client.subscribe([{ filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }])
}

async function untilReported(monitor: Monitor, holds: () => boolean): Promise<void> {
  do await monitor.nextReport()
  while (!holds())
}
