import type { ClientIdBinding, StoredUser } from "../storage/account-store.ts"

/** A user as it begins: enabled, in no group, bound by nothing but the rules. */
export function newUser(name: string, passwordHash: string | undefined, nowMs: number): StoredUser {
  return {
    name,
    passwordHash,
    passwordSetAtMs: nowMs,
    createdAtMs: nowMs,
    enabled: true,
    superuser: false,
    groups: [],
    attributes: {},
    clientId: undefined,
    limits: { connections: undefined, messagesPerSecond: undefined },
    scram: [],
  }
}

/** @param binding undefined: the user may call itself as it likes */
export function mayCallItself(binding: ClientIdBinding | undefined, clientId: string): boolean {
  if (binding === undefined) return true
  return binding.kind === "exact" ? clientId === binding.text : clientId.startsWith(binding.text)
}

/** The client identifier of who leaves the choice to us: one that its account allows [3.2.2.3.7]. */
export function assignedName(binding: ClientIdBinding | undefined, otherwise: string): string {
  if (binding === undefined) return otherwise
  return binding.kind === "exact" ? binding.text : binding.text + otherwise
}
