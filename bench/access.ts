import { hashPassword } from "../src/security/authentication/password.ts"
import { newUser } from "../src/security/user.ts"
import type { AccountChange } from "../src/storage/account-store.ts"
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
  const nowMs = Date.now()
  const changes: AccountChange[] = []
  for (let index = 0; index < users; index++) {
    const name = userName(index)
    changes.push({ change: "save-user", user: newUser(name, passwordHash, nowMs) })
    const [topic = ""] = own(index)
    changes.push({ change: "add-rule", line: `allow ${name} both ${topic}` })
    for (let number = 0; number < forbidden; number++) {
      changes.push({ change: "add-rule", line: `deny ${name} both plant/${number}/${index}/#` })
    }
  }
  await accounts.change(
    "bench",
    changes.map((change) => ({ change, said: undefined })),
  )
  accounts.close()
}
