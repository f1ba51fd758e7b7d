import { addressOf, cText, type Libc, libc, numberAt, textAt } from "./libc.ts"

/** Why a process cannot become who it is to be: one sentence with a remedy, without a full stop. */
export class PrivilegeError extends Error {
  override readonly name = "PrivilegeError"
}

/** Somebody of this machine. */
export interface SystemUser {
  /** Undefined: a number that no name belongs to. */
  readonly name: string | undefined
  readonly userId: number
  readonly groupId: number
}

/*
 * Of `struct passwd` and `struct group` on a Linux of 64 bits, glibc and musl alike: pointers to name and password, then
 * the numbers.
 */
const nameOffset = 0
const firstNumberOffset = 16
const secondNumberOffset = 20

/**
 * @param text `NAME`, `NAME:GROUP`, or numbers in the place of names
 * @throws PrivilegeError there is no such user or group
 */
export function findSystemUser(text: string): SystemUser {
  const library = required()
  const [, user = "", group] = /^([^:]+)(?::([^:]+))?$/.exec(text) ?? []
  const asNumber = numberOf(user)
  const found = asNumber === undefined ? library.getpwnam(addressOf(cText(user))) : library.getpwuid(asNumber)
  const named = group === undefined ? undefined : groupNumber(library, group)
  if (found !== null && user !== "") {
    return {
      name: textAt(found, nameOffset),
      userId: numberAt(found, firstNumberOffset),
      groupId: named ?? numberAt(found, secondNumberOffset),
    }
  }
  if (asNumber === undefined) {
    throw new PrivilegeError(
      `this machine has no user ${JSON.stringify(user)}; make it (useradd --system ${user}), or name another`,
    )
  }
  if (named === undefined) {
    throw new PrivilegeError(
      `no name belongs to user ${asNumber}, so no group does; name one too, as in ${asNumber}:${asNumber}`,
    )
  }
  return { name: undefined, userId: asNumber, groupId: named }
}

function groupNumber(library: Libc, group: string): number {
  const asNumber = numberOf(group)
  if (asNumber !== undefined) return asNumber
  const found = library.getgrnam(addressOf(cText(group)))
  if (found === null) {
    throw new PrivilegeError(
      `this machine has no group ${JSON.stringify(group)}; make it (groupadd --system), or name another`,
    )
  }
  return numberAt(found, firstNumberOffset)
}

function numberOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

const keepCapabilities = 8
const noNewPrivileges = 38
const capabilityVersion3 = 0x2008_0522
const netBindService = 10

/**
 * Becomes that user for good: every thread, all groups. New privileges are renounced in this thread, which is the one
 * that starts programs, and in those that it starts; not in threads that were there before.
 *
 * @param mayBindLowPorts keeps the one right of root that ports below 1024 need (CAP_NET_BIND_SERVICE), in this thread and
 *   those that it starts
 * @throws PrivilegeError
 */
export function become(user: SystemUser, mayBindLowPorts: boolean): void {
  const library = required()
  if (mayBindLowPorts) succeeded(library.prctl(keepCapabilities, 1n, 0n, 0n, 0n), "keep a capability")
  changeIds(user)
  // The same call takes away whatever else was kept.
  if (mayBindLowPorts) keepOnly(library, 1 << netBindService)
  succeeded(library.prctl(noNewPrivileges, 1n, 0n, 0n, 0n), "renounce new privileges")
  if (process.getuid?.() !== user.userId || process.getgid?.() !== user.groupId) {
    throw new PrivilegeError(`did not become user ${user.userId}; start the program as that user`)
  }
}

/** Bun's types do not know initgroups. */
const withInitgroups = process as typeof process & { initgroups?(user: string, groupId: number): void }

function changeIds({ name, userId, groupId }: SystemUser): void {
  try {
    if (name === undefined) process.setgroups?.([groupId])
    else withInitgroups.initgroups?.(name, groupId)
    process.setgid?.(groupId)
    process.setuid?.(userId)
  } catch (cause) {
    const why = "this needs CAP_SETUID and CAP_SETGID; start the program as its user instead"
    throw new PrivilegeError(`cannot become user ${userId}: ${why}`, { cause })
  }
}

function keepOnly(library: Libc, capabilities: number): void {
  const header = Uint32Array.of(capabilityVersion3, 0)
  // Effective, permitted and inheritable; once more for the upper half of the numbers.
  const sets = Uint32Array.of(capabilities, capabilities, 0, 0, 0, 0)
  succeeded(library.capset(addressOf(header), addressOf(sets)), "keep CAP_NET_BIND_SERVICE alone")
}

function succeeded(result: number, what: string): void {
  if (result === 0) return
  throw new PrivilegeError(
    `cannot ${what}; start the program as its user, with CAP_NET_BIND_SERVICE for ports below 1024`,
  )
}

function required(): Libc {
  const library = libc()
  if (library !== undefined) return library
  throw new PrivilegeError("users cannot be changed on this system; start the program as its user instead")
}
