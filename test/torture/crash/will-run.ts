import { type BrokerProcess, portOf, startBroker } from "../../../scripts/executable.ts"
import type { Trial } from "../torture.ts"
import { patiently } from "../patience.ts"
import { killed } from "./fate.ts"
import { Mourner } from "./mourner.ts"
import { Random } from "../../support/random.ts"
import { served } from "./served.ts"
import { SessionClient } from "./session-client.ts"
import { type Destiny, Testator } from "./testator.ts"
import { testatorsOf } from "./testators.ts"

/**
 * Clients with wills are lost, come back and say goodbye around the moment when the broker is killed. Promised of the
 * wills of sessions that outlive their connections:
 *
 * - Of whom the broker has lost before it dies, the will comes in its time, or at the next start if that is later.
 * - Who is connected when it dies has lost its connection too: the delay counts from the next start.
 * - Who has the CONNACK again in time has taken back the will it left before. Who has said goodbye, too, once that is
 *   written, which nothing tells a client.
 * - Nobody's will comes twice at QoS 2: it is taken off its session together with its publication.
 *
 * The will of a session that ends with its connection ends with the broker, as does the session.
 */
export class WillRun {
  readonly #trial: Trial
  readonly #directory: string
  readonly #random: Random
  readonly #mourner: Mourner
  readonly #prober: SessionClient
  #broker: BrokerProcess | undefined
  #servingSinceMs = 0
  #latestMs = 0
  #kills = 0
  #mustCome = 0

  constructor(trial: Trial, directory: string) {
    const onFault = (what: string) => trial.wrong(what)
    this.#trial = trial
    this.#directory = directory
    this.#random = new Random(trial.seed)
    this.#mourner = new Mourner({ version: 5, onFault })
    this.#prober = new SessionClient({ version: 5, clientId: "prober", onFault })
  }

  async prepare(): Promise<void> {
    await this.#start()
    await this.#mourner.prepare(this.#port)
    await this.#prober.connect(this.#port)
  }

  async close(): Promise<void> {
    await this.#broker?.kill()
  }

  /** States what was done in so many rounds, and how late the latest will was. */
  report(rounds: number): void {
    this.#trial.atLeast("kills", this.#kills, rounds)
    this.#trial.atLeast("wills that must come", this.#mustCome, rounds)
    this.#trial.timed("longest delay beyond the due time (ms)", this.#latestMs, 1000)
  }

  async round(round: number): Promise<void> {
    const all = testatorsOf(round, this.#longestDelay).map((words) => new Testator(words))
    const of = (...destinies: readonly Destiny[]) =>
      all.filter(({ words: { destiny } }) => destinies.includes(destiny))
    await patiently(Promise.all(all.map((each) => each.connect(this.#port))), "all to be connected")
    await Promise.all(of("gone").map((each) => each.sayGoodbye()))
    await this.#prove(`proof/${round}`)
    await Promise.all(of("cut", "back before").map((each) => each.cut()))
    await this.#comeBack(of("back before"))

    const kills = 1 + this.#random.below(2)
    for (let kill = 1; kill <= kills; kill++) {
      // Some wills are due before, some after, and some in just that moment.
      await Bun.sleep(this.#random.below(this.#longestDelay * 750))
      await killed(this.#serving)
      this.#kills += 1
      if (kill === 1) for (const each of of("connected", "back after")) each.isLost()
      await this.#start()
      if (kill === 1) await this.#comeBack(of("back after"))
      await this.#mourner.client.connect(this.#port)
      await this.#prober.connect(this.#port)
    }
    const due = all.filter(({ dueMs }) => dueMs !== undefined)
    await patiently(Promise.all(due.map(({ words: { topic } }) => this.#mourner.hears(topic))), "the wills")
    await this.#prove(`wills/${round}/end`)
    await patiently(this.#mourner.hears(`wills/${round}/end`), "the end of the round")
    for (const each of all) this.#judge(each)
    await this.#judgeSessions(due)
    await this.#judgeRetained(round, all)
    for (const error of this.#broker?.errors ?? []) this.#trial.wrong(error)
    this.#trial.tell(`round ${round}: ${all.length} wills, ${due.length} due, ${kills} kills`)
  }

  async #comeBack(testators: readonly Testator[]): Promise<void> {
    const present = await Promise.all(testators.map((each) => each.comeBack(this.#port)))
    for (const isPresent of present) if (!isPresent) this.#trial.wrong("a session is gone too early")
  }

  /** Everything that the broker read before this is stored: twice, for it may read from one client before another. */
  async #prove(topic: string): Promise<void> {
    for (let time = 1; time <= 2; time++) {
      this.#prober.publish(topic, "proof", 1, true)
      await patiently(this.#prober.whenIdle(), "a proof to be acknowledged")
    }
  }

  #judge(testator: Testator): void {
    const { destiny, topic, qos, delaySeconds } = testator.words
    const arrivals = this.#mourner.arrivals(topic)
    const [first = Number.NaN] = arrivals
    const wrong = (what: string) =>
      this.#trial.wrong(`${destiny}, delay ${delaySeconds} s, QoS ${qos}: ${what}`)
    this.#trial.count("wills")
    if (qos === 1 && arrivals.length > 1) this.#trial.count("wills that came again at QoS 1")
    if (qos === 2 && arrivals.length > 1) wrong(`came ${arrivals.length} times`)
    if (testator.isUnsure) return
    const { dueMs } = testator
    if (dueMs === undefined) {
      this.#trial.count("wills that must not come")
      if (arrivals.length > 0) wrong("came, and should not")
      return
    }
    this.#mustCome += 1
    if (first < dueMs) wrong(`came ${dueMs - first} ms too early`)
    const isFromStart = destiny === "connected" ? delaySeconds * 1000 : 0
    this.#latestMs = Math.max(this.#latestMs, first - Math.max(dueMs, this.#servingSinceMs + isFromStart))
  }

  /** A session is there as long as it was to last, and no longer: its will has come, so that is over for some. */
  async #judgeSessions(testators: readonly Testator[]): Promise<void> {
    for (const testator of testators) {
      const { destiny, delaySeconds, expirySeconds } = testator.words
      const mustBePresent = expirySeconds > delaySeconds
      this.#trial.count(mustBePresent ? "sessions kept" : "sessions expired")
      if ((await testator.comeBack(this.#port)) === mustBePresent) continue
      this.#trial.wrong(
        `${destiny}: a session of ${expirySeconds} s is ${mustBePresent ? "gone" : "still there"}`,
      )
    }
    await patiently(Promise.all(testators.map((each) => each.cut())), "all to leave")
  }

  /** The wills that came and were to be retained are, and no others. */
  async #judgeRetained(round: number, testators: readonly Testator[]): Promise<void> {
    const found = new Set<string>()
    const allCame = Promise.withResolvers<void>()
    const heir = new SessionClient({
      version: 5,
      clientId: `heir ${round}`,
      onFault: (what) => this.#trial.wrong(what),
      onMessage: ({ topic }) => (topic === `proof/${round}` ? allCame.resolve() : void found.add(topic)),
    })
    await heir.connect(this.#port)
    await heir.subscribe(`wills/${round}/+`, 1)
    // What this one brings comes behind what the other one did.
    await heir.subscribe(`proof/${round}`, 1)
    await patiently(allCame.promise, "what is retained")
    await heir.leave()
    for (const { words } of testators) {
      const mustBeThere = words.retain && this.#mourner.arrivals(words.topic).length > 0
      if (found.has(words.topic) === mustBeThere) continue
      this.#trial.wrong(
        `${words.destiny}: a will is ${mustBeThere ? "not retained" : "retained, and should not be"}`,
      )
    }
  }

  get #longestDelay(): number {
    return this.#trial.effort === "long" ? 2 : 1
  }

  get #serving(): BrokerProcess {
    if (this.#broker === undefined) throw new Error("no broker runs")
    return this.#broker
  }

  get #port(): number {
    return portOf(this.#serving, "tcp")
  }

  async #start(): Promise<void> {
    this.#broker = await startBroker(this.#trial.executable, { words: served(this.#directory).slice(1) })
    this.#servingSinceMs = Date.now()
  }
}
