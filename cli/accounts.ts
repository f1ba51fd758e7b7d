import { userInfo } from "node:os"
import { loadSettings } from "../src/config/load.ts"
import type { Settings } from "../src/config/settings.ts"
import { openAccounts } from "../src/storage/open-store.ts"
import { type SettingsOptions, settingsFlags } from "./options.ts"
import { CommandError } from "./output.ts"

export type Accounts = ReturnType<typeof openAccounts>

/**
 * Opens the users and access rules of the data directory, whether a broker serves it at the moment or not.
 *
 * @param what is to be kept there, for the message that it cannot be
 * @throws CommandError, ConfigError, StoreError
 */
export async function withAccounts(
  what: "users" | "access rules",
  options: SettingsOptions,
  use: (accounts: Accounts, settings: Settings) => Promise<void>,
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
  const accounts = openAccounts(storage.directory, storage.durability)
  try {
    await use(accounts, settings)
  } finally {
    accounts.close()
  }
}

/** Who uses the command line, for the audit. */
export function whoAsks(): string {
  // Under sudo it is a person that asks, whatever the process may do.
  return process.env["SUDO_USER"] ?? userInfo().username
}
