import { resolve } from "node:path"
import { Command } from "commander"
import { loadSettings } from "../src/config/load.ts"
import type { Settings } from "../src/config/settings.ts"
import { backUp, type CopiedCounts, restore } from "../src/storage/backup.ts"
import { type SettingsOptions, settingsFlags, withSettingsOptions } from "./options.ts"
import { CommandError, print } from "./output.ts"

interface CopyOptions extends SettingsOptions {
  readonly force?: true
  readonly json?: true
}

/** bantam backup FILE */
export function backupCommand(): Command {
  return withSettingsOptions(new Command("backup").argument("<file>", "what the backup is written to"))
    .description("copy all that is stored into one file, while a broker serves it or not")
    .option("-f, --force", "replace a file that exists, once the new one is whole")
    .option("--json", "say what is in it as one JSON object")
    .addHelpText(
      "after",
      `
Everything that was acknowledged when it began is in it: sessions and what waits for them, retained messages, users,
groups, rules, bans and the audit. Settings and certificates are files of their own and are not. The file holds hashes of
passwords and all messages in the clear, so its owner alone may read it. With storage.durability = "none" a message is
acknowledged before it is stored, and the last ones may be missing.

Examples:
  bantam backup bantam-2026-01-31.backup
  bantam backup --config /etc/bantam.toml --force /mnt/backup/bantam.backup --json`,
    )
    .action(async (file: string, options: CopyOptions) => {
      const { directory, durability } = storageOf(options)
      const path = resolve(file)
      const counts = backUp(directory, durability, path, options.force === true)
      await tell(options, { file: path, directory, ...counts }, `${path}: ${sentenceOf(counts)}\n`)
    })
}

/** bantam restore FILE */
export function restoreCommand(): Command {
  return withSettingsOptions(new Command("restore").argument("<file>", "what `bantam backup` has written"))
    .description("make a data directory of a backup")
    .option("-f, --force", "even if the directory holds a store, which is kept aside under another name")
    .option("--json", "say what was restored as one JSON object")
    .addHelpText(
      "after",
      `
The backup is checked to its last message before anything is changed. A broker that serves the directory has to be stopped
first.

Examples:
  bantam restore bantam-2026-01-31.backup --data /var/lib/bantam
  bantam restore bantam-2026-01-31.backup --data try && bantam serve --data try --port 0`,
    )
    .action(async (file: string, options: CopyOptions) => {
      const { directory } = storageOf(options)
      const path = resolve(file)
      const { keptAside, ...counts } = restore(path, directory, options.force === true)
      const kept = keptAside === undefined ? "" : `the store that was there is kept as ${keptAside}\n`
      await tell(
        options,
        { file: path, directory, ...counts, keptAside: keptAside ?? null },
        `${directory}: ${sentenceOf(counts)}\n${kept}`,
      )
    })
}

function storageOf(options: SettingsOptions): Settings["storage"] {
  const { storage } = loadSettings({
    ...(options.config === undefined ? {} : { file: options.config }),
    environment: process.env,
    flags: settingsFlags(options),
  })
  if (!storage.ephemeral) return storage
  throw new CommandError("nothing is stored while storage.ephemeral is true; set it to false")
}

/** Stable: programs read the JSON. */
async function tell(options: CopyOptions, facts: Record<string, unknown>, sentence: string): Promise<void> {
  await print(options.json === true ? `${JSON.stringify(facts)}\n` : sentence)
}

function sentenceOf(counts: CopiedCounts): string {
  const facts: readonly (readonly [number, string, string])[] = [
    [counts.sessions, "session", "sessions"],
    [counts.subscriptions, "subscription", "subscriptions"],
    [counts.queued, "queued message", "queued messages"],
    [counts.retained, "retained message", "retained messages"],
    [counts.users, "user", "users"],
    [counts.groups, "group", "groups"],
    [counts.accessRules, "rule", "rules"],
    [counts.bans, "ban", "bans"],
    [counts.auditEntries, "audit entry", "audit entries"],
    [counts.bytes, "byte", "bytes"],
  ]
  return facts.map(([count, one, many]) => `${count} ${count === 1 ? one : many}`).join(", ")
}
