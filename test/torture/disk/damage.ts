import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { StoreError } from "../../../src/storage/store-error.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { scratchFolder } from "./scratch.ts"
import { readStore, type StoreContent } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"
import { copyData } from "../../support/copy-data.ts"

export const damage: Torture = {
  name: "disk damage",
  promise:
    "a damaged store is served right, or refused with its remedy, and recovery says what it saved: never wrong, never less without a word",
  async run(trial) {
    const random = new Random(trial.seed)
    const { harmed, messages, least } =
      trial.effort === "long"
        ? { harmed: 400, messages: 300, least: 100 }
        : { harmed: 10, messages: 60, least: 1 }
    const folder = scratchFolder()
    const outcomes = { served: 0, refused: 0 }
    try {
      for (const end of ["kill", "stop"] as const) {
        const directory = join(folder, end)
        const load = new StoreLoad(directory, random, { mostBytes: 120 })
        await load.life(messages, end)
        for (let number = 0; number < harmed; number++) {
          const copy = join(folder, "copy")
          copyData(directory, copy)
          const harm = harmSomething(copy, random)
          const outcome = await examine(
            trial,
            load,
            copy,
            `${harm} of a broker that was ${end === "kill" ? "killed" : "stopped"}`,
            number,
          )
          if (outcome !== undefined) outcomes[outcome] += 1
          rmSync(copy, { recursive: true })
        }
        trial.tell(`${harmed} stores of a broker that was ${end === "kill" ? "killed" : "stopped"}`)
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    // About half of each: damage that is always seen, or never, hits only the one or the other.
    trial.figure("stores damaged", 2 * harmed)
    for (const [outcome, count] of Object.entries(outcomes)) trial.atLeast(outcome, count, least)
  },
}

/** Damages one of the files. @returns what, in words */
function harmSomething(directory: string, random: Random): string {
  const names = ["bantam.db", "bantam.db-wal"].filter((name) => existsSync(join(directory, name)))
  const name = names[random.below(names.length)] ?? "bantam.db"
  const path = join(directory, name)
  const { size } = statSync(path)
  if (random.oneIn(5)) {
    const length = random.below(size)
    truncateSync(path, length)
    return `${name} cut off at ${length} of ${size} bytes`
  }
  const bytes = readFileSync(path)
  const at = random.below(size)
  switch (random.below(4)) {
    case 0: {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      writeFileSync(path, bytes)
      return `${name} with a bit flipped at ${at}`
    }
    case 1: {
      const length = 1 + random.below(16)
      for (let offset = at; offset < Math.min(size, at + length); offset++) bytes[offset] = random.below(256)
      writeFileSync(path, bytes)
      return `${name} with ${length} bytes overwritten at ${at}`
    }
    case 2: {
      const start = at - (at % 512)
      bytes.fill(0, start, start + 512)
      writeFileSync(path, bytes)
      return `${name} with the sector at ${start} zeroed`
    }
    default: {
      const start = at - (at % 4096)
      const from = random.below(size)
      bytes.copy(bytes, start, from - (from % 4096), from - (from % 4096) + 4096)
      writeFileSync(path, bytes)
      return `${name} with the page at ${start} overwritten by the one at ${from - (from % 4096)}`
    }
  }
}

/** Opens it as the broker would, and with --recover if that refuses. @returns undefined: neither, which is wrong */
async function examine(
  trial: Trial,
  load: StoreLoad,
  directory: string,
  what: string,
  number: number,
): Promise<"served" | "refused" | undefined> {
  // Now and then the whole broker is asked.
  const said = number % 40 === 0 ? await askBroker(directory) : undefined
  try {
    const content = await readStore(directory, "full")
    if (said !== undefined && said !== "")
      trial.wrong(`${what}: the broker refuses it, and then not: ${said}`)
    judge(trial, load, content, what)
    return "served"
  } catch (error) {
    if (!(error instanceof StoreError) || !error.damaged || !error.message.includes("--recover")) {
      trial.wrong(`${what}: ${error instanceof Error ? error.stack : String(error)}`)
      return undefined
    }
    if (said === "") trial.wrong(`${what}: the broker serves what is refused: ${error.message}`)
    await recoverIt(trial, load, directory, what)
    return "refused"
  }
}

/** Served: all is right, or what is not was said. */
function judge(trial: Trial, load: StoreLoad, { found, wrong, errors }: StoreContent, what: string): void {
  const differing = load.ledger.wrong(found, 0)
  trial.count("reported records", errors.length)
  for (const each of wrong) trial.wrong(`${what}: ${each}`)
  if (differing.length > errors.length) {
    trial.wrong(
      `${what}: ${differing.length} things are wrong and ${errors.length} were said, such as ${differing[0]}`,
    )
  }
}

async function recoverIt(trial: Trial, load: StoreLoad, directory: string, what: string): Promise<void> {
  try {
    const { found, wrong, recovered, errors } = await readStore(directory, "full", true)
    for (const each of [...wrong, ...errors]) trial.wrong(`${what}, recovered: ${each}`)
    const invented = load.ledger.wrong(found, 0).filter((each) => !each.includes(' is ""'))
    for (const each of invented) trial.count("older than they were: " + each.split("/")[0])
    if (recovered === undefined) return trial.wrong(`${what}: the recovery says nothing`)
    const count = (kind: string) => [...found.keys()].filter((key) => key.startsWith(kind)).length
    trial.count("messages recovered", count("queued/"))
    if (recovered.queued !== count("queued/")) {
      trial.wrong(`${what}: ${recovered.queued} messages were recovered, and there are ${count("queued/")}`)
    }
    const { errors: later } = await readStore(directory, "full")
    for (const each of later) trial.wrong(`${what}, recovered and opened again: ${each}`)
  } catch (error) {
    trial.wrong(`${what}, recovered: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

/** @returns the line in which it refuses; "" when it serves */
async function askBroker(directory: string): Promise<string> {
  const broker = await WatchedBroker.launch({ words: ["--port", "0", "--data", directory] })
  try {
    await broker.says("serving")
    await broker.kill()
    return ""
  } catch {
    const [line] = broker.lines
    return broker.lines.length === 1 && (await broker.ended()) === 1
      ? (line?.message ?? "")
      : JSON.stringify(broker.lines)
  }
}
