import { CommandError } from "../output.ts"
import type { KeptPassword } from "./connection-file.ts"

/*
 * The system's keyring: Keychain on macOS, the Credential Manager on Windows, and the Secret Service elsewhere, which
 * a server without a desktop rarely has.
 */

const service = "bantam"

/** How the keyring knows a connection. */
const entryOf = (connection: string) => ({ service, name: `connection ${connection}` })

/** @returns why there is no keeping it there, if so */
export async function putIntoKeyring(connection: string, password: string): Promise<string | undefined> {
  try {
    await Bun.secrets.set({ ...entryOf(connection), value: password })
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}

/** Does what it can: what cannot be reached cannot be taken out. */
export async function removeFromKeyring(connection: string): Promise<void> {
  await Bun.secrets.delete(entryOf(connection)).catch(() => false)
}

/** @throws CommandError when the keyring has it no more, or cannot be asked */
export async function savedPassword(name: string, kept: KeptPassword): Promise<string | undefined> {
  switch (kept.in) {
    case "nowhere":
      return undefined
    case "file":
      return kept.text
    case "keyring": {
      const found = await Bun.secrets.get(entryOf(name)).catch((error: unknown) => {
        throw notThere(name, reasonOf(error))
      })
      if (found === null) throw notThere(name, "it is not there any more")
      return found
    }
  }
}

function notThere(name: string, why: string): CommandError {
  return new CommandError(
    `the password of ${name} cannot be had from the keyring (${why}); save the connection again with bantam connect save`,
  )
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "")
}
