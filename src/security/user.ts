import type { StoredUser } from "../storage/account-store.ts"

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
