import { userInfo } from "node:os"
import { loadSettings } from "../src/config/load.ts"
import type { Settings } from "../src/config/settings.ts"
import { parseAccessRule, type Who, whoText } from "../src/security/access/access-rule.ts"
import type { AdministrativeChange, StoredAccessRule, StoredUser } from "../src/storage/account-store.ts"
import { hasStore, openAccounts } from "../src/storage/open-store.ts"
import { type SettingsOptions, settingsFlags } from "./options.ts"
import { CommandError, complain } from "./output.ts"

export type Accounts = ReturnType<typeof openAccounts>

/** Opens the accounts of the data directory. @throws CommandError, ConfigError, StoreError */
export function withAccounts(
  what: "users" | "groups" | "access rules" | "bans" | "the audit",
  options: SettingsOptions,
  use: (accounts: Accounts, settings: Settings) => Promise<void>,
): Promise<void> {
  return withDirectory(what, options, openAccounts, use)
}

/**
 * Opens what is kept in the data directory, whether a broker serves it at the moment or not.
 *
 * @param what is to be kept there, for the message that it cannot be
 * @throws CommandError, ConfigError, StoreError
 */
export async function withDirectory<Kept extends { close(): void }>(
  what: string,
  options: SettingsOptions,
  open: (...where: Parameters<typeof openAccounts>) => Kept,
  use: (kept: Kept, settings: Settings) => Promise<void>,
): Promise<void> {
  const settings = loadSettings({
    ...(options.config === undefined ? {} : { file: options.config }),
    environment: process.env,
    flags: settingsFlags(options),
  })
  const { storage } = settings
  if (storage.ephemeral) {
    throw new CommandError(`${what} cannot be kept while storage.ephemeral is true; set it to false`)
  }
  const isNew = !hasStore(storage.directory)
  const kept = open(storage.directory, storage.durability)
  try {
    // Whoever meant the one that a broker serves would go on to wonder why nothing happens.
    if (isNew) complain(`${storage.directory} is a new data directory; --data names another one`)
    await use(kept, settings)
  } finally {
    kept.close()
  }
}

/** Stable: programs read it. The same from every command. */
export function storedRuleJson({ id, line }: StoredAccessRule): Record<string, unknown> {
  return { id, rule: line }
}

/** The rules that are about a user, one of its groups, or everyone. */
export function rulesAbout(
  { name, groups }: Pick<StoredUser, "name" | "groups">,
  rules: readonly StoredAccessRule[],
): readonly StoredAccessRule[] {
  const whos = new Set([
    whoText({ kind: "user", name }),
    ...groups.map((group) => whoText({ kind: "group", name: group })),
    whoText({ kind: "everyone" }),
  ])
  return rules.filter(({ line }) => {
    const rule = parseAccessRule(line)
    return !("problem" in rule) && whos.has(whoText(rule.who))
  })
}

/** The rules about who was removed stay: somebody else might come by that name, and would have these rights. */
export async function complainOfRulesLeft(who: Who, accounts: Accounts): Promise<void> {
  const ids = (await accounts.accessRules()).flatMap(({ id, line }) => {
    const rule = parseAccessRule(line)
    return !("problem" in rule) && whoText(rule.who) === whoText(who) ? [String(id)] : []
  })
  if (ids.length === 0) return
  complain(
    `${ids.length === 1 ? "a rule" : `${ids.length} rules`} about ${whoText(who)} stayed, and would hold for whoever ` +
      `comes by that name; \`bantam acl remove ${ids.join(" ")}\` takes ${ids.length === 1 ? "it" : "them"} away`,
  )
}

/** Who uses the command line, for the audit. */
export function whoAsks(): string {
  // Under sudo it is a person that asks, whatever the process may do.
  const asPerson = process.env["SUDO_USER"]
  if (asPerson !== undefined) return asPerson
  const { username, uid } = userInfo()
  // Bun knows a name only where the environment does.
  return username === "unknown" ? `uid ${uid}` : username
}

/**
 * Changes accounts, and says so when that turns the whole broker over.
 *
 * @returns of each change whether there was something to change
 */
export async function changeAccounts(
  accounts: Accounts,
  { security }: Settings,
  changes: readonly AdministrativeChange[],
): Promise<readonly boolean[]> {
  const before = await isInUse(accounts)
  const changed = await accounts.change(whoAsks(), changes)
  const after = await isInUse(accounts)
  if (security.defaultAccess === "auto" && before !== after) {
    complain(
      after
        ? "there are users or rules now, so what no rule allows is refused; see security.default_access"
        : "no user and no rule is left, so whoever is let in may do everything; see security.default_access",
    )
  }
  return changed
}

/** There are users or access rules: what no rule decides is refused then, unless the setting says otherwise. */
export async function isInUse(accounts: Accounts): Promise<boolean> {
  return (await accounts.countUsers()) > 0 || (await accounts.accessRules()).length > 0
}

/**
 * A name travels as MQTT text [1.5.4]; control characters would only serve to deceive whoever reads a list.
 *
 * @throws CommandError
 */
export function checkName(what: "user" | "group", name: string): void {
  if (name === "" || Buffer.byteLength(name) > 65_535 || /[\p{Cc}\p{Cf}]/u.test(name)) {
    throw new CommandError(`a ${what} name must have 1 to 65535 bytes and no control characters`)
  }
}
