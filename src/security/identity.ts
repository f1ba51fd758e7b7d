import type { Attributes, StoredUser, UserLimits } from "../storage/account-store.ts"
import type { AccessRule } from "./access/access-rule.ts"

/** Who a client was found to be, and what follows from that. */
export interface Principal {
  /** Undefined: anonymous. */
  readonly username: string | undefined
  /** Whom no access rule binds. */
  readonly superuser: boolean
  readonly groups: readonly string[]
  readonly attributes: Attributes
  readonly limits: UserLimits
  /** Access rules that it brought along, as a token may: they go before all others. Undefined: it brought none. */
  readonly rules: readonly AccessRule[] | undefined
  /** When by the wall it ceases to be what it was found to be, as when its token expires; Infinity: never. */
  readonly expiresAtMs: number
  /** The account that this follows from, as it was read: it may change while the client is connected. */
  readonly account: StoredUser | undefined
}

/** What is known of a client while its connection lasts: all that its rights may depend on. */
export interface Identity extends Pick<
  Principal,
  "username" | "superuser" | "groups" | "attributes" | "rules"
> {
  readonly clientId: string
  /** The common name of the certificate that its connection showed, whatever it was that proved who it is. */
  readonly certificateName: string | undefined
  /**
   * Undefined where nobody knows it any more, as of a will that outlived the process: then a rule that allows from
   * certain addresses fails, and one that denies holds.
   */
  readonly remoteAddress: string | undefined
}

const noLimits: UserLimits = { connections: undefined, messagesPerSecond: undefined }

/** Of whom nothing but a name is known, if that. */
export function plainPrincipal(username: string | undefined): Principal {
  return {
    username,
    superuser: false,
    groups: [],
    attributes: {},
    limits: noLimits,
    rules: undefined,
    expiresAtMs: Number.POSITIVE_INFINITY,
    account: undefined,
  }
}

/** Whoever shows no name. */
export const anonymous: Principal = plainPrincipal(undefined)

/** @param account whose user was found to be at the other end */
export function principalOf(account: StoredUser): Principal {
  const { name, superuser, groups, attributes, limits } = account
  return { ...anonymous, username: name, superuser, groups, attributes, limits, account }
}
