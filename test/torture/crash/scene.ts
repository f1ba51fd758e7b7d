import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Trial } from "../torture.ts"
import { canTrace, changesOf, type DiskChange, live, type Moment, type ShortLife } from "./disk-changes.ts"
import { Random } from "../../support/random.ts"
import { copyData } from "../../support/copy-data.ts"

/** Something that a program does with files, and may be killed in the midst of. */
export interface Scene {
  /** What is done, as in `restoring over a store`. */
  readonly name: string
  /** Lays out what the program finds. Called once; each try has a copy of its own. */
  prepare(folder: string): Promise<void>
  /** Words behind the program's name. */
  words(folder: string): readonly string[]
  /** @returns what is wrong with what the program left; it may change it */
  check(folder: string, life: ShortLife): Promise<string | undefined>
}

export interface SceneTries {
  /** So many of the changes that the program makes are tried, all if there are fewer. */
  readonly changes: number
  /** And so many moments by the clock. */
  readonly times: number
}

/** Plays a scene again and again, killing the program at another moment each time. */
export async function play(scene: Scene, trial: Trial, tries: SceneTries): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), "bantam-scene-"))
  try {
    await new SceneRun(scene, trial, parent).run(tries)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** @param long what is tried in a long trial; a short one tries two changes, for one may be out of reach next time */
export async function triesOf(trial: Trial, long: SceneTries): Promise<SceneTries> {
  const tries = trial.effort === "long" ? long : { changes: 2, times: 0 }
  if (await canTrace()) return tries
  const why = Bun.which("strace") === null ? "no strace" : "strace may not trace here"
  trial.skipped(`${why}, so kills are timed and not aimed`)
  return { changes: 0, times: tries.times + tries.changes }
}

class SceneRun {
  readonly #scene: Scene
  readonly #trial: Trial
  readonly #parent: string
  readonly #random: Random
  #copies = 0
  #kills = 0

  constructor(scene: Scene, trial: Trial, parent: string) {
    this.#scene = scene
    this.#trial = trial
    this.#parent = parent
    this.#random = new Random(trial.seed)
  }

  async run({ changes, times }: SceneTries): Promise<void> {
    const given = join(this.#parent, "given")
    mkdirSync(given)
    await this.#scene.prepare(given)
    const { lastedMs } = await this.#try(undefined)
    const moments: Moment[] = Array.from({ length: times }, () => ({ afterMs: this.#random.below(lastedMs) }))
    if (changes > 0) {
      const all = await this.#inCopy((folder) => changesOf(this.#program(folder)))
      const chosen = this.#choose(all, changes)
      moments.push(...chosen.map((before) => ({ before })))
      this.#trial.tell(`${this.#scene.name}: ${all.length} changes, of which ${chosen.length} are tried`)
    }
    for (const moment of moments) await this.#try(moment)
    // A kill by the clock may come too late, an aimed one where the threads have shared their work in another way.
    this.#trial.atLeast(`kills ${this.#scene.name}`, this.#kills, Math.ceil(changes / 2))
  }

  #program(folder: string): readonly string[] {
    return [this.#trial.executable, ...this.#scene.words(folder)]
  }

  async #try(moment: Moment | undefined): Promise<ShortLife> {
    return this.#inCopy(async (folder) => {
      const life = await live(this.#program(folder), moment)
      if (life.wasKilled) this.#kills += 1
      else if (life.exitCode !== 0) this.#wrong(moment, `ended with ${life.exitCode}: ${life.said.join(" ")}`)
      const found = await this.#scene.check(folder, life).catch((error: unknown) => String(error))
      if (found !== undefined) this.#wrong(moment, found)
      return life
    })
  }

  async #inCopy<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
    const folder = join(this.#parent, `copy ${++this.#copies}`)
    copyData(join(this.#parent, "given"), folder)
    try {
      return await use(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  #wrong(moment: Moment | undefined, what: string): void {
    this.#trial.wrong(`${this.#scene.name}, ${inWords(moment)}: ${what}`)
  }

  /** Half of them move a file or take one away: they are few, and it is there that one state becomes another. */
  #choose(all: readonly DiskChange[], most: number): readonly DiskChange[] {
    const moves = this.#some(
      all.filter(({ call }) => /^(link|rename|unlink)/.test(call)),
      Math.floor(most / 2),
    )
    const others = all.filter((each) => !moves.includes(each))
    return [...moves, ...this.#some(others, most - moves.length)]
  }

  /** Drawn without putting back. */
  #some<Item>(items: readonly Item[], most: number): readonly Item[] {
    const left = [...items]
    const drawn: Item[] = []
    while (drawn.length < most && left.length > 0)
      drawn.push(...left.splice(this.#random.below(left.length), 1))
    return drawn
  }
}

function inWords(moment: Moment | undefined): string {
  if (moment === undefined) return "not killed"
  if ("afterMs" in moment) return `killed after ${moment.afterMs} ms`
  return `killed before ${moment.before.call} number ${moment.before.nth}`
}
