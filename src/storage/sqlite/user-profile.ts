import type {
  Attributes,
  ClientIdBinding,
  ScramCredential,
  StoredUser,
  UserLimits,
} from "../account-store.ts"

/** A row of the table of users. */
export interface ProfileColumns {
  readonly name: string
  readonly passwordHash: string | null
  readonly passwordSetAtMs: number
  readonly createdAtMs: number
  readonly profile: string
}

/** What is usual is left out. We wrote it ourselves, so it is read as it stands. */
interface Profile {
  readonly disabled?: true
  readonly superuser?: true
  readonly groups?: readonly string[]
  readonly attributes?: Attributes
  readonly clientId?: ClientIdBinding
  readonly connections?: number
  readonly messagesPerSecond?: number
  readonly scram?: readonly ScramCredential[]
}

export function readUser({ profile, passwordHash, ...columns }: ProfileColumns): StoredUser {
  const { disabled, superuser, groups, attributes, clientId, connections, messagesPerSecond, scram } =
    JSON.parse(profile) as Profile
  return {
    ...columns,
    passwordHash: passwordHash ?? undefined,
    enabled: disabled !== true,
    superuser: superuser === true,
    groups: groups ?? [],
    attributes: attributes ?? {},
    clientId,
    limits: { connections, messagesPerSecond },
    scram: scram ?? [],
  }
}

/** The row of a user, column by column. */
export function userColumns(user: StoredUser): [string, string | null, number, number, string] {
  const { connections, messagesPerSecond }: UserLimits = user.limits
  const profile: Profile = {
    ...(!user.enabled && { disabled: true }),
    ...(user.superuser && { superuser: true }),
    ...(user.groups.length > 0 && { groups: user.groups }),
    ...(Object.keys(user.attributes).length > 0 && { attributes: user.attributes }),
    ...(user.clientId !== undefined && { clientId: user.clientId }),
    ...(connections !== undefined && { connections }),
    ...(messagesPerSecond !== undefined && { messagesPerSecond }),
    ...(user.scram.length > 0 && { scram: user.scram }),
  }
  return [
    user.name,
    user.passwordHash ?? null,
    user.passwordSetAtMs,
    user.createdAtMs,
    JSON.stringify(profile),
  ]
}
