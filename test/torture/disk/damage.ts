import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { StoreError } from "../../../src/storage/store-error.ts"
import { WatchedBroker } from "../../failure/watched-broker.ts"
import { Random } from "../../support/random.ts"
import type { Torture, Trial } from "../torture.ts"
import { pageBytes } from "./page-tree.ts"
import { scratchFolder } from "./scratch.ts"
import { differing, faultsOf, kindOf, type Owed, SoundStore } from "./sound-store.ts"
import { readStore, type StoreContent } from "./store-content.ts"
import { StoreLoad } from "./store-load.ts"
import { copyData } from "../../support/copy-data.ts"

export const damage: Torture = {
  name: "disk damage",
  promise:
    "a damaged store is served right, or refused with its remedy, and recovery saves all that the damage has not reached: never wrong, never less without a word",
  async run(trial) {
    const random = new Random(trial.seed)
    const { harmed, messages, least } =
      trial.effort === "long"
        ? { harmed: 500, messages: 300, least: 125 }
        : { harmed: 10, messages: 60, least: 1 }
    const folder = scratchFolder()
    const outcomes = { served: 0, refused: 0 }
    let unsaid = 0
    try {
      for (const end of ["kill", "stop"] as const) {
        const directory = join(folder, end)
        const load = new StoreLoad(directory, random, { mostBytes: 120 })
        await load.life(messages, end)
        const sound = await SoundStore.of(directory)
        for (const each of load.ledger.wrong(sound.content.found, 0))
          trial.wrong(`before any damage: ${each}`)
        for (let number = 0; number < harmed; number++) {
          const copy = join(folder, "copy")
          copyData(directory, copy)
          const harm = harmSomething(copy, random)
          const what = `${harm.what} of a broker that was ${end === "kill" ? "killed" : "stopped"}`
          const { outcome, isSaid } = await examine(trial, { ...harm, sound, directory: copy, what }, number)
          if (outcome !== "neither") outcomes[outcome] += 1
          if (!isSaid) unsaid += 1
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
    // A few pages of a hundred hold the schema; of what a short trial damages, more may be theirs by chance.
    const mostUnsaid = trial.effort === "long" ? 20 : 60
    trial.bounded("stores of which it cannot be said what is owed (%)", (unsaid / harmed) * 50, mostUnsaid)
  },
}

interface Harm {
  /** In words. */
  readonly what: string
  /** Number of the page of the database that was put in the place of another one. */
  readonly copiedPage?: number | undefined
  /** So many rows have room in what was changed, if that was less than a sector. */
  readonly fewRows?: number | undefined
}

/** Damages one of the files. */
function harmSomething(directory: string, random: Random): Harm {
  const names = ["bantam.db", "bantam.db-wal"].filter((name) => existsSync(join(directory, name)))
  const name = names[random.below(names.length)] ?? "bantam.db"
  const path = join(directory, name)
  const { size } = statSync(path)
  if (random.oneIn(5)) {
    const length = random.below(size)
    truncateSync(path, length)
    return { what: `${name} cut off at ${length} of ${size} bytes` }
  }
  const bytes = readFileSync(path)
  const at = random.below(size)
  switch (random.below(4)) {
    case 0: {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      writeFileSync(path, bytes)
      return { what: `${name} with a bit flipped at ${at}`, fewRows: 1 }
    }
    case 1: {
      const length = 1 + random.below(16)
      for (let offset = at; offset < Math.min(size, at + length); offset++) bytes[offset] = random.below(256)
      writeFileSync(path, bytes)
      return { what: `${name} with ${length} bytes overwritten at ${at}`, fewRows: 3 }
    }
    case 2: {
      const start = at - (at % 512)
      bytes.fill(0, start, start + 512)
      writeFileSync(path, bytes)
      return { what: `${name} with the sector at ${start} zeroed` }
    }
    default: {
      const start = at - (at % pageBytes)
      const source = random.below(size)
      const from = source - (source % pageBytes)
      bytes.copy(bytes, start, from, from + pageBytes)
      writeFileSync(path, bytes)
      const what = `${name} with the page at ${start} overwritten by the one at ${from}`
      return { what, copiedPage: name === "bantam.db" ? from / pageBytes + 1 : undefined }
    }
  }
}

interface Case extends Harm {
  /** As it was before. */
  readonly sound: SoundStore
  readonly directory: string
}

interface Examined {
  /** neither: it was refused, but not as it should be. */
  readonly outcome: "served" | "refused" | "neither"
  /** It can be said what is owed. */
  readonly isSaid: boolean
}

/** Opens it as the broker would, and with --recover if that refuses. */
async function examine(trial: Trial, harmed: Case, number: number): Promise<Examined> {
  const { directory, what } = harmed
  // Before anything of it is opened.
  const owed = await harmed.sound.owedBy(directory, harmed.copiedPage)
  const isSaid = owed !== undefined
  // Now and then the whole broker is asked.
  const said = number % 40 === 0 ? await askBroker(directory) : undefined
  try {
    const content = await readStore(directory, "full")
    if (said !== undefined && said !== "")
      trial.wrong(`${what}: the broker refuses it, and then not: ${said}`)
    judge(trial, harmed, owed, content)
    return { outcome: "served", isSaid }
  } catch (error) {
    if (!(error instanceof StoreError) || !error.damaged || !error.message.includes("--recover")) {
      trial.wrong(`${what}: ${error instanceof Error ? error.stack : String(error)}`)
      return { outcome: "neither", isSaid }
    }
    if (said === "") trial.wrong(`${what}: the broker serves what is refused: ${error.message}`)
    await recoverIt(trial, harmed, owed)
    return { outcome: "refused", isSaid }
  }
}

/**
 * Served: all is right, or what is not was named. Nobody promises to notice a change of less than a sector that turns one
 * valid value of a row without a checksum into another.
 */
function judge(
  trial: Trial,
  { sound, what, fewRows = 0 }: Case,
  owed: Owed | undefined,
  { found, wrong, errors }: StoreContent,
): void {
  trial.count("reported records", errors.length)
  const was = sound.content.found
  const others = [...differing(was, found).values(), ...differing(found, was).values()].flat()
  const twice = wrong.filter((each) => each.endsWith(isTwice)).map((each) => each.slice(0, -isTwice.length))
  const unnamed = [...new Set([...others, ...twice])].filter((key) => !sound.isNamed(key, errors))
  for (const each of wrong) if (!each.endsWith(isTwice)) trial.wrong(`${what}: ${each}`)
  // All that is a session's is another one's when that has another name.
  const renamed = new Set(unnamed.filter((key) => kindOf(key) === "session").map(clientOf))
  const changed = unnamed.filter((key) => kindOf(key) === "session" || !renamed.has(clientOf(key)))
  const isExplained = changed.every((key) => owed?.mayChangeUnseen(kindOf(key)) === true)
  // One is not there any more for each that was not there before.
  if (changed.length <= 2 * fewRows && isExplained) {
    if (changed.length > 0) trial.count("values changed unnoticed", changed.length)
    return
  }
  for (const key of unnamed) {
    const [is, before] = [found.get(key) ?? "", was.get(key) ?? ""]
    const said = JSON.stringify(errors)
    trial.wrong(`${what}: ${key} is "${is}" and was "${before}", and what was said is ${said}`)
  }
}

const isTwice = " is there twice"

function clientOf(key: string): string {
  return key.split("/")[1] ?? ""
}

async function recoverIt(
  trial: Trial,
  { sound, directory, what }: Case,
  owed: Owed | undefined,
): Promise<void> {
  try {
    const { found, wrong, recovered, errors } = await readStore(directory, "full", true)
    for (const each of [...wrong, ...errors]) trial.wrong(`${what}, recovered: ${each}`)
    if (owed !== undefined) judgeRecovery(trial, sound, owed, found, what)
    if (recovered === undefined) return trial.wrong(`${what}: the recovery says nothing`)
    const messages = countOf("queued", found)
    trial.count("messages recovered", messages)
    if (recovered.queued !== messages) {
      trial.wrong(`${what}: ${recovered.queued} messages were recovered, and there are ${messages}`)
    }
    const { errors: later } = await readStore(directory, "full")
    for (const each of later) trial.wrong(`${what}, recovered and opened again: ${each}`)
  } catch (error) {
    trial.wrong(`${what}, recovered: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

/**
 * All is there that the damage has not reached. Of a log that is all that was committed in front of the damage, and as it
 * was then; where the log is sound nothing is older than it was, but for what stood on the pages that were changed.
 */
function judgeRecovery(
  trial: Trial,
  sound: SoundStore,
  owed: Owed,
  found: StoreContent["found"],
  what: string,
): void {
  for (const fault of faultsOf(owed, found)) trial.wrong(`${what}, recovered: ${fault}`)
  trial.count("messages that had to be recovered", countOf("queued", owed.must))
  const others = differing(found, sound.content.found)
  const why = owed.isOfLog ? "as the log still knew them" : "changed on damaged pages"
  for (const [kind, keys] of others) trial.count(`${why}: ${kind}`, keys.length)
}

function countOf(kind: string, found: StoreContent["found"]): number {
  return [...found.keys()].filter((key) => kindOf(key) === kind).length
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
