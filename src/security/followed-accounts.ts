import type { Log } from "../foundation/log.ts"
import type { Store } from "../storage/store.ts"

/**
 * Reads something from the accounts, and again whenever they change: never twice at a time, and what changes while it
 * is read is read once more. What cannot be read then leaves everything as it was.
 *
 * @param what it is, for the log: "the access rules"
 * @throws whatever `read` throws the first time
 */
export async function followAccounts(
  store: Pick<Store, "onAccountsChanged">,
  what: string,
  log: Log,
  read: () => Promise<void>,
): Promise<void> {
  let changes = 0
  const follow = async (): Promise<void> => {
    changes += 1
    if (changes > 1) return
    for (let seen = 0; seen !== changes;) {
      seen = changes
      try {
        await read()
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        log.error(`${what} cannot be read; the old ones stay`, { why })
      }
    }
    changes = 0
  }
  store.onAccountsChanged(() => void follow())
  await read()
}
