import { type ImportPlan, userKinds } from "../src/mosquitto/import-plan.ts"
import { placeOf } from "../src/mosquitto/problem.ts"
import type { PlannedSetting } from "../src/mosquitto/toml.ts"

/** The settings file that an import makes. */
export interface SettingsOutcome {
  readonly file: string
  readonly toml: string
  readonly values: readonly PlannedSetting[]
  /** A file stands there already, so nothing was written. */
  readonly isThere: boolean
}

export interface ImportReport {
  /** Of the mosquitto.conf. */
  readonly path: string
  readonly directory: string
  readonly plan: ImportPlan
  /** What was there already, a sentence each. */
  readonly kept: readonly string[]
  readonly settings: SettingsOutcome
  readonly isDryRun: boolean
}

/** For people. */
export function importText({ path, directory, plan, kept, settings, isDryRun }: ImportReport): string {
  const counts = countsOf(plan)
  const kinds = userKinds.filter((kind) => plan.usersByKind[kind] > 0)
  const rows: [string, string][] = [
    [
      "users",
      withDetails(
        counts.users,
        kinds.map((kind) => `${plan.usersByKind[kind]} ${kind}`),
      ),
    ],
    ["groups", String(counts.groups)],
    ["rules", withDetails(counts.rules, [`${counts.denies} deny`, counted(counts.patterns, "pattern")])],
    ["sessions", withDetails(counts.sessions, [counted(counts.subscriptions, "subscription")])],
    ["queued", counted(counts.queued, "message")],
    ["retained", counted(counts.retained, "message")],
    ["settings", `${settings.values.length} in ${settings.file}${settings.isThere ? ", not written" : ""}`],
  ]
  const verb = isDryRun ? "would be imported" : "imported"
  return [
    `${path} ${verb} into ${directory}\n\n`,
    ...rows.map(([name, value]) => `${name.padEnd(10)}${value}\n`),
    ...paragraph(
      "Not carried over as it was:",
      warningsOf(plan, kept, settings).map((warning) => `${placeOf(warning)}: ${warning.what}`),
    ),
    ...paragraph("To know:", plan.notes),
    ...(settings.isThere ? [`\nThe settings, for you to take over:\n\n${settings.toml}`] : []),
  ].join("")
}

/** For programs: stable. */
export function importJson({ path, directory, plan, kept, settings, isDryRun }: ImportReport): string {
  const { users, ...counts } = countsOf(plan)
  return `${JSON.stringify({
    source: path,
    directory,
    dryRun: isDryRun,
    users: { total: users, ...plan.usersByKind },
    ...counts,
    settings: {
      file: settings.file,
      written: !isDryRun && !settings.isThere,
      values: Object.fromEntries(settings.values.map(({ key, value }) => [key, value])),
    },
    warnings: warningsOf(plan, kept, settings).map(({ file, line, what }) => ({
      file,
      line: line ?? null,
      what,
    })),
    notes: plan.notes,
  })}\n`
}

function countsOf({ users, groups, rules, state }: ImportPlan) {
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  return {
    users: users.length,
    groups: groups.length,
    rules: rules.lines.length,
    denies: rules.denies,
    patterns: rules.patterns,
    sessions: state.sessions.length,
    subscriptions: sum(state.sessions.map(({ subscriptions }) => subscriptions.length)),
    queued: sum(state.sessions.map(({ queue }) => queue.length)),
    retained: state.retained.length,
  }
}

function warningsOf(
  plan: ImportPlan,
  kept: readonly string[],
  settings: SettingsOutcome,
): ImportPlan["problems"] {
  const here = (file: string, what: string) => ({ file, line: undefined, what })
  return [
    ...plan.problems,
    ...kept.map((what) => here("data directory", what)),
    ...(settings.isThere ? [here(settings.file, "is there already and stays as it is")] : []),
  ]
}

function withDetails(count: number, details: readonly string[]): string {
  return count === 0 ? "0" : `${count} (${details.join(", ")})`
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`
}

function paragraph(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`\n${title}\n`, ...lines.map((line) => `  ${line}\n`)]
}
