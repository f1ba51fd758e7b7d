import type { Problem } from "./problem.ts"

export const hashKinds = ["sha512", "sha512-pbkdf2", "argon2id"] as const

/** How a password is kept. */
export type SavedPassword =
  /** A hash of Mosquitto's, as it stands in its file. */
  | { readonly kind: (typeof hashKinds)[number]; readonly hash: string }
  | { readonly kind: "plain"; readonly text: string }

export interface SavedUser {
  readonly name: string
  readonly password: SavedPassword
  readonly line: number
}

/** Reads a password file: `name:hash` a line. What cannot be a user is left out, and said. */
export function parsePasswordFile(
  text: string,
  file: string,
): { readonly users: readonly SavedUser[]; readonly problems: readonly Problem[] } {
  const users = new Map<string, SavedUser>()
  const problems: Problem[] = []
  for (const [index, written] of text.split("\n").entries()) {
    const line = index + 1
    const entry = written.trimEnd()
    if (entry === "" || entry.startsWith("#")) continue
    const say = (what: string) => problems.push({ file, line, what })
    const colon = entry.indexOf(":")
    if (colon < 0) {
      say("the line has no colon and is left out")
      continue
    }
    const name = entry.slice(0, colon)
    const password = parsePassword(entry.slice(colon + 1))
    if (!isAccountName(name)) say(`the user name ${JSON.stringify(name)} cannot be one and is left out`)
    else if (users.has(name)) say(`user ${name} stands here again; only the first line counts`)
    else if (password === undefined) say(`user ${name} has a hash that nothing verifies, and is left out`)
    else users.set(name, { name, password, line })
  }
  return { users: [...users.values()], problems }
}

const base64 = "[A-Za-z0-9+/]+={0,2}"
const layouts = {
  sha512: new RegExp(`^\\$6\\$${base64}\\$${base64}$`),
  "sha512-pbkdf2": new RegExp(`^\\$7\\$[1-9]\\d{0,8}\\$${base64}\\$${base64}$`),
  argon2id: new RegExp(`^\\$argon2id\\$v=19\\$m=\\d+,t=\\d+,p=\\d+\\$[A-Za-z0-9+/]+\\$[A-Za-z0-9+/]+$`),
} as const satisfies Record<(typeof hashKinds)[number], RegExp>

/** @returns undefined when it begins like a hash and is none that can be verified, or is empty */
export function parsePassword(text: string): SavedPassword | undefined {
  const kind = hashKinds.find((each) => layouts[each].test(text))
  if (kind !== undefined) return kind === "argon2id" || isWhole(text) ? { kind, hash: text } : undefined
  return text === "" || /^\$(\d+|argon2\w*)\$/.test(text) ? undefined : { kind: "plain", text }
}

/** Of `$6$` and `$7$`: SHA-512 gives 64 bytes, and nobody waits for more rounds than these. */
function isWhole(hash: string): boolean {
  const parts = hash.split("$")
  const rounds = parts[1] === "7" ? Number(parts[2]) : 1
  return rounds <= 10_000_000 && Buffer.from(parts.at(-1) ?? "", "base64").length === 64
}

/** What Bantam takes for the name of a user or group too. */
export function isAccountName(name: string): boolean {
  return name !== "" && Buffer.byteLength(name) <= 65_535 && !/[\p{Cc}\p{Cf}]/u.test(name)
}
