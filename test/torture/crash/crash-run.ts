import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type BrokerProcess, portOf, startBroker } from "../../../scripts/executable.ts"
import type { Trial } from "../torture.ts"
import type { Fate } from "./fate.ts"
import { Inspector } from "./inspector.ts"
import { Listener } from "./listener.ts"
import { LoadPublisher } from "./load-publisher.ts"
import { patiently } from "../patience.ts"
import { Random } from "../../support/random.ts"
import { Retainer } from "./retainer.ts"
import { SessionClient } from "./session-client.ts"

interface CrashRunOptions {
  /** The compiled broker. */
  readonly path: string
  readonly rounds: number
  readonly seed: number
  /** How each life of the broker ends. */
  readonly fate: (random: Random) => Fate
  /** Takes a line for each round. */
  readonly report: (line: string) => void
}

/** What was found; everything behind `delivered` must be 0. */
interface CrashTotals {
  rounds: number
  lives: number
  published: number
  delivered: number
  /** Acknowledged messages that a subscriber never got. */
  lost: number
  /** QoS 2 messages that an application got twice. */
  duplicates: number
  outOfOrder: number
  retainedWrong: number
  subscriptionsWrong: number
  /** Sessions gone, messages refused, bugs in the log, and all else. */
  faults: number
}

/** Runs it, and states what was found: nothing may be lost, doubled or wrong. */
export async function tryCrashes(
  trial: Trial,
  rounds: number,
  fate: (random: Random) => Fate,
): Promise<void> {
  const { executable: path, seed } = trial
  const totals = await crashRun({ path, rounds, seed, fate, report: (line) => trial.tell(line) })
  trial.atLeast("lives of the broker", totals.lives, rounds)
  // Usually it is a thousand in each, and none where the broker is gone before the first client is back.
  trial.atLeast("messages published", totals.published, trial.effort === "long" ? 100 * rounds : 1)
  trial.figure("messages delivered", totals.delivered)
  for (const [key, name] of Object.entries(words)) trial.bounded(name, totals[key as keyof typeof words], 0)
  // Six listeners hear each message.
  if (totals.delivered < totals.published * 6) {
    trial.wrong(`${totals.published} published, and only ${totals.delivered} delivered`)
  }
}

/**
 * Lets the broker work and come to its end again and again, starts it on the same directory, lets everybody come back and
 * looks whether what was acknowledged is still true.
 */
async function crashRun(options: CrashRunOptions): Promise<CrashTotals> {
  const directory = mkdtempSync(join(tmpdir(), "bantam-crash-"))
  const run = new CrashRun(options, join(directory, "store"))
  try {
    await run.prepare()
    for (let round = 1; round <= options.rounds; round++) await run.round(round)
  } finally {
    await run.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return run.totals
}

class CrashRun {
  readonly totals: CrashTotals = {
    rounds: 0,
    lives: 0,
    published: 0,
    delivered: 0,
    lost: 0,
    duplicates: 0,
    outOfOrder: 0,
    retainedWrong: 0,
    subscriptionsWrong: 0,
    faults: 0,
  }
  readonly #options: CrashRunOptions
  readonly #directory: string
  readonly #random: Random
  readonly #fate: Fate
  readonly #publishers: readonly LoadPublisher[]
  readonly #retainers: readonly Retainer[]
  /** Connected while the load runs. */
  readonly #present: readonly Listener[]
  /** Connected only to fetch what has come meanwhile. */
  readonly #absent: readonly Listener[]
  readonly #inspector: Inspector
  readonly #prober: SessionClient
  #broker: BrokerProcess | undefined

  constructor(options: CrashRunOptions, directory: string) {
    const random = new Random(options.seed)
    const onFault = (what: string) => this.#fault(what)
    const both = (index: number) => ({ version: index % 2 === 0 ? 5 : 4, onFault }) as const
    this.#options = options
    this.#directory = directory
    this.#random = random
    this.#fate = options.fate(random)
    this.#publishers = times(4, (index) => new LoadPublisher(index, random, both(index)))
    this.#retainers = times(2, (index) => new Retainer(index, random, both(index)))
    this.#present = times(3, (index) => new Listener(`present-${index}`, random, both(index)))
    this.#absent = times(3, (index) => new Listener(`absent-${index}`, random, both(index)))
    this.#inspector = new Inspector(both(0))
    this.#prober = new SessionClient({ ...both(0), clientId: "prober" })
  }

  /** Every session and its subscriptions, before anything is published. */
  async prepare(): Promise<void> {
    await this.#start()
    await this.#inspector.prepare(this.#port)
    for (const listener of [...this.#present, ...this.#absent]) {
      await listener.client.connect(this.#port)
      await listener.subscribe()
      await listener.client.leave()
    }
  }

  async round(round: number): Promise<void> {
    const publishedBefore = this.#published
    const deliveredBefore = this.#delivered
    const story: string[] = []
    story.push(await this.#workUntilTheEnd(false))
    // The next life of the broker may end just as early, with everybody fetching what is theirs.
    while (this.#random.oneIn(2)) {
      await this.#inspect()
      story.push(await this.#workUntilTheEnd(true))
    }
    await this.#inspect()
    const doubts = await this.#verify(round)
    this.totals.rounds += 1
    this.totals.published = this.#published
    this.totals.delivered = this.#delivered
    const counts = `${this.#published - publishedBefore} published, ${this.#delivered - deliveredBefore} delivered`
    this.#options.report(`round ${round}: ${story.join("; ")}; ${counts}; ${doubts}`)
  }

  async close(): Promise<void> {
    await this.#broker?.kill()
  }

  /** @param fetching the absent ones come as well. @returns what happened, in words */
  async #workUntilTheEnd(fetching: boolean): Promise<string> {
    const comers = [...this.#clientsAtWork, ...(fetching ? this.#absent.map(({ client }) => client) : [])]
    // Whoever is not back when the broker dies comes back next time.
    const back = Promise.allSettled(comers.map((client) => client.connect(this.#port)))
    const [end] = await Promise.all([this.#fate.end(this.#serving), back.then(() => this.#work())])
    for (const worker of [...this.#publishers, ...this.#retainers]) worker.stop()
    await patiently(Promise.all(comers.map((client) => client.closed)), "the connections to end")
    this.#countErrors()
    this.totals.lives += 1
    const pause = await this.#fate.pause(this.#directory)
    const startedAt = performance.now()
    await this.#start()
    const backMs = (performance.now() - startedAt).toFixed(0)
    return `${end}${fetching ? " of fetching" : ""}${pause}, back in ${backMs} ms`
  }

  #work(): void {
    for (const worker of [...this.#publishers, ...this.#retainers]) worker.start()
    for (const listener of this.#present) {
      listener.change().catch((error: unknown) => this.#fault(String(error)))
    }
  }

  /** Before anybody resends: what stands there now is what the store kept. */
  async #inspect(): Promise<void> {
    const found = await patiently(this.#inspector.look(this.#port), "the retained messages")
    for (const wrong of this.#retainers.flatMap((retainer) => retainer.wrong(found))) {
      this.totals.retainedWrong += 1
      this.#options.report(`  wrong: ${wrong}`)
    }
  }

  /** Everybody comes back and gets what is theirs; then nothing may be missing. @returns the counts in words */
  async #verify(round: number): Promise<string> {
    const before = { ...this.totals }
    await this.#all((client) => client.connect(this.#port), "everybody to be back")
    await this.#all((client) => client.whenIdle(), "all to be acknowledged")
    await this.#inspect()
    const listeners = [...this.#present, ...this.#absent]
    const marker = `round ${round}`
    const reached = listeners.map((listener) => listener.reaches(marker))
    for (const { client } of this.#absent) await client.connect(this.#port)
    await this.#prober.connect(this.#port)
    for (const topic of listeners.flatMap(({ extras }) => [...extras])) this.#prober.publish(topic, marker, 1)
    this.#prober.publish("end", marker, 1)
    await patiently(Promise.all(reached), "the last message")
    const sent = new Map(this.#publishers.flatMap((publisher) => [...publisher.sent]))
    for (const listener of listeners) {
      const findings = listener.findings(sent)
      this.totals.lost += findings.lost
      this.totals.duplicates += findings.duplicates
      this.totals.outOfOrder += findings.outOfOrder
      this.totals.subscriptionsWrong += findings.subscriptionsWrong
    }
    await patiently(this.#prober.whenIdle(), "the probes to be acknowledged")
    const leaving = [...this.#clientsAtWork, ...this.#absent.map(({ client }) => client), this.#prober]
    await patiently(Promise.all(leaving.map((client) => client.leave())), "all to leave")
    this.#countErrors()
    return (["lost", "duplicates", "outOfOrder", "retainedWrong", "subscriptionsWrong", "faults"] as const)
      .map((key) => `${this.totals[key] - before[key]} ${words[key]}`)
      .join(", ")
  }

  get #clientsAtWork(): readonly SessionClient[] {
    return [...this.#publishers, ...this.#retainers, ...this.#present].map(({ client }) => client)
  }

  async #all(run: (client: SessionClient) => Promise<void>, forWhat: string): Promise<void> {
    await patiently(Promise.all(this.#clientsAtWork.map(run)), forWhat)
  }

  get #published(): number {
    return this.#publishers
      .flatMap((publisher) => [...publisher.sent.values()])
      .reduce((sum, count) => sum + count, 0)
  }

  get #delivered(): number {
    return [...this.#present, ...this.#absent].reduce((sum, { delivered }) => sum + delivered, 0)
  }

  get #serving(): BrokerProcess {
    if (this.#broker === undefined) throw new Error("no broker runs")
    return this.#broker
  }

  get #port(): number {
    return portOf(this.#serving, "tcp")
  }

  async #start(): Promise<void> {
    this.#broker = await startBroker(this.#options.path, {
      words: ["--port", "0", "--set", `storage.directory=${this.#directory}`],
    })
  }

  #countErrors(): void {
    for (const line of this.#broker?.errors ?? []) this.#fault(line)
  }

  #fault(what: string): void {
    this.totals.faults += 1
    this.#options.report(`  fault: ${what}`)
  }
}

const words = {
  lost: "lost",
  duplicates: "doubled",
  outOfOrder: "out of order",
  retainedWrong: "retained wrong",
  subscriptionsWrong: "subscriptions wrong",
  faults: "faults",
} as const

function times<Item>(count: number, make: (index: number) => Item): readonly Item[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
