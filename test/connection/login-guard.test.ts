import { beforeEach, describe, expect, test } from "bun:test"
import { ReasonCode } from "../../src/protocol/reason-code.ts"
import type { Authenticator } from "../../src/security/authentication/authentication.ts"
import type { ExchangeAuthenticator } from "../../src/security/authentication/exchange.ts"
import { plainPrincipal } from "../../src/security/identity.ts"
import { acceptedAs, rejected } from "../support/accounts.ts"
import { TestBroker } from "../support/test-broker.ts"

const here = "192.0.2.7"

/** Asks for the password "right", and counts how often it was asked. */
class Doorkeeper implements Authenticator {
  asked = 0
  answer = ReasonCode.badUserNameOrPassword

  async authenticate({ username, password }: Parameters<Authenticator["authenticate"]>[0]) {
    this.asked += 1
    if (username === undefined && password === undefined) return rejected(ReasonCode.notAuthorized)
    return new TextDecoder().decode(password) === "right" ? acceptedAs(username) : rejected(this.answer)
  }
}

/** One step: "alice:right" is alice, and nobody else is anybody. */
const oneStep: ExchangeAuthenticator = {
  method: "ONE-STEP",
  begin: () => ({
    step: async (data) => {
      const [username, password] = new TextDecoder().decode(data).split(":")
      return password === "right"
        ? { verdict: "accept", principal: plainPrincipal(username), data: undefined }
        : { verdict: "reject", reasonCode: ReasonCode.notAuthorized, why: "wrong password", username }
    },
  }),
}

describe("Logging in", () => {
  let doorkeeper: Doorkeeper
  let broker: TestBroker
  let refusals: string[]
  let names: (string | undefined)[]
  beforeEach(async () => {
    doorkeeper = new Doorkeeper()
    broker = await TestBroker.start({ authenticator: doorkeeper, exchanges: [oneStep] })
    refusals = []
    names = []
    broker.broker.hook.onEvent("client-refused", ({ why, username }) => {
      refusals.push(why)
      names.push(username)
    })
  })

  async function tries(password: string | undefined, username: string | undefined = "alice", address = here) {
    const client = broker.client(`of-${username}`, { remoteAddress: address })
    const connack = await client.asks(password === undefined ? {} : { username, password })
    return connack?.reasonCode
  }

  test("with wrong passwords too often has to wait, and nothing is verified meanwhile", async () => {
    for (let time = 0; time < 6; time++) expect(await tries("wrong")).toBe(ReasonCode.badUserNameOrPassword)
    expect(doorkeeper.asked).toBe(5)
    expect(refusals.at(-1)).toBe(
      "too many failed logins of this user from this address, which is heard again at 2026-01-01T00:00:01.000Z",
    )
    // Even the right one is answered as a wrong one, for a guesser is not to learn that it is right.
    expect(await tries("right")).toBe(ReasonCode.badUserNameOrPassword)
    expect(doorkeeper.asked).toBe(5)
    await broker.passes(1)
    expect(await tries("right")).toBe(ReasonCode.success)
    for (let time = 0; time < 4; time++) await tries("wrong")
    expect(await tries("right")).toBe(ReasonCode.success)
  })

  test("too often is told when it is heard again by the wall, and of one wait in the same words", async () => {
    broker.clock.putForward(3_600_000)
    for (let time = 0; time < 6; time++) await tries("wrong")
    broker.clock.putForward(1)
    await tries("wrong")
    const again = "which is heard again at 2026-01-01T01:00:01.000Z"
    expect(refusals.slice(5)).toEqual([
      `too many failed logins of this user from this address, ${again}`,
      `too many failed logins of this user from this address, ${again}`,
    ])
  })

  test("with many passwords at once tells no more than with one after the other", async () => {
    const guesses = ["1", "2", "3", "4", "5", "6", "right", "8"].map((password, number) => {
      return broker.client(`c${number}`, { remoteAddress: here }).asks({ username: "alice", password })
    })
    const answers = (await Promise.all(guesses)).map((connack) => connack?.reasonCode)
    expect(answers).toEqual(guesses.map(() => ReasonCode.badUserNameOrPassword))
    expect(doorkeeper.asked).toBe(8)
    // Seven were wrong: four seconds.
    await broker.passes(3)
    expect(await tries("right")).toBe(ReasonCode.badUserNameOrPassword)
    await broker.passes(1)
    expect(await tries("right")).toBe(ReasonCode.success)
  })

  test("with right passwords lets in as many at once as there are", async () => {
    const logins = Array.from({ length: 100 }, (_, number) => {
      return broker.client(`c${number}`).asks({ username: "alice", password: "right" })
    })
    const answers = (await Promise.all(logins)).map((connack) => connack?.reasonCode)
    expect(answers.every((code) => code === ReasonCode.success)).toBe(true)
  })

  test("by an authentication method counts like any other, though the name comes out only in the end", async () => {
    const proves = async (words: string) => {
      const properties = {
        authenticationMethod: "ONE-STEP",
        authenticationData: new TextEncoder().encode(words),
      }
      const client = broker.client(`proves-${words}`, { remoteAddress: here })
      return (await client.asks({ properties }))?.reasonCode
    }
    for (let time = 0; time < 3; time++) expect(await proves("alice:wrong")).toBe(ReasonCode.notAuthorized)
    for (let time = 0; time < 2; time++) await tries("wrong")
    await broker.passes(0.5)
    expect(await proves("alice:right")).toBe(ReasonCode.badUserNameOrPassword)
    expect(await tries("right")).toBe(ReasonCode.badUserNameOrPassword)
    expect(await proves("bob:right")).toBe(ReasonCode.success)
    await broker.passes(0.5)
    expect(await proves("alice:right")).toBe(ReasonCode.success)
    expect(await tries("wrong")).toBe(ReasonCode.badUserNameOrPassword)
    expect(await tries("right")).toBe(ReasonCode.success)
  })

  test("goes on for others, and for the same user from elsewhere", async () => {
    for (let time = 0; time < 8; time++) await tries("wrong")
    expect(await tries("right", "bob")).toBe(ReasonCode.success)
    expect(await tries("right", "alice", "192.0.2.8")).toBe(ReasonCode.success)
  })

  test("without name and password is no guess", async () => {
    for (let time = 0; time < 200; time++) await tries(undefined)
    expect(doorkeeper.asked).toBe(200)
    expect(await tries("right")).toBe(ReasonCode.success)
  })

  test.each([undefined, ""])(
    "with the name %p counts against the client identifier, so that one stale token keeps nobody else out",
    async (username) => {
      const shows = async (clientId: string, password: string) => {
        const client = broker.client(clientId, { remoteAddress: here })
        const shown = username === undefined ? { password } : { username, password }
        return (await client.asks(shown))?.reasonCode
      }
      for (let time = 0; time < 9; time++) await shows("stale", "wrong")
      expect(doorkeeper.asked).toBe(5)
      expect(refusals.at(-1)).toStartWith("too many failed logins of this user from this address")
      expect(names.at(-1)).toBe(username)
      expect(await shows("fresh", "right")).toBe(ReasonCode.success)
      expect(await shows("stale", "right")).toBe(ReasonCode.badUserNameOrPassword)
    },
  )

  test("without a name is held against the address like any other", async () => {
    const shows = async (clientId: string, password: string) => {
      return (await broker.client(clientId, { remoteAddress: here }).asks({ password }))?.reasonCode
    }
    for (let time = 0; time < 101; time++) await shows(`c${time}`, "wrong")
    expect(await shows("fresh", "right")).toBe(ReasonCode.badUserNameOrPassword)
  })

  test("that we were too busy for is no guess", async () => {
    doorkeeper.answer = ReasonCode.serverBusy
    for (let time = 0; time < 20; time++) await tries("wrong")
    expect(await tries("right")).toBe(ReasonCode.success)
  })

  test("a guesser who is waiting is no burden: nothing of him stays", async () => {
    for (let time = 0; time < 50; time++) await tries("wrong")
    await broker.passes(6)
    expect(broker.acceptor.size).toBe(0)
  })
})
