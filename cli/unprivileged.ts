import { lchownSync, mkdirSync, readFileSync, statSync } from "node:fs"
import { dirname } from "node:path"
import type { Settings } from "../src/config/settings.ts"
import { become, findSystemUser, PrivilegeError, type SystemUser } from "../src/system/privileges.ts"
import { CommandError, shellWord } from "./output.ts"

/** What became of the wish to be somebody else. */
export type Identity =
  /** As who started it, who is not root; or as who it was to be. */
  | { readonly is: "unprivileged" }
  /** Root, and nobody said who else to be. */
  | { readonly is: "root" }
  /** Only root can become somebody else. */
  | { readonly is: "another"; readonly wished: string }

/**
 * Becomes `process.user` if root started us, before anything is opened: what a broker cannot do as that user it will not be
 * able to do tomorrow either, when it reads its certificates again. The data directory is made for that user.
 *
 * @throws CommandError
 */
export function becomeUnprivileged(settings: Settings): Identity {
  const { user: wished } = settings.process
  const userId = process.getuid?.()
  if (wished === undefined) return { is: userId === 0 ? "root" : "unprivileged" }
  try {
    const user = findSystemUser(wished)
    if (user.userId === userId) return { is: userId === 0 ? "root" : "unprivileged" }
    if (userId !== 0) return { is: "another", wished }
    giveDirectory(settings, user)
    become(user, hasLowPort(settings))
    return { is: "unprivileged" }
  } catch (error) {
    if (error instanceof PrivilegeError) throw new CommandError(`process.user: ${error.message}`)
    throw error
  }
}

/** Makes the data directory theirs, if it is not there; what is there is never given away. */
function giveDirectory(
  { storage: { directory, ephemeral } }: Settings,
  { userId, groupId }: SystemUser,
): void {
  if (ephemeral) return
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined) {
    // Folders on the way are root's, and for everyone to go through.
    const before = process.umask(0o022)
    mkdirSync(dirname(directory), { recursive: true })
    process.umask(before)
    mkdirSync(directory, { mode: 0o700 })
    // Whoever may write in the folder above may have put a link in its place.
    lchownSync(directory, userId, groupId)
  } else if (found.uid !== userId) {
    const remedy = `chown -R ${userId}:${groupId} ${shellWord(directory)}`
    throw new CommandError(
      `${directory} belongs to user ${found.uid}, and process.user is user ${userId}; ${remedy}`,
    )
  }
}

/** A port that the system does not let everyone listen at. */
function hasLowPort({ listeners }: Settings): boolean {
  const firstForAll = firstPortForAll()
  return listeners.some(
    ({ address }) => address.scheme !== "unix" && address.port > 0 && address.port < firstForAll,
  )
}

function firstPortForAll(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"))
  } catch {
    // A system without the setting: the custom of all of them.
    return 1024
  }
}
