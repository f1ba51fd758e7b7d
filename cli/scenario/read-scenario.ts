import { readFileSync } from "node:fs"
import { ConfigError } from "../../src/config/config-error.ts"
import { loadSettings } from "../../src/config/load.ts"
import { type Scenario, scenarioOf } from "./scenario.ts"

/** @throws ConfigError with all that is wrong in any of the files, or what the system says of one */
export function readScenarios(files: readonly string[]): readonly Scenario[] {
  const scenarios: Scenario[] = []
  const problems: string[] = []
  for (const file of files) {
    const read = readOne(file)
    if (isProblems(read)) problems.push(...read)
    else {
      scenarios.push(read)
      problems.push(...settingProblems(read))
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return scenarios
}

function readOne(file: string): Scenario | readonly string[] {
  const text = readFileSync(file, "utf8")
  let content: unknown
  try {
    content = Bun.YAML.parse(text)
  } catch (cause) {
    return [`${file}: is no YAML (${cause instanceof Error ? cause.message : String(cause)})`]
  }
  return scenarioOf(file, content)
}

function isProblems(read: Scenario | readonly string[]): read is readonly string[] {
  return Array.isArray(read)
}

/** Of the broker that is made for it. */
function settingProblems({ file, settings }: Scenario): readonly string[] {
  try {
    loadSettings({ flags: Object.entries(settings).map(([key, value]) => ({ flag: file, key, value })) })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}
