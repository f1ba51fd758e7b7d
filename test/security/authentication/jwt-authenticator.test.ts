import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import type { JWTPayload } from "jose"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { AuthenticationVerdict } from "../../../src/security/authentication/authentication.ts"
import type { Credentials } from "../../../src/security/authentication/credentials.ts"
import type { Principal } from "../../../src/security/identity.ts"
import type { JwtAuthenticator, JwtOptions } from "../../../src/security/authentication/jwt-authenticator.ts"
import { saveUsers, storedUser } from "../../support/accounts.ts"
import {
  forged,
  keyPairFor,
  outcome,
  publicJwk,
  publicPem,
  rsaKeyPair,
  signed,
  TokenDesk,
} from "../../support/tokens.ts"

const encoder = new TextEncoder()
const secret = encoder.encode("a secret that is as long as the longest hash, 64 bytes, and more")
const ecKeyPair = keyPairFor("ES256")

function credentials(
  password: string | Uint8Array | undefined,
  words: Partial<Credentials> = {},
): Credentials {
  return {
    clientId: "sensor-1",
    username: undefined,
    password: typeof password === "string" ? encoder.encode(password) : password,
    remoteAddress: "192.0.2.1",
    certificate: undefined,
    listener: "tcp://127.0.0.1:1883",
    ...words,
  }
}

let desk: TokenDesk
beforeEach(() => {
  desk = new TokenDesk()
})
afterEach(() => desk[Symbol.dispose]())

/** Takes ES256 by the key of a PEM file, unless told. */
function authenticator(words: Partial<JwtOptions> = {}): JwtAuthenticator {
  const file = desk.file("key.pem", publicPem(ecKeyPair))
  return desk.authenticator({ kind: "public", file }, ["ES256"], words)
}

/** Some that no issuer would write. */
type Claims = Readonly<Record<string, unknown>>

/** Good for a minute, with the claims that a test wants otherwise. */
function token(claims: Claims = {}): Promise<string> {
  return signed({ sub: "ann", exp: desk.now + 60, ...claims } as JWTPayload, ecKeyPair.privateKey, {
    alg: "ES256",
  })
}

async function decide(
  password: string,
  words: Partial<Credentials> = {},
  options: Partial<JwtOptions> = {},
): Promise<string> {
  return outcome(await authenticator(options).authenticate(credentials(password, words)))
}

async function admitted(claims: Claims, options: Partial<JwtOptions> = {}): Promise<Principal> {
  const verdict = await authenticator(options).authenticate(credentials(await token(claims)))
  if (verdict.verdict !== "accept") throw new Error(outcome(verdict))
  return verdict.principal
}

describe("a token of every family is taken when the settings name its algorithm", () => {
  test.each(["HS256", "HS384", "HS512"])("%s, by the secret in a file", async (alg) => {
    const file = desk.file("secret", secret)
    const jwt = desk.authenticator({ kind: "secret", file }, [alg])
    const good = await signed({ sub: "ann", exp: desk.now + 60 }, secret, { alg })
    const bad = await signed({ sub: "ann", exp: desk.now + 60 }, secret.toReversed(), { alg })
    expect(outcome(await jwt.authenticate(credentials(good)))).toBe("accept ann")
    expect(outcome(await jwt.authenticate(credentials(bad)))).toBe(
      "its token is not accepted: signature verification failed",
    )
  })

  test.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])(
    "%s, by a public key in PEM, JWK or JWKS",
    async (alg) => {
      const pair = keyPairFor(alg)
      const jwk = publicJwk(pair, { kid: "k1" })
      const files = [
        desk.file("key.pem", publicPem(pair)),
        desk.file("key.jwk", JSON.stringify(jwk)),
        desk.file("key.jwks", JSON.stringify({ keys: [publicJwk(keyPairFor("EdDSA"), { kid: "k0" }), jwk] })),
      ]
      const good = await signed({ sub: "ann", exp: desk.now + 60 }, pair.privateKey, { alg, kid: "k1" })
      for (const file of files) {
        const jwt = desk.authenticator({ kind: "public", file }, [alg])
        expect(outcome(await jwt.authenticate(credentials(good)))).toBe("accept ann")
      }
    },
  )

  test("several algorithms of one kind may stand side by side", async () => {
    const file = desk.file("key.pem", publicPem(rsaKeyPair))
    const jwt = desk.authenticator({ kind: "public", file }, ["RS256", "PS512"])
    for (const [alg, expected] of [
      ["RS256", "accept ann"],
      ["PS512", "accept ann"],
      ["PS256", 'its token is not accepted: "alg" (Algorithm) Header Parameter value not allowed'],
    ] as const) {
      const each = await signed({ sub: "ann", exp: desk.now + 60 }, rsaKeyPair.privateKey, { alg })
      expect(outcome(await jwt.authenticate(credentials(each)))).toBe(expected)
    }
  })
})

describe("what is no token is left to the next", () => {
  test.each(["secret", "a.b.c", "a.b", "....", "", "eyJhbGciOiJIUzI1NiJ9", "eyJ0eXAiOiJKV1QifQ.e30.e30"])(
    "%j",
    async (password) => {
      expect(await decide(password)).toBe("pass")
    },
  )

  test("no password, and bytes that are no text", async () => {
    const jwt = authenticator()
    expect(outcome(await jwt.authenticate(credentials(undefined)))).toBe("pass")
    expect(outcome(await jwt.authenticate(credentials(new Uint8Array([0xff, 0x2e, 0x2e]))))).toBe("pass")
  })
})

describe("what is not signed as the settings want it proves nothing", () => {
  const claims = () => ({ sub: "ann", exp: desk.now + 60 })
  const notAllowed = 'its token is not accepted: "alg" (Algorithm) Header Parameter value not allowed'

  test.each(["none", "None", "nOnE", "NONE", "", "HS256", "RS256", "ES256K"])(
    "a token that names %j for its algorithm",
    async (alg) => {
      expect(await decide(forged({ alg }, claims()))).toContain("its token is not accepted")
      expect(await decide(forged({ alg }, claims(), "AAAA"))).toContain("its token is not accepted")
    },
  )

  test("one signed with the public key as if that were a secret", async () => {
    const pem = publicPem(ecKeyPair)
    for (const text of [pem, pem.trim(), JSON.stringify(publicJwk(ecKeyPair))]) {
      const unsigned = forged({ alg: "HS256" }, claims()).slice(0, -1)
      const signature = createHmac("sha256", text).update(unsigned).digest("base64url")
      expect(await decide(`${unsigned}.${signature}`)).toBe(notAllowed)
    }
  })

  test("one whose header brings its own key, or says where to fetch it", async () => {
    const mine = keyPairFor("ES256")
    for (const more of [
      { jwk: publicJwk(mine) },
      { jku: "http://127.0.0.1:1/" },
      { x5u: "http://127.0.0.1:1/" },
    ]) {
      const each = await signed(claims(), mine.privateKey, { alg: "ES256", ...more } as { alg: string })
      expect(await decide(each)).toBe("its token is not accepted: signature verification failed")
    }
  })

  test.each(["../../etc/passwd", "' or 1=1 --", "other", "", "\u0000"])("one of the key %j", async (kid) => {
    const file = desk.file("keys.json", JSON.stringify({ keys: [publicJwk(ecKeyPair, { kid: "k1" })] }))
    const jwt = desk.authenticator({ kind: "public", file }, ["ES256"])
    const named = await signed(claims(), ecKeyPair.privateKey, { alg: "ES256", kid })
    expect(outcome(await jwt.authenticate(credentials(named)))).toBe(
      "its token is not accepted: no applicable key found in the JSON Web Key Set",
    )
  })

  test("one that names no key where several would fit", async () => {
    const keys = [publicJwk(ecKeyPair, { kid: "k1" }), publicJwk(keyPairFor("ES256"), { kid: "k2" })]
    const file = desk.file("keys.json", JSON.stringify({ keys }))
    const jwt = desk.authenticator({ kind: "public", file }, ["ES256"])
    expect(outcome(await jwt.authenticate(credentials(await token())))).toContain(
      "multiple matching keys found",
    )
  })

  test("one that was changed behind its signature", async () => {
    const [header = "", , signature = ""] = (await token()).split(".")
    const other = Buffer.from(JSON.stringify({ ...claims(), sub: "root" })).toString("base64url")
    expect(await decide(`${header}.${other}.${signature}`)).toContain("signature verification failed")
    expect(await decide(`${header}.${other}.`)).toContain("signature verification failed")
    expect(await decide(`${header}.${other}.${"A".repeat(86)}`)).toContain("signature verification failed")
  })

  test("one that asks for what we do not know, or for a payload that is not encoded", async () => {
    const crit = await signed(claims(), ecKeyPair.privateKey, {
      alg: "ES256",
      crit: ["exp"],
      exp: 1,
    } as never).catch(() => forged({ alg: "ES256", crit: ["exp"], exp: 1 }, claims(), "A".repeat(86)))
    expect(await decide(crit)).toContain('Extension Header Parameter "exp" is not recognized')
    const b64 = forged({ alg: "ES256", b64: false, crit: ["b64"] }, claims(), "A".repeat(86))
    expect(await decide(b64)).toContain("its token is not accepted")
  })

  test("one that would fill the log with words of its own", async () => {
    const name = "x".repeat(5_000)
    const wordy = forged({ alg: "ES256", crit: [name], [name]: 1 }, claims(), "A".repeat(86))
    expect((await decide(wordy)).length).toBeLessThan(250)
  })

  test("one that is longer than 16 KiB", async () => {
    expect(await decide(await token({ more: "x".repeat(16_384) }))).toBe(
      "its token is longer than 16384 bytes",
    )
  })

  test("one whose payload is no object", async () => {
    for (const payload of ["[]", "null", '"ann"', "{", ""]) {
      const unsigned = forged({ alg: "HS256" }, payload).slice(0, -1)
      const signature = createHmac("sha256", secret).update(unsigned).digest("base64url")
      const jwt = desk.authenticator({ kind: "secret", file: desk.file("secret", secret) }, ["HS256"])
      expect(outcome(await jwt.authenticate(credentials(`${unsigned}.${signature}`)))).toContain(
        "its token is not accepted",
      )
    }
  })

  test("of a claim that stands there twice the last one counts [RFC 7519, section 4]", async () => {
    const payload = `{"sub":"root","sub":"ann","exp":${desk.now + 60}}`
    const unsigned = forged({ alg: "HS256" }, payload).slice(0, -1)
    const signature = createHmac("sha256", secret).update(unsigned).digest("base64url")
    const jwt = desk.authenticator({ kind: "secret", file: desk.file("secret", secret) }, ["HS256"])
    const twice = `${unsigned}.${signature}`
    expect(outcome(await jwt.authenticate(credentials(twice)))).toBe("accept ann")
    expect(outcome(await jwt.authenticate(credentials(twice, { username: "root" })))).toBe(
      "its token is that of another user",
    )
  })
})

describe("a token holds for its time", () => {
  test("and for as long as the clocks may differ", async () => {
    const exp = 'its token is not accepted: "exp" claim timestamp check failed'
    expect(await decide(await token({ exp: desk.now - 4 }))).toBe("accept ann")
    expect(await decide(await token({ exp: desk.now - 5 }))).toBe(exp)
    expect(await decide(await token({ exp: desk.now }), {}, { clockSkewSeconds: 0 })).toBe(exp)
    expect(await decide(await token({ nbf: desk.now + 5 }))).toBe("accept ann")
    expect(await decide(await token({ nbf: desk.now + 6 }))).toBe(
      'its token is not accepted: "nbf" claim timestamp check failed',
    )
  })

  test("which is when its session ends; one that is taken behind its time ends when it would no longer be", async () => {
    expect((await admitted({ exp: desk.now + 60 })).expiresAtMs).toBe(desk.clock.now() + 60_000)
    expect((await admitted({ exp: desk.now - 2 })).expiresAtMs).toBe(desk.clock.now() + 3_000)
  })

  test("one without an end is refused, unless the settings say otherwise", async () => {
    const endless = await token({ exp: undefined })
    expect(await decide(endless)).toBe('its token is not accepted: missing required "exp" claim')
    expect(await decide(endless, {}, { requireExpiry: false })).toBe("accept ann")
    expect((await admitted({ exp: undefined }, { requireExpiry: false })).expiresAtMs).toBe(
      Number.POSITIVE_INFINITY,
    )
  })

  test.each([["soon"], [null], [true], [[1]]])("one that ends at %j is refused", async (exp) => {
    expect(await decide(await token({ exp }))).toContain("its token is not accepted")
  })
})

describe("a token is for whom it names", () => {
  test("issuer and audience, where the settings name them", async () => {
    const options = { issuer: "https://id.example", audience: "mqtt" }
    const iss = options.issuer
    expect(await decide(await token({ iss, aud: "mqtt" }), {}, options)).toBe("accept ann")
    expect(await decide(await token({ iss, aud: ["web", "mqtt"] }), {}, options)).toBe("accept ann")
    for (const [claims, claim] of [
      [{ iss, aud: "web" }, "aud"],
      [{ iss, aud: [] }, "aud"],
      [{ iss }, "aud"],
      [{ iss: "https://id.example.org", aud: "mqtt" }, "iss"],
      [{ aud: "mqtt" }, "iss"],
    ] as const) {
      expect(await decide(await token(claims), {}, options)).toContain(`"${claim}" claim`)
    }
  })

  test("the user name of CONNECT, if there is one, is the name in the token", async () => {
    const anns = await token()
    expect(await decide(anns, { username: "ann" })).toBe("accept ann")
    expect(await decide(anns, { username: "" })).toBe("accept ann")
    for (const username of ["bob", "Ann", "ann ", "ann\u0000"]) {
      expect(await decide(anns, { username })).toBe("its token is that of another user")
    }
  })

  test.each([[undefined], [""], [7], [null], [["ann"]], ["ann\u0000bob"], ["\ud800"]])(
    "the name %j is none",
    async (sub) => {
      const nameless = await token({ sub })
      expect(await decide(nameless)).toBe("its token has no name in its claim sub")
      expect(await decide(nameless, { username: "ann" })).toBe("its token has no name in its claim sub")
    },
  )

  test("the settings may name another claim; one that every object has is none", async () => {
    const named = await token({ user: "bob" })
    expect(await decide(named, {}, { usernameClaim: "user" })).toBe("accept bob")
    expect(await decide(named, {}, { usernameClaim: "constructor" })).toContain("has no name")
  })

  test("as the user name, where the settings say so: then the password is nobody's concern", async () => {
    const options = { source: "username" } as const
    expect(await decide("anything", { username: await token() }, options)).toBe("accept ann")
    expect(
      await decide("anything", { username: forged({ alg: "none" }, { sub: "ann" }) }, options),
    ).toContain("its token is not accepted")
    expect(await decide(await token(), { username: "ann" }, options)).toBe("pass")
    expect(await decide(await token(), {}, options)).toBe("pass")
  })

  test("a client identifier that it names is the client's own", async () => {
    const options = { clientIdClaim: "client_id" }
    expect(await decide(await token({ client_id: "sensor-1" }), {}, options)).toBe("accept ann")
    expect(await decide(await token(), {}, options)).toBe("accept ann")
    for (const client_id of ["sensor-2", "", null, 1]) {
      expect(await decide(await token({ client_id }), {}, options)).toBe(
        "its token is for another client identifier",
      )
    }
    expect(await decide(await token({ client_id: "sensor-2" }))).toBe("accept ann")
  })

  test("it needs no account, but one of its name that is disabled shuts it out", async () => {
    await saveUsers(desk.accounts, storedUser("ann", { superuser: true }))
    expect(await admitted({})).toMatchObject({ username: "ann", superuser: false, account: undefined })
    await saveUsers(desk.accounts, storedUser("ann", { enabled: false }))
    expect(await decide(await token())).toBe("the user is disabled")
  })
})

describe("what a token says of its user", () => {
  test("groups and attributes are taken over", async () => {
    const principal = await admitted({
      groups: ["b", "a", "b"],
      attributes: { site: "north", floor: 3, on: true },
    })
    expect(principal).toMatchObject({
      username: "ann",
      superuser: false,
      groups: ["a", "b"],
      attributes: { site: "north", floor: 3, on: true },
      rules: undefined,
    })
  })

  test.each([
    ["groups", "admins", "groups"],
    ["groups", [""], "groups"],
    ["groups", [1], "groups"],
    ["groups", null, "groups"],
    ["attributes", ["a"], "attributes"],
    ["attributes", { a: { b: 1 } }, "attributes"],
    ["attributes", { a: null }, "attributes"],
    ["attributes", "a", "attributes"],
    ["acl", null, "access rules"],
    ["acl", "allow publish a", "access rules"],
    ["acl", ["allow publish a/#/b"], "access rules"],
  ])("a claim %s of %j makes it worthless", async (claim, value, word) => {
    expect(await decide(await token({ [claim]: value }))).toContain(`its token has ${word}`)
  })

  test("a superuser is one by a claim that the settings name, and by true alone", async () => {
    const options = { superuserClaim: "root" }
    expect((await admitted({ root: true })).superuser).toBe(false)
    expect((await admitted({ root: true }, options)).superuser).toBe(true)
    expect((await admitted({ root: false }, options)).superuser).toBe(false)
    expect((await admitted({}, options)).superuser).toBe(false)
    for (const root of ["true", 1, null]) {
      expect(await decide(await token({ root }), {}, options)).toContain("whether it is a superuser")
    }
  })

  test("access rules are brought along, and a token that holds none of them allows nothing", async () => {
    expect((await admitted({ acl: ["allow publish a/#"] })).rules).toHaveLength(1)
    expect((await admitted({ acl: [] })).rules).toEqual([])
    expect((await admitted({ rights: ["allow publish a/#"] }, { aclClaim: "rights" })).rules).toHaveLength(1)
  })
})

describe("a reload", () => {
  test("reads the key anew, and keeps the old one when there is none to read", async () => {
    const jwt = authenticator()
    const check = async (given: string): Promise<AuthenticationVerdict> =>
      jwt.authenticate(credentials(given))
    const before = await token()
    const next = keyPairFor("ES256")
    const after = await signed({ sub: "ann", exp: desk.now + 60 }, next.privateKey, { alg: "ES256" })
    expect([outcome(await check(before)), (await check(after)).verdict]).toEqual(["accept ann", "reject"])
    const file = desk.file("key.pem", "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n")
    expect(() => jwt.readAgain()).toThrow(`${file} holds no public key or certificate in PEM`)
    expect(outcome(await check(before))).toBe("accept ann")
    desk.file("key.pem", publicPem(next))
    const take = jwt.readAgain()
    expect(outcome(await check(before))).toBe("accept ann")
    take()
    expect([(await check(before)).verdict, outcome(await check(after))]).toEqual(["reject", "accept ann"])
  })
})

describe("a refusal", () => {
  test("tells the client no more than that", async () => {
    const verdict = await authenticator().authenticate(credentials(forged({ alg: "none" }, {})))
    expect(verdict).toMatchObject({ verdict: "reject", reasonCode: ReasonCode.badUserNameOrPassword })
  })
})
