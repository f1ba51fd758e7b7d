import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { RunningBroker, startBroker } from "../../src/index.ts"
import type { ConnectTarget } from "../../src/transport/connect.ts"
import { MovableClock } from "./movable-clock.ts"
import type { Scenario } from "./scenario.ts"

/** The broker that a scenario is played with. */
export interface Stage extends AsyncDisposable {
  readonly target: ConnectTarget
  /** Stops it in good order and starts it on what it kept. */
  restart(): Promise<void>
  /** Time goes on by so much at once. */
  advance(milliseconds: number): Promise<void>
}

/** @returns why the scenario cannot be played with a broker that is not ours; undefined when it can */
export function whyNotElsewhere({ steps, settings }: Scenario): string | undefined {
  const step = steps.find(({ verb }) => verb === "restart" || verb === "advance")
  if (step !== undefined) return `${step.verb} needs a broker of our own`
  return Object.keys(settings).length > 0 ? "it has settings for a broker of our own" : undefined
}

/** A broker that is somewhere already. */
export function elsewhere(target: ConnectTarget): Stage {
  const cannot = () => Promise.reject(new Error("assertion failed: played on a stage of our own"))
  return { target, restart: cannot, advance: cannot, [Symbol.asyncDispose]: async () => {} }
}

/** @throws ConfigError the scenario's settings are wrong */
export async function ownStage(scenario: Scenario, start: typeof startBroker): Promise<Stage> {
  const restarts = scenario.steps.some(({ verb }) => verb === "restart")
  const parent = restarts ? mkdtempSync(join(tmpdir(), "bantam-test-")) : undefined
  const stage = new OwnStage(scenario, parent, start)
  try {
    await stage.begin()
    return stage
  } catch (error) {
    await stage[Symbol.asyncDispose]()
    throw error
  }
}

class OwnStage implements Stage {
  readonly #scenario: Scenario
  readonly #parent: string | undefined
  readonly #start: typeof startBroker
  readonly #clock = new MovableClock()
  #broker: RunningBroker | undefined

  constructor(scenario: Scenario, parent: string | undefined, start: typeof startBroker) {
    this.#scenario = scenario
    this.#parent = parent
    this.#start = start
  }

  get target(): ConnectTarget {
    return { scheme: "tcp", host: this.#broker?.host ?? "", port: this.#broker?.port ?? 0 }
  }

  async begin(): Promise<void> {
    const parent = this.#parent
    this.#broker = await this.#start({
      ...(parent === undefined ? {} : { directory: join(parent, "data") }),
      settings: this.#scenario.settings,
      clock: this.#clock,
      log: "none",
    })
  }

  async restart(): Promise<void> {
    await this.#broker?.stop()
    await this.begin()
  }

  async advance(milliseconds: number): Promise<void> {
    this.#clock.advance(milliseconds)
    // What fell due goes out at the end of this turn.
    await new Promise((resolve) => setImmediate(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker?.stop()
    if (this.#parent !== undefined) rmSync(this.#parent, { recursive: true, force: true })
  }
}
