import type { Identity } from "../../src/security/identity.ts"
import { plainPrincipal } from "../../src/security/identity.ts"
import type { FinalVerdict } from "../../src/security/authentication/authentication.ts"
import { newUser } from "../../src/security/user.ts"
import type { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { AccountStore, StoredBan, StoredUser } from "../../src/storage/account-store.ts"

/** A user with a password that nobody knows, and what a test says of it. */
export function storedUser(name: string, words: Partial<StoredUser> = {}): StoredUser {
  return { ...newUser(name, "$argon2id$1", 5), ...words }
}

export async function saveUsers(accounts: AccountStore, ...users: readonly StoredUser[]): Promise<void> {
  await accounts.change(
    "test",
    users.map((user) => ({ change: { change: "save-user", user }, said: undefined })),
  )
}

export async function removeUser(accounts: AccountStore, name: string): Promise<boolean> {
  const [removed] = await accounts.change("test", [
    { change: { change: "remove-user", name }, said: undefined },
  ])
  return removed === true
}

/** @returns how many were new */
export async function addRules(accounts: AccountStore, ...lines: readonly string[]): Promise<number> {
  const added = await accounts.change(
    "test",
    lines.map((line) => ({ change: { change: "add-rule", line }, said: undefined })),
  )
  return added.filter(Boolean).length
}

/** @returns how many there were */
export async function removeRules(accounts: AccountStore, ...ids: readonly number[]): Promise<number> {
  const removed = await accounts.change(
    "test",
    ids.map((id) => ({ change: { change: "remove-rule", id }, said: undefined })),
  )
  return removed.filter(Boolean).length
}

/** Somebody of whom nothing is known but what a test says. */
export function identity(words: Partial<Identity> = {}): Identity {
  return {
    ...plainPrincipal(undefined),
    clientId: "",
    remoteAddress: "192.0.2.7",
    certificateName: undefined,
    ...words,
  }
}

export function acceptedAs(username: string | undefined): FinalVerdict {
  return { verdict: "accept", principal: plainPrincipal(username) }
}

export function rejected(reasonCode: ReasonCode): FinalVerdict {
  return { verdict: "reject", reasonCode, why: "the test says so" }
}

/** For good, unless told. */
export async function ban(
  accounts: AccountStore,
  kind: StoredBan["kind"],
  value: string,
  untilMs?: number,
): Promise<void> {
  const stored = { kind, value, untilMs, why: "", createdAtMs: 0 }
  await accounts.change("test", [{ change: { change: "save-ban", ban: stored }, said: undefined }])
}

export async function liftBan(accounts: AccountStore, kind: StoredBan["kind"], value: string): Promise<void> {
  const lifted = (await accounts.bans()).filter((each) => each.kind === kind && each.value === value)
  await accounts.change(
    "test",
    lifted.map(({ id }) => ({ change: { change: "remove-ban", id }, said: undefined })),
  )
}
