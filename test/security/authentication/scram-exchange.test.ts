import { beforeAll, describe, expect, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { Credentials } from "../../../src/security/authentication/credentials.ts"
import type {
  AuthenticationExchange,
  ExchangeVerdict,
} from "../../../src/security/authentication/exchange.ts"
import { makeScramCredentials, scramIterations } from "../../../src/security/authentication/scram.ts"
import { ScramAuthenticator } from "../../../src/security/authentication/scram-exchange.ts"
import { type ScramCredential, scramMechanisms } from "../../../src/storage/account-store.ts"
import { MemoryStore } from "../../../src/storage/memory-store.ts"
import { removeUser, saveUsers, storedUser } from "../../support/accounts.ts"
import { ScramClient, type ScramWords } from "../../support/scram-client.ts"

const credentials: Credentials = {
  clientId: "a",
  username: undefined,
  password: undefined,
  remoteAddress: "192.0.2.1",
  certificate: undefined,
  listener: "tcp://127.0.0.1:1883",
}

let pencil: readonly ScramCredential[] = []
beforeAll(async () => {
  pencil = await makeScramCredentials("pencil")
})

async function store(): Promise<MemoryStore> {
  const memory = new MemoryStore()
  await saveUsers(
    memory.accounts,
    storedUser("alice", { scram: pencil, superuser: true }),
    storedUser("idle", { scram: pencil, enabled: false }),
    storedUser("old"),
    storedUser("a,b=c", { scram: pencil }),
    storedUser("z\u00fcrich", { scram: pencil }),
  )
  return memory
}

async function challengeOf(exchange: AuthenticationExchange, client: ScramClient): Promise<Uint8Array> {
  const verdict = await exchange.step(client.first())
  if (verdict.verdict !== "continue") throw new Error(JSON.stringify(verdict))
  return verdict.data
}

/** The whole conversation. */
async function login(
  username: string,
  password: string,
  { mechanism = scramMechanisms[0] as ScramClient["mechanism"], connectName, ...words }: LoginWords = {},
): Promise<{ verdict: ExchangeVerdict; client: ScramClient }> {
  const { accounts } = await store()
  const exchange = new ScramAuthenticator(mechanism, accounts).begin({
    ...credentials,
    username: connectName,
  })
  const client = new ScramClient(mechanism, username, password, words)
  const first = await exchange.step(client.first())
  if (first.verdict !== "continue") return { verdict: first, client }
  return { verdict: await exchange.step(await client.final(first.data)), client }
}

interface LoginWords extends ScramWords {
  readonly mechanism?: ScramClient["mechanism"]
  readonly connectName?: string
}

describe.each(scramMechanisms)("By %s", (mechanism) => {
  test("a user is let in with what the account says, and shown that we know the password's keys", async () => {
    const { verdict, client } = await login("alice", "pencil", { mechanism })
    expect(verdict).toMatchObject({ verdict: "accept", principal: { username: "alice", superuser: true } })
    expect(verdict.verdict === "accept" && client.trusts(verdict.data)).toBe(true)
  })

  test.each([
    ["alice", "pencils", "wrong password"],
    ["idle", "pencil", "the user is disabled"],
    ["idle", "pencils", "wrong password"],
    ["old", "pencil", `the user has no credentials for ${mechanism}`],
    ["nobody", "pencil", "no such user"],
  ])("user %s with password %s is refused as any other is: %s", async (username, password, why) => {
    const { verdict } = await login(username, password, { mechanism })
    const reasonCode = ReasonCode.badUserNameOrPassword
    expect(verdict).toEqual({ verdict: "reject", reasonCode, why, username })
  })
})

describe("A SCRAM client", () => {
  test.each([["a,b=c"], ["zu\u0308rich"]])("may have any name, such as %j", async (name) => {
    const { verdict } = await login(name, "pencil")
    expect(verdict).toMatchObject({ verdict: "accept", principal: { username: name.normalize("NFC") } })
  })

  test.each([
    ["knows of channel binding", { gs2Header: "y,," }],
    ["acts for itself", { gs2Header: "n,a=alice," }],
    ["has its name beside the method", { connectName: "alice" }],
    ["has an extension that need not be understood", { extension: ",z=1" }],
  ])("that %s is let in", async (_, words) => {
    expect((await login("alice", "pencil", words)).verdict).toMatchObject({ verdict: "accept" })
  })

  test.each([
    ["binds a channel", { gs2Header: "p=tls-unique,," }],
    ["acts for another", { gs2Header: "n,a=bob," }],
    ["has another name beside the method", { connectName: "bob" }],
    ["has an extension that must be understood", { extension: ",m=1" }],
  ])("that %s is refused, though it knows the password", async (_, words) => {
    const { verdict } = await login("alice", "pencil", words)
    expect(verdict).toMatchObject({ verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword })
  })

  test("has a name of nothing but what cannot be typed, and is refused", async () => {
    expect((await login("\u0007", "pencil")).verdict).toMatchObject({
      verdict: "reject",
      why: "a user name that nobody may have [RFC 4013]",
    })
  })

  test("that has sent the method alone is asked for its first message [RFC 4422]", async () => {
    const exchange = new ScramAuthenticator("SCRAM-SHA-256", (await store()).accounts).begin(credentials)
    expect(await exchange.step(undefined)).toEqual({ verdict: "continue", data: new Uint8Array(0) })
    const client = new ScramClient("SCRAM-SHA-256", "alice", "pencil")
    const challenge = await challengeOf(exchange, client)
    expect(await exchange.step(await client.final(challenge))).toMatchObject({ verdict: "accept" })
  })

  test("is given a nonce that begins with its own and is new each time", async () => {
    const authenticator = new ScramAuthenticator("SCRAM-SHA-256", (await store()).accounts)
    const client = new ScramClient("SCRAM-SHA-256", "alice", "pencil", { nonce: "mine" })
    const one = Buffer.from(await challengeOf(authenticator.begin(credentials), client)).toString()
    const other = Buffer.from(await challengeOf(authenticator.begin(credentials), client)).toString()
    expect(one).toMatch(/^r=mine[^,]{24},s=[^,]{24},i=15000$/)
    expect(one).not.toBe(other)
  })

  test("cannot say again what was said in another conversation", async () => {
    const authenticator = new ScramAuthenticator("SCRAM-SHA-256", (await store()).accounts)
    const client = new ScramClient("SCRAM-SHA-256", "alice", "pencil", { nonce: "mine" })
    const first = authenticator.begin(credentials)
    const final = await client.final(await challengeOf(first, client))
    expect(await first.step(final)).toMatchObject({ verdict: "accept" })
    const second = authenticator.begin(credentials)
    await challengeOf(second, client)
    expect(await second.step(final)).toMatchObject({ why: "another nonce than ours" })
  })

  test("cannot change what it said of channel binding", async () => {
    const exchange = new ScramAuthenticator("SCRAM-SHA-256", (await store()).accounts).begin(credentials)
    await challengeOf(exchange, new ScramClient("SCRAM-SHA-256", "alice", "pencil", { gs2Header: "y,," }))
    const proof = Buffer.alloc(32).toString("base64")
    expect(await exchange.step(Buffer.from(`c=biws,r=x,p=${proof}`))).toMatchObject({
      why: "what it said of channel binding was changed on the way",
    })
  })

  test.each([[undefined], [new Uint8Array(0)], [Buffer.from("nonsense")]])(
    "that answers the challenge with %j is refused",
    async (answer) => {
      const exchange = new ScramAuthenticator("SCRAM-SHA-256", (await store()).accounts).begin(credentials)
      await challengeOf(exchange, new ScramClient("SCRAM-SHA-256", "alice", "pencil"))
      expect(await exchange.step(answer)).toMatchObject({ verdict: "reject", username: "alice" })
    },
  )
})

describe("Between the challenge and the proof", () => {
  async function meanwhile(change: (memory: MemoryStore) => Promise<unknown>): Promise<ExchangeVerdict> {
    const memory = await store()
    const exchange = new ScramAuthenticator("SCRAM-SHA-256", memory.accounts).begin(credentials)
    const client = new ScramClient("SCRAM-SHA-256", "alice", "pencil")
    const challenge = await challengeOf(exchange, client)
    await change(memory)
    return exchange.step(await client.final(challenge))
  }

  test("a user that is removed is not let in any more", async () => {
    expect(await meanwhile(({ accounts }) => removeUser(accounts, "alice"))).toMatchObject({
      why: "no such user",
    })
  })

  test("a user that is disabled is not either", async () => {
    const disabled = storedUser("alice", { scram: pencil, enabled: false })
    expect(await meanwhile(({ accounts }) => saveUsers(accounts, disabled))).toMatchObject({
      why: "the user is disabled",
    })
  })

  test("nor is one whose password is changed", async () => {
    const changed = storedUser("alice", { scram: await makeScramCredentials("pen") })
    expect(await meanwhile(({ accounts }) => saveUsers(accounts, changed))).toMatchObject({
      why: "the password was changed in the meantime",
    })
  })
})

describe("Whether there is a user cannot be told", () => {
  test("from the challenge, which is the same for the same name each time", async () => {
    const authenticator = new ScramAuthenticator("SCRAM-SHA-256", (await store()).accounts)
    const salts = []
    for (const name of ["nobody", "nobody", "old", "old", "alice", "alice"]) {
      const client = new ScramClient("SCRAM-SHA-256", name, "x", { nonce: "n" })
      const challenge = Buffer.from(await challengeOf(authenticator.begin(credentials), client)).toString()
      const [, salt, iterations] = /s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
      expect(iterations).toBe(String(scramIterations))
      salts.push(salt)
    }
    expect(salts[0]).toBe(salts[1] as string)
    expect(salts[2]).toBe(salts[3] as string)
    expect(salts[4]).toBe(salts[5] as string)
    expect(new Set(salts).size).toBe(3)
  })
})
