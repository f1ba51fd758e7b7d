import { existsSync } from "node:fs"
import { Command } from "commander"
import { dependencies } from "../package.json"
import { examineTls } from "../src/certificates/tls-health.ts"
import { ConfigError } from "../src/config/config-error.ts"
import { idleSettings } from "../src/config/idle-settings.ts"
import { loadSettings } from "../src/config/load.ts"
import type { Settings } from "../src/config/settings.ts"
import { hasStore } from "../src/storage/open-store.ts"
import { type StoreFacts, whoServes } from "../src/storage/health.ts"
import { examineDirectory, examineDisk, examineKeys, isThere, mayEnter } from "./doctor-files.ts"
import { examined, type Finding, type Verdict } from "./doctor-findings.ts"
import { examineAddress, examineDoors } from "./doctor-listeners.ts"
import { examineAccess, examineClock, examineDatabase, examineSchema, readFacts } from "./doctor-store.ts"
import { filesNeeded, maximumOpenFiles } from "./file-limit.ts"
import { type SettingsOptions, settingsFlags, withSettingsOptions } from "./options.ts"
import { paint, print } from "./output.ts"

/** bantam doctor */
export function doctorCommand(version: string): Command {
  return withSettingsOptions(
    new Command("doctor").description("look whether all is well, and say what to do if not"),
  )
    .option("--json", "one JSON array")
    .addHelpText(
      "after",
      `
Looks at the settings, the files and their modes, the database to its last message, certificates, disk, clock, limits and
addresses, and changes nothing. A broker may serve meanwhile. Run it as the broker's user, with the broker's settings.

Exit codes:
  0 nothing fails, with warnings or without, 1 something does

Examples:
  bantam doctor --config /etc/bantam.toml
  bantam doctor --data try --json | jq '.[] | select(.verdict != "ok")'`,
    )
    .action(async (options: SettingsOptions & { readonly json?: true }) => {
      const findings = await findingsOf(options, version)
      await print(options.json === true ? `${JSON.stringify(findings.map(jsonOf))}\n` : text(findings))
      if (findings.some(({ verdict }) => verdict === "fail")) process.exitCode = 1
    })
}

async function findingsOf(options: SettingsOptions, version: string): Promise<readonly Finding[]> {
  const program = await examined("program", () => [examineProgram(version)])
  let settings: Settings
  try {
    settings = loadSettings({
      ...(options.config === undefined ? {} : { file: options.config }),
      environment: process.env,
      flags: settingsFlags(options),
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // What the other things should be is not known then.
    return [...program, ...error.problems.map(asFinding)]
  }
  return [...program, ...examineSettings(settings, options.config), ...(await examineAll(settings))]
}

async function examineAll(settings: Settings): Promise<readonly Finding[]> {
  const { storage, listeners } = settings
  let served: number | undefined
  let facts: StoreFacts | undefined
  const findings: Finding[] = []
  const look = async (...asks: Parameters<typeof examined>) => findings.push(...(await examined(...asks)))

  let users: number | undefined
  await look("data", () => examineData(settings))
  if (!storage.ephemeral && mayEnter(storage.directory)) {
    await look("broker", () => {
      served = whoServes(storage.directory)
      const who = served === undefined ? "none serves" : `process ${served} serves`
      return [{ verdict: "ok", what: `${who} ${storage.directory} at the moment` }]
    })
    if (hasStore(storage.directory)) {
      await look("database", () => examineDatabase(storage))
      await look("schema", () => {
        facts = readFacts(storage)
        users = facts.accounts?.users.length
        return examineSchema(facts)
      })
    } else users = 0
  } else if (storage.ephemeral || !existsSync(storage.directory)) users = 0
  if (!storage.ephemeral) await look("disk", () => examineDisk(storage))
  await look("clock", () => examineClock(Date.now(), facts?.newestMs ?? 0))
  await look("open files", () => [examineFileLimit(settings, served)])
  await look("keys", () => examineKeys(settings))
  await look("certificates", async () => {
    const looked = await Promise.all(
      listeners.flatMap(({ tls }) => (tls === undefined ? [] : [examineTls(tls, Date.now())])),
    )
    // Several addresses may have a file in common.
    return [...new Map(looked.flat().map((finding) => [finding.what, finding])).values()]
  })
  for (const listener of listeners)
    await look("address", async () => [await examineAddress(listener, served)])
  await look("doors", () => examineDoors(settings, users))
  await look("access", () => examineAccess(settings, facts?.accounts))
  return findings
}

function examineData({ storage }: Settings): readonly Omit<Finding, "check">[] {
  if (storage.ephemeral) return [{ verdict: "ok", what: "in memory alone (storage.ephemeral)" }]
  if (isThere(storage.directory)) return examineDirectory(storage)
  return [
    { verdict: "ok", what: `${storage.directory} is not there yet; the broker makes it when it starts` },
  ]
}

function examineProgram(version: string): Omit<Finding, "check"> {
  const what = `Bantam ${version} on Bun ${Bun.version}, ${process.platform} ${process.arch}`
  if (Bun.version === dependencies.bun) return { verdict: "ok", what }
  return { verdict: "warn", what, remedy: `it is tested on Bun ${dependencies.bun}: use that one` }
}

function examineSettings(settings: Settings, file: string | undefined): readonly Finding[] {
  const idle = idleSettings(settings).map(({ setting, why }): Finding => {
    const what = `${setting} is of no use, for ${why}`
    return { check: "settings", verdict: "warn", what, remedy: "complete it, or leave it out" }
  })
  const what = file === undefined ? "the defaults, and the environment" : `${file} is valid`
  return idle.length > 0 ? idle : [{ check: "settings", verdict: "ok", what }]
}

/** Of the broker where one serves, for it was started by another than us. */
function examineFileLimit(settings: Settings, served: number | undefined): Omit<Finding, "check"> {
  const own = maximumOpenFiles()
  const most = served === undefined ? own : maximumOpenFiles(served)
  const whose = served === undefined ? "this process" : `process ${served}`
  const needed = filesNeeded(settings)
  const what = `${most} for ${whose}; limits.connections (${settings.limits.connections}) needs ${needed}`
  if (most >= needed) return { verdict: "ok", what }
  return {
    verdict: "warn",
    what,
    remedy: `raise it (ulimit -n ${needed}, LimitNOFILE=${needed}), or lower the setting`,
  }
}

function asFinding(problem: string): Finding {
  const at = problem.lastIndexOf("; ")
  const [what, remedy] =
    at === -1
      ? [problem, "correct it; see `bantam config print`"]
      : [problem.slice(0, at), problem.slice(at + 2)]
  return { check: "settings", verdict: "fail", what, remedy }
}

const colours = { ok: paint.green, warn: paint.yellow, fail: paint.red } as const satisfies Record<
  Verdict,
  (text: string) => string
>

function text(findings: readonly Finding[]): string {
  return findings
    .map(({ check, verdict, what, remedy }) => {
      const told = remedy === undefined ? what : `${what}; ${remedy}`
      return `${colours[verdict](verdict.padEnd(4))}  ${check.padEnd(12)}  ${told}\n`
    })
    .join("")
}

/** Stable: programs read it. */
function jsonOf({ check, verdict, what, remedy }: Finding): Record<string, string | null> {
  return { check, verdict, what, remedy: remedy ?? null }
}
