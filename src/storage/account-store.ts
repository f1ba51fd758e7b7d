/** What an attribute of a user may hold. */
export type AttributeValue = string | number | boolean
export type Attributes = Readonly<Record<string, AttributeValue>>

/** Which client identifiers a user may call itself. */
export interface ClientIdBinding {
  readonly kind: "exact" | "prefix"
  readonly text: string
}

/** What one user may cost; undefined: no more than any client. */
export interface UserLimits {
  /** At a time. */
  readonly connections: number | undefined
  /** Of all its connections together. */
  readonly messagesPerSecond: number | undefined
}

export const scramMechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const
export type ScramMechanism = (typeof scramMechanisms)[number]

/** What proves a password by SCRAM without being it; the last three in base64 [RFC 5802, section 3]. */
export interface ScramCredential {
  readonly mechanism: ScramMechanism
  readonly iterations: number
  readonly salt: string
  readonly storedKey: string
  readonly serverKey: string
}

export interface StoredUser {
  readonly name: string
  /** A PHC string, or a hash as Mosquitto writes it. Undefined: no password fits. */
  readonly passwordHash: string | undefined
  /** When somebody set the password. The same password hashed anew leaves it. */
  readonly passwordSetAtMs: number
  readonly createdAtMs: number
  readonly enabled: boolean
  /** Whom no access rule binds. */
  readonly superuser: boolean
  /** In the order of the alphabet. */
  readonly groups: readonly string[]
  readonly attributes: Attributes
  /** Undefined: any. */
  readonly clientId: ClientIdBinding | undefined
  readonly limits: UserLimits
  readonly scram: readonly ScramCredential[]
}

export interface StoredGroup {
  readonly name: string
  readonly createdAtMs: number
}

/** An access rule as it is kept: a line of words, which mean nothing to the store. */
export interface StoredAccessRule {
  /** In the order in which they were added; given to no other rule afterwards. */
  readonly id: number
  readonly line: string
}

export const banKinds = ["client", "user", "address"] as const

/** Somebody who is not let in. */
export interface StoredBan {
  /** Given to no other ban afterwards. */
  readonly id: number
  readonly kind: (typeof banKinds)[number]
  /** A client identifier, a user's name, or an address or range of addresses: 192.0.2.7, 10.0.0.0/8. */
  readonly value: string
  /** Undefined: until it is removed. */
  readonly untilMs: number | undefined
  readonly why: string
  readonly createdAtMs: number
}

/** Something to be done to the accounts. Whether there was anything to do is its answer. */
export type AccountChange =
  /** False when there is one of that name. */
  | { readonly change: "add-user"; readonly user: StoredUser }
  /** Replaces the one of that name, or adds it. */
  | { readonly change: "save-user"; readonly user: StoredUser }
  /** False when it is not as it was before any more, or gone: whoever made up his mind by what he saw is to look again. */
  | { readonly change: "change-user"; readonly before: StoredUser; readonly after: StoredUser }
  | { readonly change: "remove-user"; readonly name: string }
  /** The same password hashed in another way; false when it was changed in the meantime. Nobody hears of it. */
  | { readonly change: "rehash"; readonly name: string; readonly before: string; readonly after: string }
  /** False when there is one of that name. */
  | { readonly change: "add-group"; readonly group: StoredGroup }
  /** Its members leave it. */
  | { readonly change: "remove-group"; readonly name: string }
  /** False when there is one of that line. */
  | { readonly change: "add-rule"; readonly line: string }
  | { readonly change: "remove-rule"; readonly id: number }
  /** Replaces one of the same kind and value. */
  | { readonly change: "save-ban"; readonly ban: Omit<StoredBan, "id"> }
  | { readonly change: "remove-ban"; readonly id: number }

/**
 * A change, and the sentence about it that the audit keeps when it took place: "user alice added". Of a rule that was
 * added the entry tells the number as a fact, `rule`.
 */
export interface AdministrativeChange {
  readonly change: AccountChange
  /** Undefined: nobody need know. */
  readonly said: string | undefined
}

export const auditKinds = ["change", "refusal"] as const

/** Something that was done, or refused, for whoever asks later. */
export interface AuditEntry {
  /** Increases. */
  readonly id: number
  readonly atMs: number
  readonly kind: (typeof auditKinds)[number]
  /** Of a change: who made it. Of a refusal: the user, or empty for nobody in particular. */
  readonly who: string
  /** The sentence. */
  readonly what: string
  /** Facts by name, such as the client, its address, the topic, the rule that decided, and how often in a row. */
  readonly facts: Readonly<Record<string, string | number>>
}

export interface UsersChanged {
  readonly last: number
  readonly names: readonly string[] | undefined
}

/** Which entries are asked for. */
export interface AuditQuery {
  readonly kind?: AuditEntry["kind"] | undefined
  readonly who?: string | undefined
  /** Not before. */
  readonly sinceMs?: number | undefined
  /** Only those with a greater number. */
  readonly afterId?: number | undefined
  /** At most so many: the latest. */
  readonly limit: number
}

/**
 * So many audit entries of each kind are kept, and a few more; the oldest go first. Of each kind, for strangers can have
 * refusals written as many as they like, and must not wash away who changed what.
 */
export const mostAuditEntries = 100_000

/** Users, groups, access rules, bans and what was done to them, as any process that opens the store finds them now. */
export interface AccountStore {
  user(name: string): Promise<StoredUser | undefined>
  /** Those of these names that there are, in any order. */
  usersNamed(names: readonly string[]): Promise<readonly StoredUser[]>
  /**
   * Who was added, changed or removed since an earlier answer, which was told as `last`.
   *
   * @returns names undefined: more than is remembered, so it may have been anybody
   */
  usersChangedSince(last: number): Promise<UsersChanged>
  /** By name. */
  users(): Promise<readonly StoredUser[]>
  countUsers(): Promise<number>
  /** By name. */
  groups(): Promise<readonly StoredGroup[]>
  /** By number. */
  accessRules(): Promise<readonly StoredAccessRule[]>
  /** By number, those included that are over. */
  bans(): Promise<readonly StoredBan[]>
  /** Oldest first. */
  audit(query: AuditQuery): Promise<readonly AuditEntry[]>
  /**
   * All of the changes or none of them, with their entries in the audit; durable when the promise resolves.
   *
   * @param who makes them
   * @returns of each whether there was something to change
   */
  change(who: string, changes: readonly AdministrativeChange[]): Promise<readonly boolean[]>
  /** Adds entries to the audit alone; whoever is told of changed accounts hears nothing of it. */
  record(entries: readonly Omit<AuditEntry, "id">[]): Promise<void>
}
