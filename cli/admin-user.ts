import { readFileSync } from "node:fs"
import type { Settings } from "../src/config/settings.ts"
import { hashPassword } from "../src/security/authentication/password.ts"
import { newUser } from "../src/security/user.ts"
import { openAccounts } from "../src/storage/open-store.ts"
import { checkName, whoAsks } from "./accounts.ts"
import { CommandError } from "./output.ts"

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where nobody can type, as in a container, BANTAM_ADMIN_PASSWORD or the file that BANTAM_ADMIN_PASSWORD_FILE names makes
 * the superuser `admin`, or whom BANTAM_ADMIN_USER names. One that is there already stays as it is.
 *
 * @throws CommandError, StoreError
 */
export async function makeAdminUser({ storage }: Settings, environment: Environment): Promise<void> {
  const password = adminPassword(environment)
  if (password === undefined) return
  if (storage.ephemeral) {
    throw new CommandError("BANTAM_ADMIN_PASSWORD: a user cannot be kept while storage.ephemeral is true")
  }
  const name = environment["BANTAM_ADMIN_USER"] ?? "admin"
  checkName("user", name)
  const accounts = openAccounts(storage.directory, storage.durability)
  try {
    if ((await accounts.user(name)) !== undefined) return
    const user = { ...newUser(name, await hashPassword(password), Date.now()), superuser: true }
    const said = `user ${name} added, as a superuser`
    await accounts.change(whoAsks(), [{ change: { change: "add-user", user }, said }])
  } finally {
    accounts.close()
  }
}

/** The file counts up to its last newline, which an editor or `echo` has put there. */
function adminPassword(environment: Environment): string | undefined {
  const given = environment["BANTAM_ADMIN_PASSWORD"]
  const file = environment["BANTAM_ADMIN_PASSWORD_FILE"]
  if (given !== undefined && file !== undefined) {
    throw new CommandError("BANTAM_ADMIN_PASSWORD and BANTAM_ADMIN_PASSWORD_FILE exclude each other")
  }
  const password = file === undefined ? given : readFileSync(file, "utf8").replace(/\r?\n$/, "")
  if (password === "") throw new CommandError("BANTAM_ADMIN_PASSWORD: a password is not empty")
  return password
}
