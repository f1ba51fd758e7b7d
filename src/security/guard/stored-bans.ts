import type { Clock, Timer } from "../../foundation/clock.ts"
import type { Log } from "../../foundation/log.ts"
import type { Store } from "../../storage/store.ts"
import type { Bans } from "./bans.ts"
import { followAccounts } from "../followed-accounts.ts"

/**
 * Fills the bans from the store, and again whenever they change there. What cannot be read then leaves them as they
 * were, and is tried again.
 *
 * @returns what ends it
 * @throws BanError, StoreError when they cannot be read the first time
 */
export async function followStoredBans(
  store: Pick<Store, "accounts" | "onAccountsChanged">,
  bans: Bans,
  clock: Clock,
  log: Log,
): Promise<Timer> {
  let known = ""
  return followAccounts(store, "the bans", clock, log, async () => {
    const stored = await store.accounts.bans()
    // A ban that replaces another has a number of its own.
    const ids = stored.map(({ id }) => id).join()
    if (ids === known) return
    bans.replace(stored)
    known = ids
  })
}
