import type { Random } from "../../support/random.ts"
import type { Play } from "./plays.ts"
import type { Stage } from "./stage.ts"

export interface ChurnOptions {
  readonly stage: Stage
  readonly random: Random
  readonly plays: readonly Play[]
  /** Played one after the other, the next a while after the last. */
  readonly commands: readonly Play[]
  readonly commandEveryMs: number
  /** Played when all others are over, one after the other. */
  readonly atLast: readonly Play[]
  readonly playsPerSecond: number
  /** Beyond it none is begun: the broker or this machine is too slow. */
  readonly mostAtOnce: number
  wrong(what: string): void
}

/** Plays what clients do, at a steady rate, until it is told to stop: first each once, then by chance, and some at last. */
export class Churn {
  readonly #options: ChurnOptions
  readonly #underway = new Set<Promise<void>>()
  readonly #beginning: Play[]
  #commands: Promise<void> = Promise.resolve()
  #ticker: ReturnType<typeof setInterval> | undefined
  #stopped = Promise.withResolvers<void>()
  #isOver = false
  #due = 0
  played = 0
  /** Plays that were due and not begun. */
  skipped = 0

  constructor(options: ChurnOptions) {
    this.#options = options
    this.#beginning = [...options.plays]
  }

  start(): void {
    const tickMs = 50
    this.#ticker = setInterval(() => {
      this.#due += (this.#options.playsPerSecond * tickMs) / 1000
      for (; this.#due >= 1; this.#due -= 1) this.#begin()
    }, tickMs)
    this.#commands = this.#runCommands()
  }

  /** Begins nothing any more but what comes at last. Resolves when all is over. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    this.#isOver = true
    this.#stopped.resolve()
    await Promise.all([...this.#underway, this.#commands])
    for (const play of this.#options.atLast) await this.#play(play)
  }

  get underway(): number {
    return this.#underway.size
  }

  #begin(): void {
    const { random, plays, mostAtOnce } = this.#options
    if (this.#underway.size >= mostAtOnce) {
      this.skipped += 1
      return
    }
    const play = this.#beginning.shift() ?? random.weighted(plays)
    if (play === undefined) return
    const playing = this.#play(play).finally(() => this.#underway.delete(playing))
    this.#underway.add(playing)
  }

  async #runCommands(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const command = this.#options.commands[turn % this.#options.commands.length]
      if (command === undefined) return
      await this.#play(command)
      // In the beginning one after the other, so that each is seen in the shortest soak.
      const restMs = turn < this.#options.commands.length ? 200 : this.#options.commandEveryMs
      await Promise.race([this.#stopped.promise, Bun.sleep(restMs)])
    }
  }

  async #play(play: Play): Promise<void> {
    this.played += 1
    try {
      await play.run(this.#options.stage)
    } catch (error) {
      this.#options.wrong(`${play.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
