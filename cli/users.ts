import { randomBytes } from "node:crypto"
import { Command } from "commander"
import { hashPassword } from "../src/security/password.ts"
import { newUser } from "../src/security/user.ts"
import { whoAsks, withAccounts } from "./accounts.ts"
import { type SettingsOptions, withSettingsOptions } from "./options.ts"
import { CommandError, print, table } from "./output.ts"
import { askPassword, readPassword } from "./password-input.ts"

interface PasswordOptions extends SettingsOptions {
  readonly passwordStdin?: true
  readonly generate?: true
}

/** bantam user add | passwd | remove | list. A broker that serves the same directory knows at once. */
export function userCommand(): Command {
  const command = new Command("user").description("who may log in: add, passwd, remove, list")
  withPasswordOptions(command.command("add <name>").description("add a user")).action(add)
  withPasswordOptions(command.command("passwd <name>").description("change a user's password")).action(change)
  withSettingsOptions(command.command("remove <name>").description("remove a user")).action(remove)
  withSettingsOptions(command.command("list").description("list the users"))
    .option("--json", "one JSON array")
    .action(list)
  return command
}

function withPasswordOptions(command: Command): Command {
  return withSettingsOptions(command)
    .option("--password-stdin", "read the password from standard input, up to its last newline")
    .option("--generate", "make a password and print it")
}

async function add(name: string, options: PasswordOptions): Promise<void> {
  checkName(name)
  await withAccounts("users", options, async (accounts) => {
    if ((await accounts.user(name)) !== undefined) {
      throw new CommandError(
        `user ${name} exists already; change the password with \`bantam user passwd ${name}\``,
      )
    }
    const password = await newPassword(name, options)
    const user = newUser(name, await hashPassword(password), Date.now())
    await accounts.change(whoAsks(), [{ change: { change: "add-user", user }, said: `user ${name} added` }])
    await print(options.generate === true ? `${password}\n` : `user ${name} added\n`)
  })
}

async function change(name: string, options: PasswordOptions): Promise<void> {
  await withAccounts("users", options, async (accounts) => {
    const user = await accounts.user(name)
    if (user === undefined) throw unknownUser(name)
    const password = await newPassword(name, options)
    const changed = { ...user, passwordHash: await hashPassword(password), passwordSetAtMs: Date.now() }
    await accounts.change(whoAsks(), [
      { change: { change: "save-user", user: changed }, said: `password of ${name} changed` },
    ])
    await print(options.generate === true ? `${password}\n` : `password of ${name} changed\n`)
  })
}

async function remove(name: string, options: SettingsOptions): Promise<void> {
  await withAccounts("users", options, async (accounts) => {
    const [removed] = await accounts.change(whoAsks(), [
      { change: { change: "remove-user", name }, said: `user ${name} removed` },
    ])
    if (removed !== true) throw unknownUser(name)
    await print(`user ${name} removed\n`)
  })
}

async function list(options: SettingsOptions & { readonly json?: true }): Promise<void> {
  await withAccounts("users", options, async (accounts) => {
    const users = (await accounts.users()).map(({ name, createdAtMs }) => {
      return { name, createdAt: new Date(createdAtMs).toISOString() }
    })
    if (options.json === true) await print(`${JSON.stringify(users)}\n`)
    else await print(table([["NAME", "CREATED"], ...users.map(({ name, createdAt }) => [name, createdAt])]))
  })
}

async function newPassword(name: string, options: PasswordOptions): Promise<Uint8Array | string> {
  if (options.generate === true) return randomBytes(18).toString("base64url")
  return options.passwordStdin === true ? readPassword() : askPassword(name)
}

/** A name travels as MQTT text [1.5.4]; control characters would only serve to deceive whoever reads a list. */
function checkName(name: string): void {
  if (name === "" || Buffer.byteLength(name) > 65_535 || /\p{Cc}/u.test(name)) {
    throw new CommandError("a user name must have 1 to 65535 bytes and no control characters")
  }
}

function unknownUser(name: string): CommandError {
  return new CommandError(`there is no user ${name}; \`bantam user list\` shows who is there`)
}
