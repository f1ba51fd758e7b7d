import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { loadSettings } from "../src/config/load.ts"
import { systemClock } from "../src/foundation/clock.ts"
import { lineLog } from "../src/foundation/log.ts"
import { type ImportPlan, planImport } from "../src/mosquitto/import-plan.ts"
import { outstandingOf, writePlan } from "../src/mosquitto/import-writer.ts"
import { readInstallation } from "../src/mosquitto/installation.ts"
import { byStoreClock } from "../src/mosquitto/store-time.ts"
import { tomlOf } from "../src/mosquitto/toml.ts"
import { giveToOwner, openStore } from "../src/storage/open-store.ts"
import { whoAsks } from "./accounts.ts"
import { importJson, importText, type SettingsOutcome } from "./import-report.ts"
import { settingsFlags } from "./options.ts"
import { print } from "./output.ts"

export interface ImportOptions {
  readonly data?: string
  readonly settings?: string
  readonly sessionUser?: string
  readonly dryRun?: true
  readonly json?: true
}

/**
 * Reads and maps everything before it writes anything.
 *
 * @returns the exit code: 0, or 3 when something is not carried over
 * @throws MosquittoFileError, StoreError, ConfigError
 */
export async function importMosquitto(path: string, options: ImportOptions): Promise<number> {
  const { storage } = loadSettings({ environment: process.env, flags: settingsFlags(options) })
  const installation = readInstallation(path)
  const planned = await planImport(installation, {
    nowMs: Date.now(),
    sessionUser: options.sessionUser,
  })
  const settingsFile = resolve(options.settings ?? join(storage.directory, "bantam.toml"))
  const toml = tomlOf(withDirectory(planned, storage.directory), resolve(path))
  checkToml(toml)
  const isDryRun = options.dryRun === true
  const settings: SettingsOutcome = {
    file: settingsFile,
    toml,
    values: planned.settings,
    isThere: existsSync(settingsFile),
  }
  // A directory that is not there holds nothing to be compared with, and a dry run makes none.
  const { plan, kept } =
    isDryRun && !existsSync(join(storage.directory, "bantam.db"))
      ? { plan: planned, kept: [] }
      : await writeAll(planned, storage.directory, settings, isDryRun)
  const report = { path, directory: storage.directory, plan, kept, settings, isDryRun }
  await print(options.json === true ? importJson(report) : importText(report))
  return plan.problems.length + kept.length > 0 || settings.isThere ? 3 : 0
}

async function writeAll(
  planned: ImportPlan,
  directory: string,
  settings: SettingsOutcome,
  isDryRun: boolean,
) {
  const log = lineLog("warn", "text", (line) => process.stderr.write(line))
  const { store, nowMs } = await openStore(
    { kind: "sqlite", directory, durability: "full" },
    systemClock,
    log,
  )
  const wallMs = Date.now()
  try {
    const outstanding = await outstandingOf(store, planned)
    if (isDryRun) return outstanding
    const draft = settings.isThere ? undefined : draftOf(settings, directory)
    try {
      const { plan } = outstanding
      await writePlan(store, { ...plan, state: byStoreClock(plan.state, nowMs ?? wallMs, wallMs) }, whoAsks())
      if (draft !== undefined) linkSync(draft, settings.file)
    } finally {
      if (draft !== undefined) rmSync(draft)
    }
    return outstanding
  } finally {
    await store.close()
  }
}

/** So that the settings find the data, wherever they are read from. */
function withDirectory({ settings }: ImportPlan, directory: string) {
  return [...settings, { key: "storage.directory", value: directory, from: "what was imported is here" }]
}

/** @throws ConfigError the settings that were made are none, which is better known before they are written */
function checkToml(toml: string): void {
  const folder = mkdtempSync(join(tmpdir(), "bantam-import-"))
  try {
    const file = join(folder, "bantam.toml")
    writeFileSync(file, toml)
    loadSettings({ file })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Writes the settings beside their place, which shows that it can be done. In the data directory they are for its owner
 * alone, as all that is there; elsewhere for whom the umask says.
 *
 * @returns where they are
 */
function draftOf({ file, toml }: SettingsOutcome, directory: string): string {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}.new`
  const isWithData = dirname(file) === resolve(directory)
  writeFileSync(draft, toml, { flag: "wx", mode: isWithData ? 0o600 : 0o666 })
  if (isWithData) giveToOwner(directory, draft)
  return draft
}
