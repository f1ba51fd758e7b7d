import { hashPassword } from "../src/security/password.ts"
import { openAccounts } from "../src/storage/open-store.ts"
import { own } from "./traffic.ts"

/*
 * The users of the row `rules`, and what each of them may do: 1,000 users with ten rules each.
 */

const users = 1_000
const forbidden = 9

/** The same for all of them: the row is not about passwords. */
export const password = "bench"

export function userName(index: number): string {
  return `user-${index}`
}

/** Puts them into a directory that no broker serves yet. */
export async function storeUsers(directory: string): Promise<void> {
  const accounts = openAccounts(directory, "normal")
  const passwordHash = await hashPassword(password)
  const rules: string[] = []
  for (let index = 0; index < users; index++) {
    const name = userName(index)
    await accounts.saveUser({ name, passwordHash, createdAtMs: Date.now() })
    const [topic = ""] = own(index)
    rules.push(`allow ${name} both ${topic}`)
    for (let number = 0; number < forbidden; number++)
      rules.push(`deny ${name} both plant/${number}/${index}/#`)
  }
  await accounts.changeAccessRules({ remove: [], add: rules })
  accounts.close()
}
