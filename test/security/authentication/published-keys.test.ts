import { afterEach, beforeEach, describe, expect, setSystemTime, test } from "bun:test"
import { ReasonCode } from "../../../src/protocol/reason-code.ts"
import type { AuthenticationVerdict } from "../../../src/security/authentication/authentication.ts"
import type { JwtAuthenticator } from "../../../src/security/authentication/jwt-authenticator.ts"
import { type KeyPair, keyPairFor, outcome, publicJwk, signed, TokenDesk } from "../../support/tokens.ts"

/** Publishes keys on a free port, and counts who asks. */
class Publisher {
  answer: () => Response = () => new Response("", { status: 500 })
  asked = 0
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      this.asked += 1
      return this.answer()
    },
  })

  get url(): string {
    return this.#server.url.href
  }

  publishes(...keys: readonly (readonly [kid: string, pair: KeyPair])[]): void {
    this.answer = () => Response.json({ keys: keys.map(([kid, pair]) => publicJwk(pair, { kid })) })
  }

  async stop(): Promise<void> {
    await this.#server.stop(true)
  }
}

const [first, second] = [keyPairFor("ES256"), keyPairFor("ES256")]
const keySet = JSON.stringify({ keys: [publicJwk(first, { kid: "k1" })] })
const unavailable = "the keys of tokens cannot be fetched: "
const unknown = "its token is not accepted: no applicable key found in the JSON Web Key Set"

let publisher: Publisher
let desk: TokenDesk
let jwt: JwtAuthenticator

beforeEach(() => {
  publisher = new Publisher()
  desk = new TokenDesk()
  turn(0)
  jwt = desk.authenticator({ kind: "published", url: publisher.url, maxAgeSeconds: 600 }, ["ES256"])
})
afterEach(async () => {
  setSystemTime()
  desk[Symbol.dispose]()
  await publisher.stop()
})

/** Both clocks: jose has the wall's. */
function turn(seconds: number): void {
  desk.clock.advance(seconds * 1000)
  setSystemTime(desk.clock.now())
}

async function verdict(kid: string, pair: KeyPair): Promise<AuthenticationVerdict> {
  const token = await signed({ sub: "ann", exp: desk.now + 60 }, pair.privateKey, { alg: "ES256", kid })
  return jwt.authenticate({
    clientId: "a",
    username: "ann",
    password: Buffer.from(token),
    remoteAddress: "192.0.2.1",
    certificate: undefined,
    listener: "tcp://127.0.0.1:1883",
  })
}
const login = async (kid: string, pair: KeyPair) => outcome(await verdict(kid, pair))

describe("published keys", () => {
  test("are fetched when they are first needed, and kept", async () => {
    publisher.publishes(["k1", first])
    expect(publisher.asked).toBe(0)
    const logins = await Promise.all([login("k1", first), login("k1", first)])
    expect([...logins, await login("k1", first)]).toEqual(["accept ann", "accept ann", "accept ann"])
    expect(publisher.asked).toBe(1)
  })

  test("are fetched again when a token names another, though not for every stranger who makes one up", async () => {
    publisher.publishes(["k1", first])
    expect(await login("k1", first)).toBe("accept ann")
    publisher.publishes(["k1", first], ["k2", second])
    expect(await login("k2", second)).toBe(unknown)
    expect(publisher.asked).toBe(1)
    turn(30)
    expect(await login("k2", second)).toBe("accept ann")
    expect([await login("k3", second), await login("k4", second)]).toEqual([unknown, unknown])
    expect(publisher.asked).toBe(2)
  })

  test("are fetched again when they are too old: one that was taken back holds no longer", async () => {
    publisher.publishes(["k1", first])
    await login("k1", first)
    publisher.publishes(["k2", second])
    turn(599)
    expect(await login("k1", first)).toBe("accept ann")
    turn(1)
    expect(await login("k1", first)).toBe(unknown)
    expect(await login("k2", second)).toBe("accept ann")
  })

  test("are fetched again when the wall was put back, instead of after the time by which it was", async () => {
    publisher.publishes(["k1", first])
    expect(await login("k1", first)).toBe("accept ann")
    publisher.publishes(["k2", second])
    desk.clock.putForward(-86_400_000)
    setSystemTime(desk.clock.wall())
    expect(await login("k2", second)).toBe("accept ann")
  })

  test("that cannot be fetched let nobody in, and are not asked for again at once", async () => {
    expect(await verdict("k1", first)).toEqual({
      verdict: "reject",
      reasonCode: ReasonCode.serverUnavailable,
      why: `${unavailable}its status is 500, not 200`,
    })
    publisher.publishes(["k1", first])
    expect(await login("k1", first)).toBe(`${unavailable}they could not be had a moment ago`)
    expect(publisher.asked).toBe(1)
    turn(2)
    expect(await login("k1", first)).toBe("accept ann")
  })

  test("hold for as long as they are fresh, though they cannot be fetched again", async () => {
    publisher.publishes(["k1", first])
    await login("k1", first)
    publisher.answer = () => new Response("", { status: 500 })
    turn(60)
    expect(await login("k2", second)).toContain(unavailable)
    expect(await login("k1", first)).toBe("accept ann")
    turn(540)
    expect(await login("k1", first)).toContain(unavailable)
  })

  test("that cannot be fetched are lamented once, until they can be", async () => {
    const { said } = desk
    await login("k1", first)
    turn(2)
    await login("k1", first)
    expect([publisher.asked, said]).toEqual([2, ["the keys of tokens cannot be fetched"]])
    publisher.publishes(["k1", first])
    turn(2)
    await login("k1", first)
    expect(said.splice(0)).toEqual([
      "the keys of tokens cannot be fetched",
      "the keys of tokens can be fetched again",
    ])
  })

  test("of somebody who is not there let nobody in", async () => {
    await publisher.stop()
    expect(await login("k1", first)).toContain(unavailable)
  })

  test.each([
    ["no JSON", () => new Response("<html>")],
    ["no set of keys", () => Response.json({ keys: "none" })],
    ["a redirect", () => Response.redirect("/elsewhere")],
    ["more than a megabyte", () => new Response(keySet + " ".repeat(1_048_577))],
  ])("are not read from an answer of %s", async (_, answer) => {
    publisher.answer = answer
    expect(await login("k1", first)).toContain(unavailable)
  })
})
