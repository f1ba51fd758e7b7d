import { describe, expect, spyOn, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import { AccountAuthenticator } from "../../../src/security/authentication/account-authenticator.ts"
import type { AuthenticationVerdict } from "../../../src/security/authentication/authentication.ts"
import type { Credentials } from "../../../src/security/authentication/credentials.ts"
import { hashPassword } from "../../../src/security/authentication/password.ts"
import type { StoredUser } from "../../../src/storage/account-store.ts"
import { MemoryStore } from "../../../src/storage/memory-store.ts"
import { removeUser, saveUsers, storedUser } from "../../support/accounts.ts"
import { silentLog } from "../../support/silent-log.ts"

const credentials = (username: string | undefined, password?: string): Credentials => ({
  clientId: "a",
  username,
  password: password === undefined ? undefined : Buffer.from(password),
  remoteAddress: "192.0.2.1",
  certificate: undefined,
  listener: "tcp://127.0.0.1:1883",
})

const passwordHash = await hashPassword("secret")
const bcrypt = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 })

async function authenticating(...users: readonly StoredUser[]) {
  const { accounts } = new MemoryStore()
  await saveUsers(accounts, ...users)
  const authenticator = new AccountAuthenticator(accounts, silentLog)
  return {
    accounts,
    shows: async (...words: Parameters<typeof credentials>) =>
      authenticator.authenticate(credentials(...words)),
  }
}

const refusedAs = (why: string): AuthenticationVerdict => ({
  verdict: "reject",
  reasonCode: ReasonCode.badUserNameOrPassword,
  why,
})

describe("The users of the store", () => {
  test("are let in with their password, as what their account says", async () => {
    const ann = storedUser("ann", { passwordHash, groups: ["family"], attributes: { site: "north" } })
    const { shows } = await authenticating(ann)
    expect(await shows("ann", "secret")).toMatchObject({
      verdict: "accept",
      principal: { username: "ann", groups: ["family"], attributes: { site: "north" }, account: ann },
    })
    expect(await shows(undefined)).toEqual({ verdict: "pass" })
  })

  test("are refused for many reasons, which look the same from outside", async () => {
    const { shows } = await authenticating(
      storedUser("ann", { passwordHash }),
      storedUser("off", { passwordHash, enabled: false }),
      storedUser("card", { passwordHash: undefined }),
      storedUser("odd", { passwordHash: "$5$salt$hash" }),
    )
    expect(await shows("ann", "guess")).toEqual(refusedAs("wrong password"))
    expect(await shows("ann", "secret\0")).toEqual(refusedAs("wrong password"))
    expect(await shows("ann")).toEqual(refusedAs("wrong password"))
    expect(await shows("Ann", "secret")).toEqual(refusedAs("no such user"))
    expect(await shows("off", "secret")).toEqual(refusedAs("the user is disabled"))
    expect(await shows("off", "guess")).toEqual(refusedAs("wrong password"))
    expect(await shows("card", "")).toEqual(refusedAs("wrong password"))
    expect(await shows("odd", "secret")).toMatchObject({
      why: expect.stringContaining("set the password anew"),
    })
  })

  test("need not be verified again while neither they nor their password change", async () => {
    const ann = storedUser("ann", { passwordHash })
    const { accounts, shows } = await authenticating(ann)
    await shows("ann", "secret")
    const verify = spyOn(Bun.password, "verify")
    try {
      expect(await shows("ann", "secret")).toMatchObject({ verdict: "accept" })
      expect(verify).not.toHaveBeenCalled()
      expect(await shows("ann", "guess")).toEqual(refusedAs("wrong password"))
      expect(verify).toHaveBeenCalledTimes(1)
      await saveUsers(accounts, { ...ann, enabled: false })
      expect(await shows("ann", "secret")).toEqual(refusedAs("the user is disabled"))
      await saveUsers(accounts, { ...ann, passwordHash: await hashPassword("other") })
      expect(await shows("ann", "secret")).toEqual(refusedAs("wrong password"))
      await removeUser(accounts, "ann")
      expect(await shows("ann", "secret")).toEqual(refusedAs("no such user"))
    } finally {
      verify.mockRestore()
    }
  })

  test("that came with a hash from elsewhere have one of ours after their first login", async () => {
    const ann = storedUser("ann", { passwordHash: bcrypt })
    const { accounts, shows } = await authenticating(ann)
    await shows("ann", "guess")
    expect(await accounts.user("ann")).toEqual(ann)
    const rehashed = new Promise<void>((resolve) => {
      const change = accounts.change.bind(accounts)
      accounts.change = async (...words) => {
        const changed = await change(...words)
        resolve()
        return changed
      }
    })
    expect(await shows("ann", "secret")).toMatchObject({ verdict: "accept" })
    await rehashed
    const after = await accounts.user("ann")
    expect(after).toEqual({
      ...ann,
      passwordHash: expect.stringMatching(/^\$argon2id\$/) as unknown as string,
    })
    expect(await accounts.audit({ limit: 9 })).toEqual([])
    expect(await shows("ann", "secret")).toMatchObject({ verdict: "accept" })
  })
})
